/**
 * Keys and protected headers as known software writes them, each row named after it: what was never
 * set is null, an empty list or an empty text there, and counts as left out (docs/values.md).
 * Behind each table stand those that look like it and are refused.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JWS_ALGORITHMS, type JwsAlgorithm } from '../../src/protocol/jws-algorithms.ts'
import { parseJwk, type SkipReason } from '../../src/protocol/parse-jwk.ts'
import { parseProtectedHeader, refuseHeader } from '../../src/protocol/protected-header.ts'
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import { ecKeyPair, ed25519KeyPair, rsaKeyPair } from '../support/key-documents.ts'
import { encode } from '../support/mint-token.ts'

const RSA = rsaKeyPair().publicJwk
const P256 = ecKeyPair('P-256')
const EC = P256.publicJwk
const ED = ed25519KeyPair().publicJwk

const OF_RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const
/** Of another type of key, where a class holds the members of all. */
const UNSET_PRIVATE = { d: null, p: null, q: null, dp: null, dq: null, qi: null, k: null }

type GoodKey = readonly [software: string, jwk: object, keyId: string | null, JwsAlgorithm[]]

const GOOD_KEYS: readonly GoodKey[] = [
  [
    'Microsoft.IdentityModel, with the lists that were never set',
    { ...RSA, use: 'sig', kid: '7f4', key_ops: [], oth: [], x5c: [] },
    '7f4',
    [...OF_RSA],
  ],
  [
    'Microsoft.IdentityModel 5, with the properties of its class',
    { ...RSA, key_ops: [], x5c: [], keySize: 2048, hasPrivateKey: false, keyId: null, kid: 'dev' },
    'dev',
    [...OF_RSA],
  ],
  [
    'Abblix Oidc.Server, with a key of an HSM',
    { ...RSA, ...UNSET_PRIVATE, use: 'sig', kid: 'hsm', alg: 'RS256', x5c: [], x5t: null },
    'hsm',
    ['RS256'],
  ],
  [
    'Okta, whose use may be null',
    { ...RSA, kid: 'okta', use: null, alg: 'RS256', status: 'ACTIVE' },
    'okta',
    ['RS256'],
  ],
  [
    'OneLogin, without use',
    { ...RSA, kid: 'JRcO4nxs5jgc8YdN7I' },
    'JRcO4nxs5jgc8YdN7I',
    [...OF_RSA],
  ],
  [
    'a Java class written by Jackson, nulls included',
    { ...EC, kid: 'j', use: 'sig', alg: null, key_ops: null, x5u: null, x5c: null, exp: null },
    'j',
    ['ES256'],
  ],
  [
    'a Rust structure written by serde, each Option included',
    { ...EC, ...UNSET_PRIVATE, oth: null, kid: null, use: null, alg: 'ES256', x5t: null },
    null,
    ['ES256'],
  ],
  [
    'a Go structure without omitempty',
    { ...EC, kid: '', use: '', alg: '', key_ops: null, x5c: null, x5u: '' },
    null,
    ['ES256'],
  ],
  [
    'an array of PHP, whose empty members are lists',
    { ...EC, kid: [], use: [], d: [] },
    null,
    ['ES256'],
  ],
  ['Teleport, with an empty kid', { ...RSA, alg: 'RS256', use: 'sig', kid: '' }, null, ['RS256']],
  [
    'Google (vc-public-jwks), without kid',
    { ...ED, alg: 'EdDSA', use: 'sig', key_ops: ['verify'] },
    null,
    ['EdDSA'],
  ],
  ['PingFederate, without alg', { ...EC, kid: 'Ozxgl1', use: 'sig' }, 'Ozxgl1', ['ES256']],
  [
    'Entra ID, with certificates and an issuer',
    { ...RSA, kid: 'e', use: 'sig', x5t: 'x', x5c: ['MIIC'], issuer: 'https://x.test/{tenantid}' },
    'e',
    [...OF_RSA],
  ],
  [
    'an issuer that has something else under the name of an issuer',
    { ...RSA, kid: 'e', issuer: { name: 'Example Corp' } },
    'e',
    [...OF_RSA],
  ],
  [
    'Better Auth with jose, called by RFC 9864',
    { ...ED, kid: 'b', alg: 'Ed25519', use: 'sig' },
    'b',
    ['EdDSA'],
  ],
  ['an issuer that took its names from COSE', { ...EC, kid: 'c', alg: 'ESP256' }, 'c', ['ES256']],
  [
    'an issuer that names keys by their certificates, spaces and all',
    { ...EC, kid: 'CN=idp, O=Example Corp' },
    'CN=idp, O=Example Corp',
    ['ES256'],
  ],
]

