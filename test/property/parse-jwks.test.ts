/** Whatever a JWK Set says, only sound public keys come out of it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { JWS_ALGORITHMS } from '../../src/protocol/jws-algorithms.ts'
import { parseJwks } from '../../src/protocol/parse-jwks.ts'
import { ecKeyPair, ed25519KeyPair, rsaKeyPair } from '../support/key-documents.ts'
import { assertSound } from '../support/sound-keys.ts'

const genuine = [
  rsaKeyPair(),
  rsaKeyPair(1_024),
  ecKeyPair('P-256'),
  ecKeyPair('P-384'),
  ecKeyPair('P-521'),
  ecKeyPair('secp256k1'),
  ed25519KeyPair(),
].flatMap((pair) => [pair.publicJwk, pair.privateJwk])

const MEMBERS = ['kty', 'crv', 'kid', 'alg', 'use', 'key_ops', 'n', 'e', 'x', 'y', 'd', 'k', 'p']
const value = fc.oneof(
  fc.constantFrom<unknown>(...JWS_ALGORITHMS, 'RSA', 'EC', 'OKP', 'oct', 'sig', 'enc', 'none'),
  fc.constantFrom<unknown>(
    'P-256',
    'P-384',
    'P-521',
    'Ed25519',
    'X25519',
    'AQAB',
    'AQ',
    '__proto__',
  ),
  fc.constantFrom<unknown>(...genuine.flatMap((jwk) => [jwk.x, jwk.y, jwk.n]), null),
  fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  fc.subarray(['verify', 'sign', 'encrypt']),
  fc.jsonValue({ maxDepth: 2 }),
)
const mutation = fc.dictionary(fc.constantFrom(...MEMBERS), value, { maxKeys: 3 })
const hostileJwk = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...genuine), mutation).map(merged) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...genuine), fc.subarray(MEMBERS)).map(without),
  },
  { weight: 1, arbitrary: fc.constantFrom(...genuine) },
  { weight: 1, arbitrary: fc.jsonValue() },
)
const permitted = fc.oneof(fc.constant([...JWS_ALGORITHMS]), fc.subarray([...JWS_ALGORITHMS]))

function merged([jwk, changes]: [object, object]): object {
  return { ...jwk, ...changes }
}

function without([jwk, members]: [object, readonly string[]]): object {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !members.includes(name)))
}

describe('hostile JWK Sets (RFC 7517, RFC 8725 §3.5)', () => {
  it('never throws, and lets only sound public keys through', () => {
    let usable = 0
    fc.assert(
      fc.property(fc.array(hostileJwk, { maxLength: 5 }), permitted, (keys, algorithms) => {
        const outcome = parseJwks(Buffer.from(JSON.stringify({ keys })), algorithms)
        assert.ok(outcome.ok)
        assert.equal(outcome.keys.length + outcome.skipped.length, keys.length)
        assertSound(outcome, algorithms)
        usable += outcome.keys.length
      }),
      { numRuns: 1_000 },
    )
    // Otherwise the property would hold for a parser that lets nothing through.
    assert.ok(usable > 100, `only ${usable} usable keys were seen`)
  })

  it('never throws on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(typeof parseJwks(bytes, JWS_ALGORITHMS).ok, 'boolean')
      }),
      { numRuns: 1_000 },
    )
  })

  it('never throws on deeply nested documents', () => {
    for (const document of ['['.repeat(200_000), '{"keys":['.repeat(20_000)]) {
      assert.equal(parseJwks(Buffer.from(document), JWS_ALGORITHMS).ok, false)
    }
  })
})
