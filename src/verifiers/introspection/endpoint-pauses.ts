/**
 * The pauses that one endpoint has asked for (429 with `Retry-After`): one that everybody keeps,
 * and one that only strangers keep, whose tokens can be anybody's invention.
 *
 *     429 about a stranger, or a probe         ──► strangers do not ask: they are too many
 *     429 about a known token, and strangers
 *       were asked about a moment before       ──► the same: they may have used up what is allowed
 *     429 about a known token otherwise        ──► no token is asked about: an outage
 *
 * So who sends invented tokens cannot bring about that known ones are no longer asked about.
 */
import { retryAfterSeconds } from '../../http/retry-after.ts'
import type { OutboundResult } from '../../resilience/outbound-http.ts'
import { PAUSE_MS_MAX, type SharedPause } from '../../resilience/shared-pause.ts'
import type { Clock } from '../../runtime/clock.ts'

/** Who keeps a pause: the labels under which pauses are exported. */
export const PAUSED_CALLERS = ['all', 'unknown'] as const

export type PausedCallers = (typeof PAUSED_CALLERS)[number]

export interface EndpointPausesParts {
  readonly clock: Clock
  /** Shared by all threads. */
  readonly forAll: SharedPause
  readonly forUnknown: SharedPause
  /** Not a pause of anybody: runs for a moment after each question about a stranger. */
  readonly afterUnknown: SharedPause
  /** One has begun, of so many seconds. Told once, by the thread that was asked for it. */
  readonly onPause: (callers: PausedCallers, seconds: number) => void
}

/** Who counts requests counts them by the second, mostly; with the time that an answer takes. */
const MOMENT_MS = 1_500
const STATUS_TOO_MANY = 429
const MS_PER_SECOND = 1_000

export class EndpointPauses {
  readonly #parts: EndpointPausesParts

  constructor(parts: EndpointPausesParts) {
    this.#parts = parts
  }

  /** @returns Whose pause keeps this caller from asking; `null`: none. */
  keeping(isKnown: boolean): PausedCallers | null {
    const { clock, forAll, forUnknown } = this.#parts
    const nowMs = clock.wallMs()
    if (forAll.leftMs(nowMs) > 0) return 'all'
    return !isKnown && forUnknown.leftMs(nowMs) > 0 ? 'unknown' : null
  }

  /** A stranger is asked about now. */
  unknownAsked(): void {
    const { clock, afterUnknown } = this.#parts
    afterUnknown.begin(MOMENT_MS, clock.wallMs())
  }

  /** @returns Whose pause this answer has asked for; `null`: none. */
  heed(result: OutboundResult, isKnown: boolean): PausedCallers | null {
    const { clock, forAll, forUnknown, afterUnknown, onPause } = this.#parts
    if (result.ok || result.status !== STATUS_TOO_MANY || result.retryAfter === null) {
      return null
    }
    const seconds = retryAfterSeconds(result.retryAfter, clock.nowSeconds())
    if (seconds === null) return null
    const nowMs = clock.wallMs()
    const callers = isKnown && afterUnknown.leftMs(nowMs) === 0 ? 'all' : 'unknown'
    const durationMs = Math.min(seconds * MS_PER_SECOND, PAUSE_MS_MAX)
    const isNew = (callers === 'all' ? forAll : forUnknown).begin(durationMs, nowMs)
    if (isNew) onPause(callers, durationMs / MS_PER_SECOND)
    return callers
  }
}
