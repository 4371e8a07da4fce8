/** Pauses that end when their owner does, and that leave a server time for others. */

/** Runs `run` once, after so many milliseconds. Returns what calls it off. */
export type Later = (run: () => void, delayMs: number) => () => void

/** On average a pause is as long as the answer before it took: half of the server is for others. */
const PAUSE_FACTOR = 1
const PAUSE_MS_MAX = 50
/** Shorter ones are none. */
const PAUSE_MS_MIN = 1

export class Pauses {
  readonly #later: Later
  readonly #random: () => number
  readonly #monotonicMs: () => number
  readonly #cancels = new Set<() => void>()
  #isStopped = false

  /** @param random A number in [0, 1), for jitter. */
  constructor(later: Later, random: () => number, monotonicMs: () => number) {
    this.#later = later
    this.#random = random
    this.#monotonicMs = monotonicMs
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** None of the pauses that run, nor of those to come, ever ends or begins. */
  stop(): void {
    this.#isStopped = true
    for (const cancel of this.#cancels) cancel()
    this.#cancels.clear()
  }

  /** In proportion to the time that an answer took; what was done since it came is part of it. */
  afterAnswer(answerMs: number, answeredAtMs: number): Promise<void> {
    const pauseMs = Math.min(PAUSE_FACTOR * answerMs, PAUSE_MS_MAX) * (0.5 + this.#random())
    return this.pause(pauseMs - (this.#monotonicMs() - answeredAtMs))
  }

  pause(durationMs: number): Promise<void> {
    if (durationMs < PAUSE_MS_MIN || this.#isStopped) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.#later(() => {
        this.#cancels.delete(cancel)
        resolve()
      }, durationMs)
      this.#cancels.add(cancel)
    })
  }
}
