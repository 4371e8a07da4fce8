/** Lets concurrent callers who want the same thing share one piece of work. */

export interface SingleFlightOptions {
  /** Different keys that may be in flight at once. */
  readonly keysMax: number
  /** Callers that may wait for one key, the one who started it included. */
  readonly waitersPerKeyMax: number
}

interface Flight<T> {
  /**
   * `null` when it has ended: a `Map` whose keys come and go leaves old tables behind, which keep
   * each other alive with all that was in them until everything is collected. See
   * waiting-line.ts.
   */
  result: Promise<T> | null
  waiters: number
}

export class SingleFlight<T> {
  readonly #options: SingleFlightOptions
  readonly #flights = new Map<string, Flight<T>>()

  constructor(options: SingleFlightOptions) {
    this.#options = options
  }

  /** Keys in flight. */
  get size(): number {
    return this.#flights.size
  }

  /**
   * Joins the work in flight for `key`, or starts it.
   *
   * All who joined get the same result, a rejection included. The key is free again before the
   * first of them hears of it, so the next caller starts anew: nothing is cached.
   *
   * @returns `null`, without starting anything, when either maximum is reached.
   */
  run(key: string, work: () => Promise<T>): Promise<T> | null {
    const flight = this.#flights.get(key)
    if (flight !== undefined) {
      if (flight.waiters >= this.#options.waitersPerKeyMax) return null
      flight.waiters += 1
      return flight.result
    }
    if (this.#flights.size >= this.#options.keysMax) return null
    return this.#start(key, work)
  }

  #start(key: string, work: () => Promise<T>): Promise<T> {
    const flight: Flight<T> = { result: null, waiters: 1 }
    // Started in a microtask, so that work which throws at once cannot leave the key taken.
    const result = Promise.resolve()
      .then(work)
      .finally(() => {
        this.#flights.delete(key)
        flight.result = null
      })
    flight.result = result
    this.#flights.set(key, flight)
    return result
  }
}
