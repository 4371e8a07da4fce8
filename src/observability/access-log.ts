/**
 * Decides which requests get an access line.
 *
 * Hot path: {@link AccessLog.wants}. With a share of 0 it costs one comparison, and the caller then
 * builds no record.
 */

export interface AccessLogOptions {
  /** Share of the requests answered below 500 that are logged: 0 none, 1 all. */
  readonly sampledShare: number
  /** The same for answers of 500 and above. */
  readonly failureSampledShare: number
}

/**
 * Samples evenly: with a share of 0.1 every tenth request, not one in ten by chance, so that even a
 * short look at the log shows the rate.
 */
export class AccessLog {
  readonly #share: number
  readonly #failureShare: number
  #due = 0
  #failureDue = 0

  constructor(options: AccessLogOptions) {
    this.#share = options.sampledShare
    this.#failureShare = options.failureSampledShare
  }

  /** Whether the request that ended with this status is to be logged. Ask once per request. */
  wants(status: number): boolean {
    return status >= 500 ? this.#isFailureDue() : this.#isDue()
  }

  #isDue(): boolean {
    if (this.#share === 0) return false
    this.#due += this.#share
    if (this.#due < 1) return false
    this.#due -= 1
    return true
  }

  #isFailureDue(): boolean {
    if (this.#failureShare === 0) return false
    this.#failureDue += this.#failureShare
    if (this.#failureDue < 1) return false
    this.#failureDue -= 1
    return true
  }
}
