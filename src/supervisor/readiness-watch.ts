/** Notices when the instance becomes ready, and when it stops being ready; tells all concerned. */
import type { Readiness } from '../gateway/health.ts'
import type { Logger } from '../observability/logger.ts'

export interface ReadinessWatchParts {
  /** What the instance is now. */
  readonly readiness: () => Readiness
  /** Called with each change. */
  readonly onChange: (readiness: Readiness) => void
  readonly logger: Logger
}

export class ReadinessWatch {
  readonly #parts: ReadinessWatchParts
  #last = ''
  #isLogging = false
  /** What the log said last; `null`: nothing yet. */
  #logged: Readiness['status'] | null = null
  #waiting: (() => void)[] = []

  constructor(parts: ReadinessWatchParts) {
    this.#parts = parts
  }

  /** Everything is started: the log says from now on whether the instance is ready. */
  startLogging(): void {
    this.#isLogging = true
    this.review()
  }

  /** Call when anything has changed that readiness depends on. */
  review(): void {
    const readiness = this.#parts.readiness()
    if (this.#isLogging) this.#log(readiness)
    const text = JSON.stringify(readiness)
    if (text !== this.#last) {
      this.#last = text
      this.#parts.onChange(readiness)
    }
    if (readiness.ready) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Settles when the instance is ready; at once, when it is. */
  whenReady(): Promise<void> {
    if (this.#parts.readiness().ready) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #log({ ready, status, issuers }: Readiness): void {
    if (status === this.#logged) return
    this.#logged = status
    // An operator has asked for this, and the log says so already.
    if (status === 'draining') return
    if (ready) {
      this.#parts.logger.log({ event: 'ready' })
      return
    }
    const waiting = issuers.filter(({ condition }) => condition === 'waiting')
    const waitingForIssuers = waiting.map(({ issuer }) => issuer)
    this.#parts.logger.log({ event: 'not_ready', status, waitingForIssuers })
  }
}
