/**
 * Tells a trace what a token looks like and what its protected header says. Decides nothing: it
 * names which of the rules of compact-jws.ts and protected-header.ts a token breaks.
 */

import { isAbsent, optionalText } from './json-members.ts'
import { JWS_ALGORITHM_TABLE, type JwsAlgorithm, jwsAlgorithmOf } from './jws-algorithms.ts'
import { isKeyId } from './key-id.ts'
import { type ProtectedHeader, REFUSED_MEMBERS } from './protected-header.ts'
import { parseJsonObject } from './strict-json.ts'
import { counted, listed, quoted, type Trace } from './trace.ts'

const JWS_PARTS = 3
const JWE_PARTS = 5

/** A token that is no JWT: how it differs from one. */
export function tellMalformed(trace: Trace, token: string): void {
  const parts = token.split('.').length
  const form = `${counted(token.length, 'character')} in ${counted(parts, 'part')}`
  trace.tell('token', 'no', `${form}: ${whyMalformed(parts)}`)
}

function whyMalformed(parts: number): string {
  if (parts === 1) return 'an opaque token, where the route takes only JWTs, or no token at all'
  if (parts === JWE_PARTS) return 'an encrypted JWT (JWE), which is not supported'
  if (parts === JWS_PARTS) return 'a part is empty or is not canonical base64url; was it cut?'
  return 'a JWT has three; was it cut, or two joined?'
}

/** A header that could not be read. @param segment Canonical base64url. */
export function tellBadHeader(trace: Trace, segment: string): void {
  const members = parseJsonObject(segment)
  if (members === null) {
    trace.tell('header', 'no', 'not one strict JSON object')
    return
  }
  for (const name of REFUSED_MEMBERS) {
    if (members[name] === undefined) continue
    trace.tell('header', 'no', `${name} is there, which changes what a signature means`)
  }
  const { alg, kid, typ } = members
  if (jwsAlgorithmOf(alg) === null) {
    trace.tell('header', 'no', `alg ${quoted(alg)} is none that the gateway verifies`)
  }
  const keyId = optionalText(kid)
  if (keyId !== null && !isKeyId(keyId)) {
    trace.tell('header', 'no', 'kid is not a text of 1 to 256 visible characters')
  }
  if (!isAbsent(typ) && typeof typ !== 'string') trace.tell('header', 'no', 'typ is no text')
}

export interface ToldHeaderRules {
  /** Of the issuer in the configuration. */
  readonly name: string
  readonly algorithms: readonly JwsAlgorithm[]
  readonly types: readonly string[]
}

/** A header that could be read, beside what its issuer is configured to send. */
export function tellHeader(
  trace: Trace,
  { algorithm, keyId, type }: ProtectedHeader,
  { name, algorithms, types }: ToldHeaderRules,
): void {
  const isAllowed = algorithms.includes(algorithm)
  trace.tell(
    'header',
    isAllowed ? 'ok' : 'no',
    `alg ${quoted(algorithm)}; issuer ${quoted(name)} signs with ${listed(algorithms)}`,
  )
  const isTyped = types.includes(type ?? 'jwt')
  const typed = type === null ? 'typ is absent and counts as "jwt"' : `typ ${quoted(type)}`
  trace.tell('header', isTyped ? 'ok' : 'no', `${typed}; accepted: ${listed(types)}`)
  trace.tell('header', 'note', keyId === null ? 'kid is absent' : `kid ${quoted(keyId)}`)
}

/** A signature whose length shows that it is none. */
export function tellSignatureLength(trace: Trace, algorithm: JwsAlgorithm, bytes: number): void {
  const expected = JWS_ALGORITHM_TABLE[algorithm].signatureBytes ?? 0
  const text = `of ${counted(bytes, 'byte')}; one of ${algorithm} has ${expected}`
  trace.tell('signature', 'no', text)
}
