/** Remembers which logout tokens were acted upon, so that none is taken twice (§2.6 step 8). */
import { revocationKey } from './revocation-key.ts'

/** Tokens remembered at once, of all issuers: one lives for ten minutes at most. */
export const LOGOUT_REPLAYS_MAX = 65_536

/**
 * - `new`: remembered now; act upon it.
 * - `replayed`: seen before.
 * - `full`: cannot be remembered. Must not be acted upon: a later replay could not be told.
 */
export type LogoutReplayOutcome = 'new' | 'replayed' | 'full'

/** The tokens of one issuer. */
interface Share {
  /** Until when each is remembered, by digest: 32 characters however long a `jti` is. */
  readonly untilSeconds: Map<string, number>
  sweptAtSeconds: number
}

/**
 * Of this process only: the same token may still be taken once by each instance.
 *
 * Each issuer has a share of its own, so that one which signs logout tokens without end fills its
 * own and no other's.
 */
export class LogoutReplayMemory {
  readonly #maxPerIssuer: number
  readonly #shares = new Map<string, Share>()

  constructor(maxPerIssuer = LOGOUT_REPLAYS_MAX) {
    this.#maxPerIssuer = maxPerIssuer
  }

  /** Tokens remembered, with some that have expired and were not swept yet. */
  get size(): number {
    let size = 0
    for (const { untilSeconds } of this.#shares.values()) size += untilSeconds.size
    return size
  }

  /**
   * @param token Of an issuer that is known: nothing else bounds the number of issuers.
   * @param untilSeconds When the token is refused for its age: `expiresAtSeconds` plus the clock
   *   tolerance.
   */
  remember(
    token: { readonly issuer: string; readonly jti: string },
    untilSeconds: number,
    nowSeconds: number,
  ): LogoutReplayOutcome {
    const share = this.#shareOf(token.issuer)
    const remembered = share.untilSeconds
    const key = keyOf(token)
    const known = remembered.get(key)
    if (known !== undefined && nowSeconds < known) return 'replayed'
    if (known === undefined && remembered.size >= this.#maxPerIssuer) sweep(share, nowSeconds)
    if (known === undefined && remembered.size >= this.#maxPerIssuer) return 'full'
    remembered.set(key, untilSeconds)
    return 'new'
  }

  /** It was not acted upon after all. */
  forget(token: { readonly issuer: string; readonly jti: string }): void {
    this.#shareOf(token.issuer).untilSeconds.delete(keyOf(token))
  }

  #shareOf(issuer: string): Share {
    let share = this.#shares.get(issuer)
    if (share === undefined) {
      share = { untilSeconds: new Map(), sweptAtSeconds: 0 }
      this.#shares.set(issuer, share)
    }
    return share
  }
}

function keyOf({ issuer, jti }: { readonly issuer: string; readonly jti: string }): string {
  return revocationKey({ kind: 'jti', issuer, value: jti })
}

/** At most once in a second, so that a full share does not make each token dear. */
function sweep(share: Share, nowSeconds: number): void {
  if (share.sweptAtSeconds === nowSeconds) return
  share.sweptAtSeconds = nowSeconds
  for (const [key, untilSeconds] of share.untilSeconds) {
    if (untilSeconds <= nowSeconds) share.untilSeconds.delete(key)
  }
}
