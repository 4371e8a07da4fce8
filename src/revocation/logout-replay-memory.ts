/** Remembers which logout tokens were acted upon, so that none is taken twice (§2.6 step 8). */
import { revocationKey } from './revocation-key.ts'

/** Tokens remembered at once, in all: one lives for ten minutes at most. */
const LOGOUT_REPLAYS_MAX = 65_536

/**
 * - `new`: remembered now; act upon it.
 * - `replayed`: seen before.
 * - `full`: cannot be remembered. Must not be acted upon: a later replay could not be told.
 */
export type LogoutReplayOutcome = 'new' | 'replayed' | 'full'

/** Of this process only: the same token may still be taken once by each instance. */
export class LogoutReplayMemory {
  readonly #max: number
  /** Until when each is remembered, by digest: 32 characters however long a `jti` is. */
  readonly #untilSeconds = new Map<string, number>()
  #sweptAtSeconds = 0

  constructor(max = LOGOUT_REPLAYS_MAX) {
    this.#max = max
  }

  /** Tokens remembered, with some that have expired and were not swept yet. */
  get size(): number {
    return this.#untilSeconds.size
  }

  /**
   * @param jti As it is unique for one issuer: named with `issuer`.
   * @param untilSeconds When the token is refused for its age: `expiresAtSeconds` plus the clock
   *   tolerance.
   */
  remember(
    { issuer, jti }: { readonly issuer: string; readonly jti: string },
    untilSeconds: number,
    nowSeconds: number,
  ): LogoutReplayOutcome {
    const key = revocationKey({ kind: 'jti', issuer, value: jti })
    const known = this.#untilSeconds.get(key)
    if (known !== undefined && nowSeconds < known) return 'replayed'
    if (known === undefined && this.#untilSeconds.size >= this.#max) this.#sweep(nowSeconds)
    if (known === undefined && this.#untilSeconds.size >= this.#max) return 'full'
    this.#untilSeconds.set(key, untilSeconds)
    return 'new'
  }

  /** It was not acted upon after all. */
  forget({ issuer, jti }: { readonly issuer: string; readonly jti: string }): void {
    this.#untilSeconds.delete(revocationKey({ kind: 'jti', issuer, value: jti }))
  }

  /** At most once in a second, so that a full memory does not make each token dear. */
  #sweep(nowSeconds: number): void {
    if (this.#sweptAtSeconds === nowSeconds) return
    this.#sweptAtSeconds = nowSeconds
    for (const [key, untilSeconds] of this.#untilSeconds) {
      if (untilSeconds <= nowSeconds) this.#untilSeconds.delete(key)
    }
  }
}
