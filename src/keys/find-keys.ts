/**
 * Finds the keys of an issuer that may have signed a token, and asks once for newer ones when those
 * at hand do not settle it. The one way for every kind of signed token.
 */
import type { JwsAlgorithm } from '../protocol/jws-algorithms.ts'
import type { KeySet, KeySource, VerificationKey } from './key-set.ts'

/** What of a protected header selects a key. */
export interface KeySelector {
  readonly algorithm: JwsAlgorithm
  /** `kid`; `null` when there is none. */
  readonly keyId: string | null
}

/**
 * - `keys`: to be tried one after the other; never empty. Not `areAll`: keys are published for
 *   which there is no room, so that a token that these did not sign is not known to be bad.
 * - `unknown`: no key has that `kid`.
 * - `unfit`: those that it may be are not for this algorithm, or there are too many.
 * - `unavailable`: nothing can be decided.
 */
export type FoundKeys =
  | {
      readonly found: 'keys'
      readonly keys: readonly VerificationKey[]
      readonly areAll: boolean
    }
  | { readonly found: 'unknown' | 'unfit' | 'unavailable' }

/** Keys that are tried for a token without a `kid`: an overlap of two rotations, and no more. */
const KEYS_TRIED_MAX = 4

const UNKNOWN: FoundKeys = { found: 'unknown' }
const UNFIT: FoundKeys = { found: 'unfit' }
const UNAVAILABLE: FoundKeys = { found: 'unavailable' }

/**
 * Picks the key that the header names. Without a `kid`, every key that fits the algorithm, because
 * while an issuer changes keys there are two; but only a few, because a token must not choose how
 * much work it causes.
 */
export function findKeys(keySet: KeySet, { keyId, algorithm }: KeySelector): FoundKeys {
  // An issuer that has never had keys, or has had none for too long, cannot be judged by.
  if (keySet.state === 'empty' || keySet.state === 'dead') return UNAVAILABLE
  const named = keySet.keys.filter((key) => answersTo(key, keyId))
  const fitting = named.filter(({ algorithms }) => algorithms.includes(algorithm))
  const keys = keyId === null ? fitting : fitting.slice(0, 1)
  const areAll = !keySet.withoutPlace.some(
    (key) => (keyId === null || key.keyId === keyId) && key.algorithms.includes(algorithm),
  )
  if (keys.length === 0 && !areAll) return UNAVAILABLE
  if (keyId !== null && named.length === 0) return UNKNOWN
  if (keys.length === 0 || keys.length > KEYS_TRIED_MAX) return UNFIT
  return { found: 'keys', keys, areAll }
}

/**
 * One refetch after what was found did not verify the token, and one more look; no third. The keys
 * of a shared secret are not fetched and cannot be out of date.
 *
 * @returns `before` itself when it is still what there is: it then settles the token.
 */
export async function findNewerKeys(
  source: KeySource,
  issuerName: string,
  selector: KeySelector,
  before: FoundKeys,
): Promise<FoundKeys> {
  const tried = before.found === 'keys' ? before.keys : []
  if (tried.some(({ material }) => material.kind === 'secret')) return before
  const keyId = before.found === 'unknown' ? selector.keyId : null
  const outcome = await source.resolveUnknownKey(issuerName, keyId)
  // While the provider is down, a signature counts as bad under the keys that serve on.
  if (outcome === 'unknown' || (outcome === 'unavailable' && keyId === null)) return before
  if (outcome === 'unavailable') return UNAVAILABLE
  const after = findKeys(source.keySet(issuerName), selector)
  if (after.found !== 'keys') return after
  const isTried = ({ id }: VerificationKey): boolean => tried.some((key) => key.id === id)
  return after.keys.every(isTried) ? before : after
}

/** A shared secret has no name of its own: it is the issuer's only one, whatever the token says. */
function answersTo(key: VerificationKey, keyId: string | null): boolean {
  return keyId === null || key.keyId === keyId || key.material.kind === 'secret'
}
