/** Asks several threads the same thing and waits until all have answered, or for so long. */

interface OpenQuestion {
  readonly missing: Set<number>
  readonly settle: () => void
}

export class Inquiry {
  readonly #timeoutMs: number
  readonly #open = new Map<number, OpenQuestion>()
  #count = 0

  /** @param timeoutMs Who has not answered by then is not waited for. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /**
   * @param send Sends the question with this number to all of `threads`.
   * @returns Settles when all have answered or the time is up. Never rejects.
   */
  ask(threads: readonly number[], send: (question: number) => void): Promise<void> {
    if (threads.length === 0) return Promise.resolve()
    const question = this.#count
    this.#count += 1
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(), this.#timeoutMs)
      const settle = () => {
        clearTimeout(timer)
        this.#open.delete(question)
        resolve()
      }
      this.#open.set(question, { missing: new Set(threads), settle })
      send(question)
    })
  }

  /** Late and repeated answers are ignored. */
  answered(question: number, thread: number): void {
    const open = this.#open.get(question)
    if (open === undefined) return
    open.missing.delete(thread)
    if (open.missing.size === 0) open.settle()
  }
}
