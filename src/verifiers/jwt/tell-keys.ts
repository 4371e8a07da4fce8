/** Tells a trace which keys a token was checked with, and what that came to. */
import type { FoundKeys, KeySelector, NewerKeys } from '../../keys/find-keys.ts'
import type { KeySet, KeySetState, VerificationKey } from '../../keys/key-set.ts'
import { counted, listed, quoted, type Trace } from '../../protocol/trace.ts'
import type { SignatureOutcome } from './signature-pool.ts'

const STATES: Readonly<Record<KeySetState, string>> = {
  empty: 'there have never been any keys',
  fresh: 'fresh',
  stale: 'older than cacheTtl, and good until staleMaxAge',
  dead: 'older than staleMaxAge: no longer relied on',
}

const OUTCOMES: Readonly<Record<SignatureOutcome, string>> = {
  good: 'verifies',
  bad: 'does not verify',
  unavailable: 'was not checked: no verification thread gave an answer in time',
  overloaded: 'was not checked: too many tokens wait for verification',
}

/** Key ids that are listed where the one that is looked for is not among them. */
const LISTED_MAX = 8

export function tellKeys(
  trace: Trace,
  issuer: { readonly name: string },
  { keys, state }: KeySet,
  { keyId, algorithm }: KeySelector,
  found: FoundKeys,
): void {
  const isUsable = state === 'fresh' || state === 'stale'
  const known = `issuer ${quoted(issuer.name)}: ${counted(keys.length, 'key')}, ${STATES[state]}`
  trace.tell('keys', isUsable ? 'ok' : 'no', known)
  if (!isUsable) return
  const named = keyId === null ? 'no kid' : `kid ${quoted(keyId)}`
  switch (found.found) {
    case 'keys':
      trace.tell('key', 'ok', `${named}: ${triedKeys(found.keys, keyId)} for ${algorithm}`)
      break
    case 'unknown':
      trace.tell('key', 'no', `${named} is none of ${listedIds(keys)}`)
      break
    case 'foreign':
      trace.tell('key', 'no', `${named}: "issuer" of the key is not that of the token`)
      break
    case 'unfit':
      trace.tell('key', 'no', `${named}: no key for ${algorithm}, or more than may be tried`)
      break
    case 'unavailable':
      trace.tell('key', 'no', `${named}: published, and there is no place for it here`)
      break
  }
}

/** The keys at hand did not settle it, and newer ones were asked for. */
export function tellNewerKeys(trace: Trace, before: FoundKeys, after: NewerKeys): void {
  if (after === before) trace.tell('key', 'note', 'the keys at hand are the latest')
  else if (after.found === 'unsettled') {
    trace.tell('key', 'no', 'newer keys cannot be fetched now: nothing is known of this token')
  } else trace.tell('key', 'note', 'newer keys were fetched, and it is checked with those')
}

export function tellSignature(trace: Trace, key: VerificationKey, outcome: SignatureOutcome): void {
  const named = key.keyId === null ? 'a key without kid' : `key ${quoted(key.keyId)}`
  trace.tell('signature', outcome === 'good' ? 'ok' : 'no', `${OUTCOMES[outcome]} under ${named}`)
}

/** @param keyId Of the token. */
function triedKeys(keys: readonly VerificationKey[], keyId: string | null): string {
  const isByHint = keyId === null || keys.every((key) => key.keyId === keyId)
  return `${counted(keys.length, 'key')}${isByHint ? '' : ' without kid'}`
}

function listedIds(keys: readonly VerificationKey[]): string {
  const ids = keys.map(({ keyId }) => keyId ?? '(no kid)')
  const rest = ids.length - LISTED_MAX
  const more = rest > 0 ? ` and ${rest} more` : ''
  return `${listed(ids.slice(0, LISTED_MAX))}${more}`
}
