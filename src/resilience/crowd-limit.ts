/**
 * How many of the calls that strangers cause may be under way at once, so that they never load the
 * other side to the point where everybody waits there.
 *
 * What the other side can take is not known, and changes. So calls are timed:
 *
 *     quiet    average time while at most {@link QUIET_CALLS} calls of strangers were under way
 *     recent   average time of late
 *
 *     recent well above quiet  ──► half as many     (a time-out: the same)
 *     otherwise                ──► one more; a quarter of one after the first time of halving
 *
 * When the other side becomes slower by itself, the limit falls until so few calls are under way
 * that `quiet` is measured again, and rises from there. Averages, not the least time ever seen:
 * times that vary by themselves are no load. One for each thread and origin.
 */

/** So few are no crowd: they tell how long a call takes by itself. Also the least limit. */
const QUIET_CALLS = 2
const START_LIMIT = 8
/** So much longer is a sign of load. */
const SLOWER = 1.5
/** Differences below this are noise of this machine. */
const NOISE_MS = 5
const QUIET_WEIGHT = 1 / 8
const RECENT_WEIGHT = 1 / 4
const GROWTH = 1 / 4

export class CrowdLimit {
  readonly #most: number
  #limit: number
  /** 0: not measured yet. */
  #quietMs = 0
  #recentMs = 0
  #halvedAtMs = Number.NEGATIVE_INFINITY
  #growth = 1

  /** @param most It never exceeds this. At least 1. */
  constructor(most: number) {
    this.#most = most
    this.#limit = Math.min(START_LIMIT, most)
  }

  get value(): number {
    return Math.floor(this.#limit)
  }

  /**
   * A call was answered.
   *
   * @param strangers Calls of strangers under way when it was sent.
   */
  answered(sentAtMs: number, nowMs: number, strangers: number): void {
    // What was sent under the limit before tells nothing about this one.
    if (sentAtMs < this.#halvedAtMs) return
    const durationMs = nowMs - sentAtMs
    if (strangers <= QUIET_CALLS) {
      this.#quietMs = averaged(this.#quietMs, durationMs, QUIET_WEIGHT)
    }
    this.#recentMs = averaged(this.#recentMs, durationMs, RECENT_WEIGHT)
    const isLoaded = this.#quietMs > 0 && this.#recentMs > this.#quietMs * SLOWER + NOISE_MS
    if (isLoaded) this.#halve(nowMs)
    else this.#limit = Math.min(this.#most, this.#limit + this.#growth)
  }

  /** A call was not answered in time. */
  timedOut(sentAtMs: number, nowMs: number): void {
    if (sentAtMs >= this.#halvedAtMs) this.#halve(nowMs)
  }

  #halve(nowMs: number): void {
    this.#limit = Math.max(Math.min(QUIET_CALLS, this.#most), this.#limit / 2)
    this.#growth = GROWTH
    this.#halvedAtMs = nowMs
    this.#recentMs = 0
  }
}

/** Moves a measured average towards the sample; the first sample is one. */
function averaged(averageMs: number, sampleMs: number, weight: number): number {
  return averageMs === 0 ? sampleMs : averageMs + (sampleMs - averageMs) * weight
}
