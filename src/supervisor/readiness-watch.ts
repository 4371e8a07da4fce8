/** Notices when the instance becomes ready, and when it stops being ready; tells all concerned. */
import type { Readiness } from '../gateway/health.ts'

export interface ReadinessWatchParts {
  /** What the instance is now. */
  readonly judge: () => Readiness
  /** Called with each change. */
  readonly onChange: (readiness: Readiness) => void
}

export class ReadinessWatch {
  readonly #parts: ReadinessWatchParts
  #last = ''
  #waiting: (() => void)[] = []

  constructor(parts: ReadinessWatchParts) {
    this.#parts = parts
  }

  /** Call when anything has changed that readiness depends on. */
  review(): void {
    const readiness = this.#parts.judge()
    const text = JSON.stringify(readiness)
    if (text !== this.#last) {
      this.#last = text
      this.#parts.onChange(readiness)
    }
    if (readiness.ready) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Settles when the instance is ready; at once, when it is. */
  whenReady(): Promise<void> {
    if (this.#parts.judge().ready) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
