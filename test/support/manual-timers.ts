/** Timers that fire when a test says so. */
import type { Later } from '../../src/revocation/pauses.ts'

interface Waiting {
  readonly run: () => void
  readonly delayMs: number
}

export class ManualTimers {
  readonly #waiting = new Set<Waiting>()

  readonly later: Later = (run, delayMs) => {
    const waiting = { run, delayMs }
    this.#waiting.add(waiting)
    return () => {
      this.#waiting.delete(waiting)
    }
  }

  /** Delays of all that wait, in the order in which they were asked for. */
  get delaysMs(): number[] {
    return [...this.#waiting].map(({ delayMs }) => delayMs)
  }

  /** Fires all that wait now, whatever their delays. */
  fire(): void {
    const due = [...this.#waiting]
    this.#waiting.clear()
    for (const { run } of due) run()
  }
}
