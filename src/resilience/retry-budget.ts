/**
 * Bounds how much load retries may add, so that an upstream that fails is not hit harder for it.
 *
 * A bucket of whole units: every request puts `percent` units in, every retry takes 100 out. Over
 * any stretch of traffic, retries are therefore at most `percent` of the requests plus `burst`.
 * There is no clock: without traffic there is nothing to retry.
 */

/** What one retry costs; what a request earns is then simply the percentage. */
const UNITS_PER_RETRY = 100

export interface RetryBudgetOptions {
  /** Retries allowed per hundred requests, 0 to 100, whole. */
  readonly percent: number
  /** Retries that may be saved up, and that are there at the start. At least 0, whole. */
  readonly burst: number
}

export class RetryBudget {
  readonly #percent: number
  readonly #unitsMax: number
  #units: number

  constructor(options: RetryBudgetOptions) {
    const { percent, burst } = options
    if (!(Number.isInteger(percent) && percent >= 0 && percent <= 100)) {
      throw new RangeError('the percentage of retries is a whole number from 0 to 100')
    }
    if (!(Number.isInteger(burst) && burst >= 0)) {
      throw new RangeError('the burst of retries is a whole number')
    }
    this.#percent = percent
    this.#unitsMax = burst * UNITS_PER_RETRY
    this.#units = this.#unitsMax
  }

  /** Hot path: counts one request that is no retry itself. */
  earn(): void {
    this.#units = Math.min(this.#units + this.#percent, this.#unitsMax)
  }

  /** Whether one more retry may be made; if so, it is paid for. */
  spend(): boolean {
    if (this.#units < UNITS_PER_RETRY) return false
    this.#units -= UNITS_PER_RETRY
    return true
  }

  /** Retries that could be made now, rounded down. */
  get available(): number {
    return Math.floor(this.#units / UNITS_PER_RETRY)
  }
}
