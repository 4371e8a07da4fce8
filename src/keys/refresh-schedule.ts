/** When the keys of an issuer are fetched next, and the times that this goes by. */
import type { Clock } from '../runtime/clock.ts'

/** Says nothing of whose keys they are: all of it may become another while they are in use. */
export interface JwksTimings {
  /** How long a fetched set counts as fresh. */
  readonly cacheTtlMs: number
  readonly refreshIntervalMs: number
  readonly unknownKidCooldownMs: number
  /** How old a set may become at all. */
  readonly staleMaxAgeMs: number
  /** One whole fetch, discovery included. */
  readonly timeoutMs: number
}

export interface RefreshScheduleParts {
  readonly clock: Clock
  /** A number in [0, 1), for jitter. */
  readonly random: () => number
  readonly onDue: () => void
}

/** The longest that a timer can wait. */
export const TIMER_MS_MAX = 2 ** 31 - 1
/** A refresh comes no later than at this part of the TTL, so that one failure makes none stale. */
const TTL_SHARE_MAX = 0.75
/** Part of an interval by which refreshes of many instances are spread. */
const JITTER_SHARE = 0.1

export class RefreshSchedule {
  readonly #parts: RefreshScheduleParts
  #timer: NodeJS.Timeout | null = null
  #atMs = 0

  constructor(parts: RefreshScheduleParts) {
    this.#parts = parts
  }

  /** Time until the next one; 0 while it is overdue, `null` when none is planned. */
  get untilNextMs(): number | null {
    return this.#timer && Math.max(0, this.#atMs - this.#parts.clock.monotonicMs())
  }

  /** @param ageMs Time since the fetch that succeeded. */
  afterSuccess(timings: JwksTimings, ageMs: number): void {
    // Only ever earlier, so that the part of the TTL is never exceeded.
    const spread = 1 - JITTER_SHARE * this.#parts.random()
    this.#plan(Math.max(0, intervalMs(timings) * spread - ageMs))
  }

  /** Never later than if it had succeeded. */
  afterFailure(timings: JwksTimings, retryMs: number): void {
    this.#plan(Math.min(intervalMs(timings), retryMs))
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #plan(delayMs: number): void {
    this.cancel()
    this.#atMs = this.#parts.clock.monotonicMs() + delayMs
    this.#timer = setTimeout(this.#parts.onDue, delayMs)
  }
}

function intervalMs({ refreshIntervalMs, cacheTtlMs }: JwksTimings): number {
  return Math.min(refreshIntervalMs, cacheTtlMs * TTL_SHARE_MAX, TIMER_MS_MAX)
}
