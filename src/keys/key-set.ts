/**
 * An issuer's verification keys as every thread sees them: immutable, compiled once by the
 * supervisor and swapped whole.
 */
import type { JwsAlgorithm } from '../protocol/jws-algorithms.ts'
import type { KeyGeneration } from './generation-table.ts'

/** Text that a native backend turns into a key object; structured-clone safe. */
export type KeyMaterial =
  | { readonly kind: 'public'; readonly spkiPem: string }
  | { readonly kind: 'secret'; readonly secret: Uint8Array }

export interface VerificationKey {
  /** Unique in the process and never used again: workers cache native key objects under it. */
  readonly id: number
  /** `kid`, or `null` when the JWK has none. */
  readonly keyId: string | null
  /** What this key may verify: fixed by its type and curve, its `alg`, and the issuer's list. */
  readonly algorithms: readonly JwsAlgorithm[]
  /** Whose tokens alone it verifies, perhaps with a placeholder; `null`: it does not say. */
  readonly issuer: string | null
  readonly material: KeyMaterial
  /** Place in the shared table of key generations (shared-memory/key-generations.ts). */
  readonly generationSlot: number
  readonly generation: number
}

/** A published key that cannot be used, because the table of key generations is full. */
export interface KeyWithoutPlace {
  readonly keyId: string | null
  readonly algorithms: readonly JwsAlgorithm[]
  readonly issuer: string | null
}

/**
 * - `empty`: never had keys (provider down since the start): nothing can be decided.
 * - `fresh`: fetched within `cacheTtl`.
 * - `stale`: older, still good until `staleMaxAge`.
 * - `dead`: older than `staleMaxAge`: nothing can be decided any more.
 */
export const KEY_SET_STATES = ['empty', 'fresh', 'stale', 'dead'] as const

export type KeySetState = (typeof KEY_SET_STATES)[number]

export interface KeySet {
  /** Whose it is and where it comes from: {@link KeySource.keySet}. */
  readonly sourceId: string
  readonly state: KeySetState
  readonly keys: readonly VerificationKey[]
  /**
   * NumericDate at which the issuer was asked for this set: what it has published since is not in
   * it. 0 when this process never asked: what a copy from disk does not know, it does not settle.
   */
  readonly askedAtSeconds: number
  /** Of tokens that one of these may have signed nothing can be said. */
  readonly withoutPlace: readonly KeyWithoutPlace[]
  /**
   * Place of the set as it is now in the table of key generations: withdrawn when a key comes or
   * goes, and with it what was found out from all of the keys. `null`: there is none.
   */
  readonly place: KeyGeneration | null
}

/** Of a source that has no keys, or is not known at all. */
export function emptyKeySet(sourceId: string): KeySet {
  return {
    sourceId,
    state: 'empty',
    keys: [],
    askedAtSeconds: 0,
    withoutPlace: [],
    place: null,
  }
}

/**
 * What a question came to that the key set in use does not settle.
 *
 * - `refreshed`: a set has been fetched since; look again, and refuse if still unknown or bad.
 * - `unknown`: the set in use has just been fetched and settles it: refuse.
 * - `unavailable`: no fetch can be had now: nothing can be decided (503).
 */
export type UnknownKeyOutcome = 'refreshed' | 'unknown' | 'unavailable'

/** A thread's view of all key sets. Lookups are synchronous and never wait for a refresh. */
export interface KeySource {
  /**
   * @param sourceId Of the issuer as the caller's own configuration has it: another one may have
   *   other keys under the same name at the same time.
   */
  keySet(sourceId: string): KeySet
  /**
   * Asks the supervisor for one coalesced refetch. Resolves within the JWKS timeout.
   *
   * @param keyId `null`: the keys in use did not verify a signature. They may have been replaced
   *   under the same `kid`, or have none.
   */
  resolveUnknownKey(sourceId: string, keyId: string | null): Promise<UnknownKeyOutcome>
}
