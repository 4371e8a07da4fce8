/**
 * Fuzz target: a token up to its signature. Input that begins with `{` is a header on the first
 * line and claims behind it, which are encoded here; all other input is the token itself.
 */
import assert from 'node:assert/strict'
import { decodeProtectedHeader } from 'jose'
import { claimedIssuer } from '../../src/protocol/claimed-issuer.ts'
import { checkClaims, parseClaims } from '../../src/protocol/claims.ts'
import { parseCompactJws } from '../../src/protocol/compact-jws.ts'
import { JWS_ALGORITHMS } from '../../src/protocol/jws-algorithms.ts'
import { mediaType, parseProtectedHeader } from '../../src/protocol/protected-header.ts'
import { joseDifferences, readToken } from '../support/jose-differences.ts'
import { claimsAcceptedByJose } from '../support/jose-oracle.ts'
import { CLAIM_POLICY } from '../support/jwt-policy.ts'
import { claimsText, encode, NOW_SECONDS } from '../support/mint-token.ts'
import { readReferenceBytes, withMaps } from '../support/reference-json.ts'

export const dictionary = [
  ...[
    '"alg":"RS256"',
    '"alg":"none"',
    '"kid":"',
    '"typ":"at+jwt"',
    '"crit":["b64"]',
    '"b64":false',
  ],
  ...['"zip":"DEF"', '"aud":', '"iss":', '"sub":', '"exp":', '"nbf":', '"iat":', '"scope":"a b"'],
  ...[
    '"roles":["a"]',
    '"events":{}',
    '"token_use":"id"',
    '1760000000',
    '1759999995',
    '0.5',
    '1e400',
  ],
  ...['null', '[', ']', '{', '}', '"', '\\u0061', '\\ud800', '.', '=', '-', '_', '\n', 'e30'],
  claimsText().slice(1, -1),
]

const SIGNATURE = 'A'.repeat(86)
const DIFFERENCES = joseDifferences(new Map())

export function fuzz(input: Uint8Array): string {
  const token = tokenOf(Buffer.from(input))
  const jws = parseCompactJws(token)
  const segments = token.split('.')
  assert.equal(jws !== null, segments.length === 3 && segments.every(isCanonical))
  const claimed = claimedIssuer(token)
  if (jws === null) return claimed.kind === 'none' ? 'no token' : 'no token, but like one'

  const header = checkedHeader(jws.protectedHeader)
  const claims = readReferenceBytes(Buffer.from(jws.payload, 'base64url'), false)
  const members = parseClaims(jws.payload)
  assert.deepEqual(
    members === null ? null : withMaps(members),
    claims.ok && claims.value instanceof Map ? claims.value : null,
  )
  if (members === null) return `claims that are none, ${header}`
  if (claimed.kind === 'issuer') assert.equal(members['iss'], claimed.issuer)
  return `${checkedClaims(token, jws.payload)}, ${header}`
}

function tokenOf(input: Buffer): string {
  if (input[0] !== 0x7b) return input.toString('latin1')
  const lineEnd = input.indexOf('\n')
  const header = input.subarray(0, lineEnd === -1 ? input.length : lineEnd)
  const claims = lineEnd === -1 ? '{}' : input.subarray(lineEnd + 1)
  return `${encode(header)}.${encode(claims)}.${SIGNATURE}`
}

function isCanonical(segment: string): boolean {
  return segment !== '' && Buffer.from(segment, 'base64url').toString('base64url') === segment
}

/** Against the grammar, and against jose where both read it. */
function checkedHeader(segment: string): string {
  const header = parseProtectedHeader(segment)
  const reference = readReferenceBytes(Buffer.from(segment, 'base64url'), false)
  const members = reference.ok && reference.value instanceof Map ? reference.value : new Map()
  const { alg, kid, typ } = Object.fromEntries(members) as Record<string, unknown>
  const isGood =
    JWS_ALGORITHMS.some((name) => name === alg) &&
    (kid === undefined || (typeof kid === 'string' && /^[ -~]{1,256}$/.test(kid))) &&
    (typ === undefined || typeof typ === 'string') &&
    ['crit', 'b64', 'zip', 'enc'].every((name) => !members.has(name))
  assert.equal(header !== null, isGood)
  if (header === null) return 'bad header'
  const decoded = decodeProtectedHeader({ protected: segment })
  assert.deepEqual([header.algorithm, header.keyId], [decoded.alg, decoded['kid'] ?? null])
  assert.equal(header.type, decoded.typ === undefined ? null : mediaType(decoded.typ))
  return 'good header'
}

function checkedClaims(token: string, payload: string): string {
  const checked = checkClaims(parseClaims(payload) ?? {}, CLAIM_POLICY, NOW_SECONDS)
  const accepted = claimsAcceptedByJose(payload, CLAIM_POLICY, NOW_SECONDS)
  if (checked.kind === 'checked') {
    assert.ok(accepted !== null, 'jose refuses the claims')
    assert.equal(checked.identity.subject, accepted.sub)
    assert.ok(checked.deadAtSeconds > NOW_SECONDS)
    return 'good claims'
  }
  if (accepted === null) return checked.reason
  const read = readToken(token)
  const row = DIFFERENCES.find((it) => it.reason === checked.reason && it.holds(read))
  assert.ok(row !== undefined, `only the gateway refuses the claims, for ${checked.reason}`)
  return row.name
}
