/**
 * Finds the keys of an issuer that may have signed a token, and asks once for newer ones when those
 * at hand do not settle it. The one way for every kind of signed token.
 */
import { isIssuerOf } from '../protocol/issuer-template.ts'
import type { JwsAlgorithm } from '../protocol/jws-algorithms.ts'
import type { KeyGeneration } from './generation-table.ts'
import type { KeySet, KeySource, KeyWithoutPlace, VerificationKey } from './key-set.ts'

/** What of a token selects a key: its `iss`, and what its protected header says. */
export interface KeySelector {
  readonly issuer: string
  readonly algorithm: JwsAlgorithm
  /** `kid`; `null` when there is none. */
  readonly keyId: string | null
}

/** A signed token that the keys at hand did not settle. */
export interface UnsettledToken {
  /** What the keys of its issuer are found under. */
  readonly sourceId: string
  readonly selector: KeySelector
  /**
   * First instant, NumericDate, at which the issuer must have published the key that signed this:
   * its `iat` and the clock tolerance, see {@link publishedBySeconds}.
   */
  readonly publishedBySeconds: number
}

/**
 * A token that does not say when it was issued may have been issued just now, under a key that is
 * newer than every set.
 */
export function publishedBySeconds(
  issuedAtSeconds: number | null,
  clockToleranceSeconds: number,
): number {
  if (issuedAtSeconds === null) return Number.POSITIVE_INFINITY
  return issuedAtSeconds + clockToleranceSeconds
}

/**
 * - `keys`: to be tried one after the other; never empty. Not `areAll`: keys are published for
 *   which there is no room, so that a token that these did not sign is not known to be bad. That
 *   none of them did stays true until `restsOn` is withdrawn; `null`: nothing says how long.
 * - `unknown`: no key has that `kid`, and none without a `kid` is for this algorithm.
 * - `foreign`: those that it may be are for this algorithm, and for the tokens of other issuers.
 * - `unfit`: those that it may be are not for this algorithm, or there are too many.
 * - `unavailable`: nothing can be decided.
 */
export type FoundKeys =
  | {
      readonly found: 'keys'
      readonly keys: readonly VerificationKey[]
      readonly areAll: boolean
      readonly restsOn: KeyGeneration | null
    }
  | { readonly found: 'unknown' | 'foreign' | 'unfit' | 'unavailable' }

/**
 * What a second look came to. `unsettled`: the keys at hand are not for this token, and whether
 * there are newer ones cannot be found out now.
 */
export type NewerKeys = FoundKeys | { readonly found: 'unsettled' }

/**
 * Keys that are tried for one token, where no `kid` tells which it is. Issuers without `kid`s have
 * been seen to publish five at once; a rotation more is eight. Checking a bad signature under as
 * many takes half a millisecond of a verification thread (ES256), 8 ms at the worst (ES512).
 */
const KEYS_TRIED_MAX = 8

const UNKNOWN: FoundKeys = { found: 'unknown' }
const FOREIGN: FoundKeys = { found: 'foreign' }
const UNFIT: FoundKeys = { found: 'unfit' }
const UNAVAILABLE: FoundKeys = { found: 'unavailable' }
const UNSETTLED: NewerKeys = { found: 'unsettled' }

/**
 * Picks the key that the header names. `kid` is a hint (RFC 7515 §4.1.4): where it names none for
 * the algorithm, the keys without a `kid` may be the one, and for a token without a `kid` all are.
 * But only a few are tried, because a token must not choose how much work it causes. A key that has
 * another `kid` than the token is never tried, nor one that is not for its algorithm, nor one that
 * is published for the tokens of another issuer, as the keys of Entra ID are. Several of one `kid`
 * differ in their `issuer`, and a token may be meant by more than one of these: all are tried.
 */
