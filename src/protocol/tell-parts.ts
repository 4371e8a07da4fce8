/** Tells a trace where each part of the identity was found, and what keeps a part from it. */
import { readClaimPath } from './claim-path.ts'
import { ClaimReader } from './claim-reader.ts'
import { type ClaimPlace, type ClaimSource, foundPlace, placeText } from './claim-source.ts'
import type { ClaimPolicy } from './claims.ts'
import { isUnverifiedAddress, isUnverifiedEmail } from './email-standing.ts'
import { IDENTITY_PARTS, type PartKind } from './identity-parts.ts'
import { isText, optionalText, optionalTextOrInteger } from './json-members.ts'
import type { JsonObject } from './strict-json.ts'
import type { Trace } from './trace.ts'

const EXPECTED: Readonly<Record<PartKind, string>> = {
  text: 'a text or an integer',
  texts: 'a list of text, or text separated by spaces',
  scopes: 'scopes separated by spaces, or a list of them',
}

export function tellParts(trace: Trace, claims: JsonObject, policy: ClaimPolicy): void {
  const { clientId } = policy.sources
  if (clientId !== null) tellSource(trace, claims, 'clientId', 'text', clientId)
  for (const { name, kind } of IDENTITY_PARTS) {
    const source = policy.sources[name]
    if (source !== null) tellSource(trace, claims, name, kind, source)
  }
  if (!policy.acceptsUnverifiedEmail) tellUnverified(trace, claims, policy)
}

/** What a token and its session are called: only what keeps them from being revoked. */
export function tellIds(trace: Trace, claims: JsonObject): void {
  for (const name of ['jti', 'sid']) {
    if (optionalText(claims[name]) !== undefined) continue
    trace.tell('claim', 'no', `${name}: ${trace.shown(claims[name])}; expected a text`)
  }
}

/** @param isForClients Whether a token without a subject may be a client's own. */
export function tellSubject(
  trace: Trace,
  claims: JsonObject,
  source: ClaimSource,
  isForClients: boolean,
): void {
  const place = foundPlace(claims, source)
  const isOfClient = isForClients && isText(optionalTextOrInteger(claims['client_id']))
  if (place === null && isOfClient) {
    trace.tell('claim', 'ok', 'subject: absent; the token is that of a client itself')
    return
  }
  const isGood = new ClaimReader(claims).text(source) !== null
  const { path } = place ?? source.places[0] ?? {}
  const found = path === undefined ? undefined : readClaimPath(claims, path)
  trace.tell('claim', isGood ? 'ok' : 'no', `${path?.text ?? 'subject'}: ${trace.shown(found)}`)
}

function tellSource(
  trace: Trace,
  claims: JsonObject,
  name: string,
  kind: PartKind,
  source: ClaimSource,
): void {
  let isAnyFound = false
  for (const place of source.places) {
    const alone = { ...source, places: [place] }
    if (foundPlace(claims, alone) === null) continue
    const isTaken = kind !== 'text' || !isAnyFound
    isAnyFound = true
    if (isTaken) tellPlace(trace, claims, name, kind, place, source)
  }
  if (isAnyFound || !source.isExpected) return
  const isElsewhere = source.places.some(({ path }) => isDistributed(claims, path.text))
  const why = isElsewhere ? '; the issuer has moved it out of the token (`_claim_names`)' : ''
  trace.tell('claim', 'note', `${name}: nothing at ${source.order}${why}`)
}

/**
 * Whether a claim is to be asked for elsewhere (OpenID Connect Core §5.6.2): Entra ID does so with
 * more groups than fit. They are not asked for.
 */
function isDistributed(claims: JsonObject, name: string): boolean {
  const names = claims['_claim_names']
  return typeof names === 'object' && names !== null && Object.hasOwn(names, name)
}

function tellPlace(
  trace: Trace,
  claims: JsonObject,
  name: string,
  kind: PartKind,
  place: ClaimPlace,
  source: ClaimSource,
): void {
  const reader = new ClaimReader(claims)
  const alone = { ...source, places: [place], isUsed: true }
  if (kind === 'text') reader.text(alone)
  else if (kind === 'texts') reader.texts(alone)
  else reader.scopes(alone)
  const shown = trace.shown(readClaimPath(claims, place.path))
  const where = `${name}: ${shown}, at ${placeText(place)}`
  if (!reader.isMistyped) trace.tell('claim', 'ok', where)
  else if (source.isUsed) trace.tell('claim', 'no', `${where}; expected ${EXPECTED[kind]}`)
  else trace.tell('claim', 'note', `${where}; of another type and not used, it counts as absent`)
}

function tellUnverified(trace: Trace, claims: JsonObject, { sources }: ClaimPolicy): void {
  const { email, subject } = sources
  if (isUnverifiedAddress(claims, subject, email)) {
    trace.tell('claim', 'no', 'the subject is an e-mail address that is not verified')
  } else if (email !== null && isUnverifiedEmail(claims, email)) {
    trace.tell('claim', 'note', 'the e-mail address is not verified, and counts as absent')
  }
}
