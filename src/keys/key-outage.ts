/** One outage of an issuer's keys: how often they are asked for while it lasts, and how loudly. */

/** Between attempts while tokens cannot be decided for want of keys, in the first seconds. */
const URGENT_MS_MIN = 750
/** The same in a long outage: a provider that comes back is not met by all instances at once. */
const URGENT_MS_MAX = 4_000
/** The longer it has lasted, the longer until the next attempt. */
const SHARE_OF_OUTAGE = 0.25
/** It is told when it begins, and then so often. */
const TELL_INTERVAL_MS = 60_000

export class KeyOutage {
  #beganAtMs: number | null = null
  #urgentSinceMs: number | null = null
  #toldAtMs = 0

  /**
   * An attempt has failed.
   *
   * @returns Whether that is to be told.
   */
  fail(nowMs: number): boolean {
    const isNew = this.#beganAtMs === null
    this.#beganAtMs ??= nowMs
    if (!isNew && nowMs - this.#toldAtMs < TELL_INTERVAL_MS) return false
    this.#toldAtMs = nowMs
    return true
  }

  /**
   * A token came that the keys at hand do not settle, and none newer could be had.
   *
   * @returns Whether it is the first of this outage.
   */
  want(nowMs: number): boolean {
    if (this.#urgentSinceMs !== null) return false
    this.#urgentSinceMs = nowMs
    return true
  }

  get isWanted(): boolean {
    return this.#urgentSinceMs !== null
  }

  end(): void {
    this.#beganAtMs = null
    this.#urgentSinceMs = null
  }

  /** The longest that the next attempt may wait while tokens cannot be decided. */
  urgentDelayMs(nowMs: number, random: number): number {
    const lastsMs = nowMs - (this.#urgentSinceMs ?? this.#beganAtMs ?? nowMs)
    const share = lastsMs * SHARE_OF_OUTAGE
    const fullMs = Math.min(URGENT_MS_MAX, Math.max(URGENT_MS_MIN, share))
    return fullMs * (0.5 + 0.5 * random)
  }
}
