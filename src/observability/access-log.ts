/**
 * Decides which requests get an access line.
 *
 * Hot path: {@link AccessLog.wants}. With a share of 0 it costs one comparison, and the caller then
 * builds no record.
 */
import { EventLimiter } from './event-limiter.ts'

/**
 * Each kind has a share and a bound of its own, so that a flood of one leaves room for the others.
 *
 * - `answered`: by an upstream, below 500. `refused`: by the gateway, below 500.
 * - `failed`: 500 and above, and an answer that was cut.
 */
export const ACCESS_KINDS = ['answered', 'refused', 'failed'] as const

export type AccessKind = (typeof ACCESS_KINDS)[number]

export interface AccessLogOptions {
  /** Share of the requests of a kind that are logged: 0 none, 1 all. */
  readonly shares: Readonly<Record<AccessKind, number>>
  /** Lines of each kind within a second, at least 1. */
  readonly linesPerSecondMax: number
  /** A line that was due is left out, because there were as many in that second. */
  readonly onLeftOut: (kind: AccessKind) => void
}

const SECOND_MS = 1_000

/**
 * Samples evenly: with a share of 0.1 every tenth request, not one in ten by chance, so that even a
 * short look at the log shows the rate.
 */
class Sample {
  readonly #share: number
  #due = 0

  constructor(share: number) {
    this.#share = share
  }

  /** Moves on by one request. @returns Whether it is one of those to log. */
  takeTurn(): boolean {
    if (this.#share === 0) return false
    this.#due += this.#share
    if (this.#due < 1) return false
    this.#due -= 1
    return true
  }
}

export class AccessLog {
  readonly #answered: Sample
  readonly #refused: Sample
  readonly #failed: Sample
  readonly #limiter: EventLimiter
  readonly #onLeftOut: AccessLogOptions['onLeftOut']

  constructor({ shares, linesPerSecondMax, onLeftOut }: AccessLogOptions) {
    this.#answered = new Sample(shares.answered)
    this.#refused = new Sample(shares.refused)
    this.#failed = new Sample(shares.failed)
    this.#limiter = new EventLimiter(linesPerSecondMax, SECOND_MS)
    this.#onLeftOut = onLeftOut
  }

  /**
   * Whether the request that ended now is to be logged. Ask once per request.
   *
   * @param nowMs Monotonic.
   */
  wants(kind: AccessKind, nowMs: number): boolean {
    if (!this.#sampleOf(kind).takeTurn()) return false
    if (this.#limiter.admit(kind, nowMs) !== null) return true
    this.#onLeftOut(kind)
    return false
  }

  #sampleOf(kind: AccessKind): Sample {
    if (kind === 'answered') return this.#answered
    return kind === 'refused' ? this.#refused : this.#failed
  }
}
