/** What the owner of an issuer's keys tells the operator. */
import type { SkipReason } from '../protocol/parse-jwk.ts'
import type { JwksRefusal, SkippedKey } from '../protocol/parse-jwks.ts'
import type { DiskCacheRefusal } from './disk-cache.ts'
import type { JwksSourceFailure } from './jwks-source.ts'
import type { KeySetState, KeyWithoutPlace } from './key-set.ts'

/** `no_usable_keys`: a well-formed set in which no key is fit for use. */
export type JwksFailure = JwksSourceFailure | JwksRefusal | 'no_usable_keys'

export type JwksEventReason = JwksFailure | DiskCacheRefusal | SkipReason | 'unwritable' | 'too_old'

/**
 * - `jwks_refresh_failed`: with the reason. When an outage begins, and once a minute after that.
 * - `jwks_refresh_recovered`: the first success after failures.
 * - `stale_keys_in_use`: the set has outlived its freshness and still serves. Once per outage.
 * - `keys_expired`: the set has outlived `staleMaxAge`: nothing can be decided any more.
 * - `key_added`, `key_removed`: with the `kid`, if it has one. A removed key is already dead.
 * - `key_skipped`: a published key is not used, with the reason. When the set changes.
 * - `key_without_place`: a key found no place in the table of generations and is not used. When
 *   that changes.
 * - `disk_cache_failed`: the copy on disk could not be used or written. Keys are unaffected.
 */
export type JwksEventType =
  | 'jwks_refresh_failed'
  | 'jwks_refresh_recovered'
  | 'stale_keys_in_use'
  | 'keys_expired'
  | 'key_added'
  | 'key_removed'
  | 'key_skipped'
  | 'key_without_place'
  | 'disk_cache_failed'

/** One shape for all: fixed words and the issuer's own key ids, never a message of a vendor. */
export interface JwksEvent {
  readonly type: JwksEventType
  readonly issuerName: string
  readonly reason: JwksEventReason | null
  readonly keyId: string | null
  /** Of the answer with which a fetch failed; `null` when there was none. */
  readonly status: number | null
  /** What the system or OpenSSL calls the failure of a fetch; `null`: there is no more to say. */
  readonly cause: string | null
}

/** For health, metrics, the admin page and `check --online`. */
export interface JwksStatus {
  readonly issuerName: string
  readonly state: KeySetState
  readonly keyCount: number
  /** Published keys that are not used, with the reason; of the last good document. */
  readonly skipped: readonly SkippedKey[]
  /** Published keys that would be good, had they a place. */
  readonly withoutPlace: readonly KeyWithoutPlace[]
  /** Age of the set in use; `null` without one. */
  readonly ageSeconds: number | null
  /** Whether there have ever been keys, from the provider or from disk: readiness asks this. */
  readonly hasHadKeys: boolean
  /** Of the last attempt; `null` when it succeeded or none has been made. */
  readonly lastFailure: JwksFailure | null
  readonly consecutiveFailures: number
  readonly refreshesSucceeded: number
  readonly refreshesFailed: number
  /** How many refreshes an unknown `kid` caused. */
  readonly unknownKeyRefreshes: number
  /** Time to the next background refresh; `null` before the start and after the stop. */
  readonly nextRefreshInMs: number | null
}
