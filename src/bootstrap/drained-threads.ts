/** Which listener threads have no connection left, while the instance is drained. */
export class DrainedThreads {
  readonly #drained = new Set<number>()
  readonly #listening: ReadonlySet<number>
  #onDrained: (() => void) | null = null

  /** @param listening Threads that run; read whenever it matters. */
  constructor(listening: ReadonlySet<number>) {
    this.#listening = listening
  }

  add(index: number): void {
    this.#drained.add(index)
    this.review()
  }

  /** Call when a thread is gone. */
  review(): void {
    if ([...this.#listening].every((index) => this.#drained.has(index))) this.#onDrained?.()
  }

  /** Settles when every thread that runs is drained, or when `timeoutMs` have passed. */
  whenAll(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#onDrained = () => {
        clearTimeout(timer)
        resolve()
      }
      this.review()
    })
  }
}
