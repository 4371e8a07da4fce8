/**
 * How long keys of internal tokens are published before and after they sign, so that an upstream
 * never sees a token which the keys that it holds cannot verify.
 *
 *     published ├── aheadMs ──┼────── signs ──────┼── behindMs ──┤
 *                             first token     last token     last token is dead
 *
 * Before: an upstream may hold a JWK Set that it fetched `upstreamCacheMs` ago. After: the last
 * token lives for its whole TTL, and upstreams may tolerate a clock that differs. Both with room
 * for two clocks of which one is fast and one is slow, and for threads that hear of a key late.
 */

/** Part of a rotation that the next key may be published ahead, before room for clocks. */
const AHEAD_SHARE_MAX = 1 / 4
/** How far the clock of an instance may be from the true time, either way. */
export const CLOCK_SKEW_MS_MAX = 60_000
/** For a late timer, and until all threads and the answers of an instance speak of a new key. */
const LAG_MS_MAX = 30_000
/** One instance may be early by as much as another one is late. */
const ROOM_MS = 2 * CLOCK_SKEW_MS_MAX + LAG_MS_MAX

const MS_PER_SECOND = 1_000

export interface KeyOverlap {
  /** At least this long before its first token, a key is published. */
  readonly aheadMs: number
  /** At least this long after its last token was minted, a key is published. */
  readonly behindMs: number
  /**
   * What upstreams are told in `Cache-Control: max-age`, in whole seconds. Upstreams that keep a
   * set for longer than that, and do not ask again for an unknown `kid`, refuse new tokens.
   */
  readonly upstreamCacheSeconds: number
}

export interface KeyOverlapOptions {
  readonly keyRotationMs: number
  /** Longest life of an internal token. */
  readonly tokenTtlSeconds: number
  /** How long after `exp` an upstream may still take a token. */
  readonly upstreamToleranceSeconds: number
  /**
   * The longest that an upstream may use a JWK Set without asking again. At most a quarter of
   * `keyRotationMs` counts.
   */
  readonly upstreamCacheMs: number
}

/** The overlap that these lives and caches need. */
export function keyOverlap(options: KeyOverlapOptions): KeyOverlap {
  const { keyRotationMs, tokenTtlSeconds, upstreamToleranceSeconds, upstreamCacheMs } = options
  const cacheMs = Math.min(upstreamCacheMs, keyRotationMs * AHEAD_SHARE_MAX)
  return {
    aheadMs: cacheMs + ROOM_MS,
    behindMs: (tokenTtlSeconds + upstreamToleranceSeconds) * MS_PER_SECOND + ROOM_MS,
    upstreamCacheSeconds: Math.floor(cacheMs / MS_PER_SECOND),
  }
}