const BAD_KEYS: readonly (readonly [what: string, jwk: object, SkipReason])[] = [
  ['a private key, whatever else is null', { ...P256.privateJwk, key_ops: [] }, 'private_key'],
  ['one private member among nulls', { ...RSA, ...UNSET_PRIVATE, q: 'AQAB' }, 'private_key'],
  ['an empty private member', { ...EC, d: '' }, 'private_key'],
  ['a private member of another type', { ...EC, d: 0 }, 'private_key'],
  ['a list of primes', { ...RSA, oth: [{ r: 'AQ' }] }, 'private_key'],
  ['a list with null of primes', { ...RSA, oth: [null] }, 'private_key'],
  ['a secret whose k is null', { kty: 'oct', k: null }, 'symmetric_key'],
  ['a key that may only sign', { ...EC, key_ops: ['sign'] }, 'not_for_signatures'],
  ['a key that may do null', { ...EC, key_ops: [null] }, 'not_for_signatures'],
  ['operations that are one text', { ...EC, key_ops: 'verify' }, 'not_for_signatures'],
  ['a key for encryption', { ...EC, use: 'enc', key_ops: [] }, 'not_for_signatures'],
  ['a use that is a list', { ...EC, use: ['sig'] }, 'not_for_signatures'],
  ['a use that is a blank', { ...EC, use: ' ' }, 'not_for_signatures'],
  ['a kid that is a number', { ...EC, kid: 7 }, 'bad_key_id'],
  ['a kid that is an object', { ...EC, kid: {} }, 'bad_key_id'],
  ['a kid that is a list of one', { ...EC, kid: ['k'] }, 'bad_key_id'],
  ['a kid of 10 KB', { ...EC, kid: 'k'.repeat(10_240) }, 'bad_key_id'],
  ['a kid with a line end', { ...EC, kid: 'k\n' }, 'bad_key_id'],
  ['an alg that is a list', { ...EC, alg: ['ES256'] }, 'algorithm_mismatch'],
  ['an alg of none', { ...EC, alg: 'none' }, 'algorithm_mismatch'],
  ['an alg of another curve by RFC 9864', { ...EC, alg: 'ESP384' }, 'algorithm_mismatch'],
  ['an alg of Ed448', { ...ED, alg: 'Ed448' }, 'algorithm_mismatch'],
  ['no type', { ...EC, kty: null }, 'unsupported_key_type'],
  ['no curve', { ...EC, crv: null }, 'unsupported_curve'],
  ['no coordinate', { ...EC, y: [] }, 'malformed_key'],
  [
    'members in a prototype',
    JSON.parse('{"__proto__":{"kty":"EC"}}') as object,
    'unsupported_key_type',
  ],
]

describe('a JWK (RFC 7517 §4)', () => {
  for (const [software, jwk, keyId, algorithms] of GOOD_KEYS) {
    it(`is taken as it is published by ${software}`, () => {
      const parsed = parseJwk(jwk, JWS_ALGORITHMS)
      assert.ok(parsed.ok, JSON.stringify(parsed))
      assert.deepEqual([parsed.key.keyId, parsed.key.algorithms], [keyId, algorithms])
    })
  }

  for (const [what, jwk, reason] of BAD_KEYS) {
    it(`is left out because of ${what}`, () => {
      const parsed = parseJwk(jwk, JWS_ALGORITHMS)
      assert.equal(!parsed.ok && parsed.reason, reason)
    })
  }
})

type GoodHeader = readonly [software: string, header: object, JwsAlgorithm, keyId: string | null]

