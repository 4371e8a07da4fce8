/** A bounded memory of `kid`s that an issuer is known not to publish. */

/** About 256 KiB at the longest `kid`s. What is forgotten costs a message, never a wrong answer. */
const ENTRIES_MAX = 1_024

export class UnknownKeyMemo {
  /** In the order in which they were remembered: the first is the oldest. */
  readonly #untilMsByKeyId = new Map<string, number>()

  get size(): number {
    return this.#untilMsByKeyId.size
  }

  /** @param untilMs Monotonic instant at which it is forgotten. */
  remember(keyId: string, untilMs: number): void {
    this.#untilMsByKeyId.delete(keyId)
    this.#untilMsByKeyId.set(keyId, untilMs)
    if (this.#untilMsByKeyId.size <= ENTRIES_MAX) return
    for (const oldest of this.#untilMsByKeyId.keys()) {
      this.#untilMsByKeyId.delete(oldest)
      return
    }
  }

  /** How much longer this `kid` is known to be unknown; 0 when it is not. */
  remainingMs(keyId: string, nowMs: number): number {
    return Math.max(0, (this.#untilMsByKeyId.get(keyId) ?? 0) - nowMs)
  }

  /**
   * After a new set: what it lists is unknown no longer, what it still lacks has just been checked
   * again, and what had run out is forgotten.
   */
  recheck(isListed: (keyId: string) => boolean, nowMs: number, untilMs: number): void {
    for (const [keyId, oldUntilMs] of this.#untilMsByKeyId) {
      if (oldUntilMs <= nowMs || isListed(keyId)) this.#untilMsByKeyId.delete(keyId)
      else this.#untilMsByKeyId.set(keyId, untilMs)
    }
  }
}