export function findKeys(keySet: KeySet, selector: KeySelector): FoundKeys {
  const { keyId } = selector
  // An issuer that has never had keys, or has had none for too long, decides nothing.
  if (keySet.state === 'empty' || keySet.state === 'dead') return UNAVAILABLE
  const fitting = keySet.keys.filter((key) => isFor(key, selector))
  const named = keyId === null ? [] : fitting.filter((key) => answersTo(key, keyId))
  const unnamed = keyId === null ? fitting : fitting.filter((key) => key.keyId === null)
  const keys = named.length > 0 ? named : unnamed
  const lacksPlace = (key: KeyWithoutPlace) =>
    isFor(key, selector) &&
    (keyId === null || key.keyId === keyId || (key.keyId === null && named.length === 0))
  const areAll = !keySet.withoutPlace.some(lacksPlace)
  if (keys.length === 0 && !areAll) return UNAVAILABLE
  if (keys.length > KEYS_TRIED_MAX) return UNFIT
  const [first] = keys
  if (first === undefined) return noneFor(keySet.keys, selector)
  // A key that comes may be the one, even under a name that another has: that of another issuer.
  const isAlone = named.length === 1 || first.material.kind === 'secret'
  const ofFirst = { slot: first.generationSlot, generation: first.generation }
  return { found: 'keys', keys, areAll, restsOn: keySet.place ?? (isAlone ? ofFirst : null) }
}

/** Why there is none. */
function noneFor(keys: readonly VerificationKey[], { keyId, algorithm }: KeySelector): FoundKeys {
  const meant = keyId === null ? keys : keys.filter((key) => answersTo(key, keyId))
  // Its algorithm was looked for: what is for that is for another issuer.
  if (meant.some(({ algorithms }) => algorithms.includes(algorithm))) return FOREIGN
  return meant.length === 0 && keyId !== null ? UNKNOWN : UNFIT
}

function isFor(
  { algorithms, issuer }: Pick<VerificationKey, 'algorithms' | 'issuer'>,
  selector: KeySelector,
): boolean {
  if (!algorithms.includes(selector.algorithm)) return false
  return issuer === null || isIssuerOf(issuer, selector.issuer)
}

/**
 * One refetch after what was found did not verify the token, and one more look; no third. The keys
 * of a shared secret are not fetched and cannot be out of date.
 *
 * When no fetch can be had (the budget is used up, or the provider is down), a signature is bad
 * under keys that were fetched after the token was issued. Of any other token nothing is known: its
 * key may have been replaced under the same `kid`, or have none.
 *
 * @returns `before` itself when it is still what there is: it then settles the token.
 */
export async function findNewerKeys(
  source: KeySource,
  token: UnsettledToken,
  before: FoundKeys,
): Promise<NewerKeys> {
  const { sourceId, selector } = token
  const tried = before.found === 'keys' ? before.keys : []
  if (tried.some(({ material }) => material.kind === 'secret')) return before
  const keyId = before.found === 'unknown' ? selector.keyId : null
  const outcome = await source.resolveUnknownKey(sourceId, keyId)
  if (outcome === 'unknown') return before
  const keySet = source.keySet(sourceId)
  const after = findKeys(keySet, selector)
  const isSame = isSameFind(before, after)
  if (outcome === 'unavailable' && isSame) {
    const isSettled = keyId === null && keySet.askedAtSeconds >= token.publishedBySeconds
    return isSettled ? before : UNSETTLED
  }
  return isSame ? before : after
}

/** Whether a second look with these can come to nothing else than the first. */
function isSameFind(before: FoundKeys, after: FoundKeys): boolean {
  if (before.found !== 'keys' || after.found !== 'keys') return after.found === before.found
  // A key without a place may have been published since: the token may be of that one.
  if (after.areAll !== before.areAll) return false
  return after.keys.every(({ id }) => before.keys.some((key) => key.id === id))
}

/** A shared secret has no name of its own: it is the issuer's only one, whatever the token says. */
function answersTo(key: VerificationKey, keyId: string): boolean {
  return key.keyId === keyId || key.material.kind === 'secret'
}