const GOOD_HEADERS: readonly GoodHeader[] = [
  ['Keycloak, with all that it sends', { alg: 'RS256', typ: 'JWT', kid: 'FJ86' }, 'RS256', 'FJ86'],
  ['Teleport, without kid', { alg: 'RS256', typ: 'JWT' }, 'RS256', null],
  ['Google (email verification), with an empty kid', { alg: 'EdDSA', kid: '' }, 'EdDSA', null],
  ['a Rust issuer, with a kid of null', { typ: 'JWT', alg: 'RS256', kid: null }, 'RS256', null],
  [
    'a Java class written by Jackson',
    { alg: 'ES256', kid: 'j', typ: null, cty: null },
    'ES256',
    'j',
  ],
  [
    'jwt-dotnet, with a key that has no certificate',
    { alg: 'RS256', kid: 'd', x5c: [], x5t: null, jku: null, jwk: null },
    'RS256',
    'd',
  ],
  [
    'an array of PHP, whose empty members are lists',
    { alg: 'ES256', kid: [], typ: [] },
    'ES256',
    null,
  ],
  ['joserfc, by RFC 9864', { alg: 'Ed25519', typ: 'at+jwt', kid: 'r' }, 'EdDSA', 'r'],
  ['an issuer that took its names from COSE', { alg: 'ESP512', kid: 'c' }, 'ES512', 'c'],
  [
    'an issuer that names keys by certificates',
    { alg: 'ES256', kid: 'CN=idp, O=x' },
    'ES256',
    'CN=idp, O=x',
  ],
]

const BAD_HEADERS: readonly (readonly [what: string, header: unknown, RefusalReason])[] = [
  ['an alg of null', { alg: null }, 'header_alg_unknown'],
  ['an alg that is a list', { alg: ['RS256'] }, 'header_alg_unknown'],
  ['an empty alg', { alg: '' }, 'header_alg_unknown'],
  ['an alg of none', { alg: 'none' }, 'header_alg_unknown'],
  ['an alg of RFC 9864 in another case', { alg: 'ed25519' }, 'header_alg_unknown'],
  ['an alg that nothing here verifies', { alg: 'Ed448' }, 'header_alg_unknown'],
  ['a kid that is a number', { alg: 'ES256', kid: 7 }, 'header_kid_malformed'],
  ['a kid that is an object', { alg: 'ES256', kid: { kid: 'k' } }, 'header_kid_malformed'],
  ['a kid that is a list of one', { alg: 'ES256', kid: ['k'] }, 'header_kid_malformed'],
  ['a kid of 10 KB', { alg: 'ES256', kid: 'k'.repeat(10_240) }, 'header_kid_malformed'],
  ['a typ that is a number', { alg: 'ES256', typ: 1 }, 'header_typ_malformed'],
  ['a typ that is a list of one', { alg: 'ES256', typ: ['JWT'] }, 'header_typ_malformed'],
  ['a crit that is empty, which it must not be', { alg: 'ES256', crit: [] }, 'header_crit_refused'],
  ['a crit of null', { alg: 'ES256', crit: null }, 'header_crit_refused'],
  ['a b64 of null', { alg: 'ES256', b64: null }, 'header_unencoded_refused'],
  ['an empty zip', { alg: 'ES256', zip: '' }, 'header_zip_refused'],
  ['an enc of null', { alg: 'ES256', enc: null }, 'header_enc_refused'],
  ['members in a list', [{ alg: 'ES256' }], 'token_header_malformed'],
  ['members in a prototype', JSON.parse('{"__proto__":{"alg":"ES256"}}'), 'header_alg_unknown'],
]

describe('a protected header (RFC 7515 §4.1)', () => {
  for (const [software, members, algorithm, keyId] of GOOD_HEADERS) {
    it(`is read as it is written by ${software}`, () => {
      const header = parseProtectedHeader(encode(JSON.stringify(members)))
      assert.deepEqual([header?.algorithm, header?.keyId], [algorithm, keyId])
    })
  }

  for (const [what, members, reason] of BAD_HEADERS) {
    it(`is refused with its own reason because of ${what}`, () => {
      const segment = encode(JSON.stringify(members))
      assert.equal(parseProtectedHeader(segment), null)
      assert.equal(refuseHeader(segment).reason, reason)
    })
  }

  it('is a type that no issuer has where its typ is an empty text', () => {
    assert.equal(parseProtectedHeader(encode('{"alg":"ES256","typ":""}'))?.type, '')
  })
})
