/** How long to wait before the next attempt: doubling, bounded, and jittered. */

export interface BackoffOptions {
  readonly initialMs: number
  readonly maxMs: number
}

export class Backoff {
  readonly #options: BackoffOptions
  readonly #random: () => number
  #attempts = 0

  /** @param random A number in [0, 1); injected so that tests can fix it. */
  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options
    this.#random = random
  }

  /** Milliseconds to wait now: between half of the doubled delay and all of it. */
  nextDelayMs(): number {
    const { initialMs, maxMs } = this.#options
    const fullMs = Math.min(maxMs, initialMs * 2 ** this.#attempts)
    // Stops counting once the maximum is reached, so that the power can never overflow.
    if (fullMs < maxMs) this.#attempts += 1
    return fullMs * (0.5 + 0.5 * this.#random())
  }

  /** After a success. */
  reset(): void {
    this.#attempts = 0
  }
}
