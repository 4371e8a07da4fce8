/**
 * Bounds the fetches of a key set that tokens may cause: a client that sends made-up `kid`s or bad
 * signatures must not turn the gateway into a flood against the identity provider.
 *
 * A token bucket: some fetches may come at once, and after that one for each part of the cooldown.
 * A fetch brings the whole set, whatever caused it, so under a flood a new key waits for one part
 * of the cooldown at most.
 */

/** Fetches that may come at once, and parts of the cooldown: 30 s are 6, then one every 5 s. */
const FETCHES_PER_COOLDOWN = 6

export class RefetchBudget {
  #intervalMs: number
  /** Instant at which the bucket is full again. */
  #fullAtMs = Number.NEGATIVE_INFINITY

  constructor(cooldownMs: number) {
    this.#intervalMs = cooldownMs / FETCHES_PER_COOLDOWN
  }

  /** What was spent stays spent. */
  useCooldown(cooldownMs: number): void {
    this.#intervalMs = cooldownMs / FETCHES_PER_COOLDOWN
  }

  /** Whether one more fetch may be made; if so, it is paid for. */
  spend(nowMs: number): boolean {
    if (this.untilNextMs(nowMs) > 0) return false
    this.#fullAtMs = Math.max(this.#fullAtMs, nowMs) + this.#intervalMs
    return true
  }

  /** Time until the next one may be made; 0 when it may be made now. */
  untilNextMs(nowMs: number): number {
    const spentMs = this.#intervalMs * (FETCHES_PER_COOLDOWN - 1)
    return Math.max(0, this.#fullAtMs - spentMs - nowMs)
  }
}
