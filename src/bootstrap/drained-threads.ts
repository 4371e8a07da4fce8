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

  /** Settles when every thread that runs is drained, when `timeoutMs` have passed, or at `cut`. */
  whenAll(timeoutMs: number, cut: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer)
        cut.removeEventListener('abort', settle)
        resolve()
      }
      const timer = setTimeout(settle, timeoutMs)
      cut.addEventListener('abort', settle)
      this.#onDrained = settle
      if (cut.aborted) settle()
      else this.review()
    })
  }
}
