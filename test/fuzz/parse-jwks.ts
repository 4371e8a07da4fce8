/** Fuzz target: a JWK Set document, as an issuer may publish it. */
import assert from 'node:assert/strict'
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { JWS_ALGORITHMS, jwsAlgorithmOf } from '../../src/protocol/jws-algorithms.ts'
import { SKIP_REASONS } from '../../src/protocol/parse-jwk.ts'
import { JWKS_KEYS_MAX, parseJwks } from '../../src/protocol/parse-jwks.ts'
import { readReferenceBytes } from '../support/reference-json.ts'
import { assertSound } from '../support/sound-keys.ts'

export const dictionary = [
  ...['{"keys":[', ']}', '{', '}', ',', '"kty":"RSA"', '"kty":"EC"', '"kty":"OKP"', '"kty":"oct"'],
  ...['"crv":"P-256"', '"crv":"Ed25519"', '"crv":"secp256k1"', '"alg":"RS256"', '"alg":"none"'],
  ...['"use":"sig"', '"use":"enc"', '"key_ops":["verify"]', '"key_ops":[]', '"d":"AQ"', '"k":"AA"'],
  ...[
    '"e":"AQAB"',
    '"e":"AQ"',
    '"n":"',
    '"x":"',
    '"y":"',
    '"kid":"a"',
    '"kid":null',
    '\\u0064',
    '=',
  ],
  ...['"priv":"AA"', '"oth":[]', '"x5c":["MII"]', '"__proto__":{}', 'null', '\xef\xbb\xbf'],
]

export function fuzz(input: Uint8Array): string {
  const parsed = parseJwks(input, JWS_ALGORITHMS)
  const reference = readReferenceBytes(input, true)
  const set = reference.ok && reference.value instanceof Map ? reference.value : null
  const entries: unknown = set?.get('keys')
  if (!parsed.ok) {
    assert.equal(parsed.reason === 'not_json', !reference.ok)
    assert.equal(parsed.reason === 'too_many_keys', Array.isArray(entries))
    return parsed.reason
  }
  assert.ok(Array.isArray(entries) && entries.length <= JWKS_KEYS_MAX)
  assert.equal(parsed.keys.length + parsed.skipped.length, entries.length)
  assertSound(parsed, JWS_ALGORITHMS)
  const skipped = new Set(parsed.skipped.map(({ index }) => index))
  const used = entries.filter((_, index) => !skipped.has(index))
  for (const [index, key] of parsed.keys.entries()) {
    const entry: unknown = used[index]
    assert.ok(entry instanceof Map)
    assert.equal(key.spkiPem, importedByNode(entry))
    assertPublished(entry, key.algorithms)
  }
  for (const { reason } of parsed.skipped) assert.ok(reason in SKIP_REASONS)
  const reasons = new Set(parsed.skipped.map(({ reason }) => reason))
  return [parsed.keys.length > 0 ? 'keys' : 'no key', ...reasons].join(' ')
}

/** The key as Node reads it from what the document says: the same, or something was confused. */
function importedByNode(entry: Map<string, unknown>): string {
  const { kty, crv, n, e, x, y } = Object.fromEntries(entry) as JsonWebKey
  const members = Object.entries({ kty, crv, n, e, x, y }).filter(([, it]) => isThere(it))
  const key = createPublicKey({ key: Object.fromEntries(members), format: 'jwk' })
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** A secret that was published is none, and a key is used for nothing but what it is for. */
function assertPublished(entry: Map<string, unknown>, algorithms: readonly string[]): void {
  assert.ok(PRIVATE_MEMBERS.every((name) => !isThere(entry.get(name))))
  const use: unknown = entry.get('use')
  assert.ok(use === '' || use === 'sig' || !isThere(use))
  const operations = entry.get('key_ops')
  assert.ok(!isThere(operations) || (Array.isArray(operations) && operations.includes('verify')))
  const alg: unknown = entry.get('alg')
  if (alg !== '' && isThere(alg)) assert.deepEqual(algorithms, [jwsAlgorithmOf(alg)])
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)
}
