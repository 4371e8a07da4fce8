/** What a JWK Set document may bring in, and what it may not. */
import assert from 'node:assert/strict'
import { createHash, createPublicKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { JWS_ALGORITHMS, type JwsAlgorithm } from '../../src/protocol/jws-algorithms.ts'
import type { SkipReason } from '../../src/protocol/parse-jwk.ts'
import { JWKS_BYTES_MAX, JWKS_KEYS_MAX, parseJwks } from '../../src/protocol/parse-jwks.ts'
import {
  ecKeyPair,
  ed25519KeyPair,
  es256Jwk,
  keySetDocument,
  rsaKeyPair,
} from '../support/key-documents.ts'

function parsed(document: Uint8Array, permitted: readonly JwsAlgorithm[] = JWS_ALGORITHMS) {
  const outcome = parseJwks(document, permitted)
  assert.ok(outcome.ok)
  return outcome
}

function assertSkipped(
  jwk: unknown,
  reason: SkipReason,
  permitted: readonly JwsAlgorithm[] = JWS_ALGORITHMS,
) {
  const outcome = parsed(keySetDocument(jwk), permitted)
  assert.deepEqual(outcome.keys, [])
  assert.deepEqual(
    outcome.skipped.map((skipped) => skipped.reason),
    [reason],
  )
}

const rsa = rsaKeyPair().publicJwk
const p256 = ecKeyPair('P-256').publicJwk
const ed25519 = ed25519KeyPair().publicJwk

describe('usable keys of a JWK Set (RFC 7517 §5, RFC 7518 §6, RFC 8037 §2)', () => {
  const cases = [
    ['an RSA key', rsa, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['a P-256 key', p256, ['ES256']],
    ['a P-384 key', ecKeyPair('P-384').publicJwk, ['ES384']],
    ['a P-521 key', ecKeyPair('P-521').publicJwk, ['ES512']],
    ['an Ed25519 key', ed25519, ['EdDSA']],
  ] as const
  for (const [name, jwk, algorithms] of cases) {
    it(`lets ${name} verify exactly the algorithms of its type`, () => {
      const [key] = parsed(keySetDocument({ ...jwk, kid: 'k' })).keys
      assert.deepEqual(key?.algorithms, algorithms)
      assert.equal(key?.keyId, 'k')
      const sameKey = createPublicKey(key?.spkiPem ?? '').export({ format: 'jwk' })
      assert.deepEqual(sameKey, jwk)
    })
  }

  it('narrows a key to its own "alg"', () => {
    const [key] = parsed(keySetDocument({ ...rsa, alg: 'PS384' })).keys
    assert.deepEqual(key?.algorithms, ['PS384'])
  })

  it('narrows a key to what the issuer may use', () => {
    const [key] = parsed(keySetDocument(rsa), ['RS256', 'ES256']).keys
    assert.deepEqual(key?.algorithms, ['RS256'])
  })

  it('computes the thumbprint of RFC 7638 §3.1 from the key alone', () => {
    const [key] = parsed(keySetDocument({ ...rsa, kid: 'any', alg: 'RS256', x5t: 'none' })).keys
    const canonical = `{"e":"${rsa.e}","kty":"RSA","n":"${rsa.n}"}`
    assert.equal(key?.thumbprint, createHash('sha256').update(canonical).digest('base64url'))
  })

  it('keeps the good keys next to bad ones, and says which were left out', () => {
    const outcome = parsed(keySetDocument(null, es256Jwk('good'), { kty: 'oct', k: 'AAAA' }))
    assert.deepEqual(
      outcome.keys.map((key) => key.keyId),
      ['good'],
    )
    assert.deepEqual(outcome.skipped, [
      { index: 0, keyId: null, reason: 'not_an_object' },
      { index: 2, keyId: null, reason: 'symmetric_key' },
    ])
  })

  it('tolerates one needless leading zero in a modulus', () => {
    const n = Buffer.concat([Buffer.of(0), Buffer.from(rsa.n ?? '', 'base64url')])
    const [padded] = parsed(keySetDocument({ ...rsa, n: n.toString('base64url') })).keys
    const [plain] = parsed(keySetDocument(rsa)).keys
    assert.equal(padded?.thumbprint, plain?.thumbprint)
  })
})

describe('unusable keys of a JWK Set (RFC 7517 §4, RFC 8725 §3.5)', () => {
  it('never takes a symmetric key, whatever it says about itself', () => {
    assertSkipped({ kty: 'oct', k: 'c2VjcmV0', alg: 'HS256', use: 'sig' }, 'symmetric_key')
  })

  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']) {
    it(`skips a key with the private member "${member}"`, () => {
      assertSkipped({ ...p256, [member]: 'AAAA' }, 'private_key')
    })
  }

  it('skips real private keys of every type', () => {
    assertSkipped(rsaKeyPair().privateJwk, 'private_key')
    assertSkipped(ecKeyPair('P-256').privateJwk, 'private_key')
    assertSkipped(ed25519KeyPair().privateJwk, 'private_key')
  })

  it('skips what is not for signatures', () => {
    assertSkipped({ ...p256, use: 'enc' }, 'not_for_signatures')
    assertSkipped({ ...p256, use: ['sig'] }, 'not_for_signatures')
    assertSkipped({ ...p256, key_ops: ['encrypt'] }, 'not_for_signatures')
    assertSkipped({ ...p256, key_ops: 'verify' }, 'not_for_signatures')
    assert.equal(parsed(keySetDocument({ ...p256, key_ops: ['verify'] })).keys.length, 1)
  })

  it('skips a "kid" that no token header may have', () => {
    for (const kid of [7, 'x'.repeat(257), 'a\nb', 'ключ', {}, ['k'], true]) {
      assertSkipped({ ...p256, kid }, 'bad_key_id')
    }
  })

  it('skips RSA keys that are too short or absurdly long', () => {
    assertSkipped(rsaKeyPair(1_024).publicJwk, 'rsa_too_small')
    const huge = Buffer.alloc(2_050, 0xff).toString('base64url')
    assertSkipped({ kty: 'RSA', n: huge, e: 'AQAB' }, 'rsa_too_large')
  })

  it('skips RSA exponents that make every signature its own message, or verification slow', () => {
    const exponents = [Buffer.of(1), Buffer.of(4), Buffer.of(0), Buffer.alloc(8, 0xff)]
    for (const exponent of exponents) {
      const outcome = parsed(keySetDocument({ ...rsa, e: exponent.toString('base64url') }))
      assert.deepEqual(outcome.keys, [])
    }
    assertSkipped({ ...rsa, e: Buffer.of(1).toString('base64url') }, 'rsa_exponent')
    assertSkipped({ ...rsa, e: Buffer.alloc(10, 0xff).toString('base64url') }, 'rsa_exponent')
  })

  it('skips unknown types and curves', () => {
    assertSkipped({ kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' }, 'unsupported_key_type')
    assertSkipped({ ...p256, kty: 'rsa' }, 'unsupported_key_type')
    assertSkipped(ecKeyPair('secp256k1').publicJwk, 'unsupported_curve')
    assertSkipped({ ...ed25519, crv: 'X25519' }, 'unsupported_curve')
    assertSkipped({ ...p256, crv: 'Ed25519' }, 'unsupported_curve')
    assertSkipped({ ...p256, crv: 'toString' }, 'unsupported_curve')
  })

  it('skips a point of another curve than the one it names', () => {
    assertSkipped({ ...p256, crv: 'P-384' }, 'malformed_key')
  })

  it('skips a point that is not on its curve', () => {
    assertSkipped({ ...p256, y: p256.x }, 'invalid_point')
    const zero = Buffer.alloc(32).toString('base64url')
    assertSkipped({ ...p256, x: zero, y: zero }, 'invalid_point')
    assertSkipped({ ...ed25519, x: littleEndian(2n) }, 'invalid_point')
  })

  it('skips members that are missing or not base64url', () => {
    assertSkipped({ kty: 'RSA', e: 'AQAB' }, 'malformed_key')
    assertSkipped({ ...rsa, n: `${rsa.n}=` }, 'malformed_key')
    assertSkipped({ ...p256, x: [p256.x] }, 'malformed_key')
    assertSkipped({ kty: 'OKP', crv: 'Ed25519' }, 'malformed_key')
    assertSkipped({ kty: 'EC', crv: 'P-256', x: p256.x }, 'malformed_key')
  })

  it('skips an "alg" that does not fit the type of the key', () => {
    assertSkipped({ ...rsa, alg: 'HS256' }, 'algorithm_mismatch')
    assertSkipped({ ...rsa, alg: 'RSA-OAEP' }, 'algorithm_mismatch')
    assertSkipped({ ...p256, alg: 'ES384' }, 'algorithm_mismatch')
    assertSkipped({ ...p256, alg: ['ES256'] }, 'algorithm_mismatch')
    assertSkipped({ ...p256, alg: 'none' }, 'algorithm_mismatch')
  })

  it('skips a key that serves nothing that the issuer may use', () => {
    assertSkipped(rsa, 'algorithm_not_accepted', ['ES256'])
  })

  it('is not led on by members of a prototype', () => {
    const document = Buffer.from('{"keys":[{"__proto__":{"kty":"RSA","n":"AAAA","e":"AQAB"}}]}')
    assert.deepEqual(parsed(document).skipped[0]?.reason, 'unsupported_key_type')
  })
})

describe('small and invalid points of Ed25519 (RFC 8032 §5.1.3)', () => {
  const prime = 2n ** 255n - 19n
  const order8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
  const encodings: readonly (readonly [string, bigint])[] = [
    ['the neutral element', 1n],
    ['the point of order 2', prime - 1n],
    ['a point of order 4', 0n],
    ['a spelling of the neutral element that is not canonical', prime + 1n],
    ['the largest number of 255 bits', 2n ** 255n - 1n],
    ['a point of order 8', order8],
    ['the other point of order 8', prime - order8],
  ]
  for (const [name, y] of encodings) {
    for (const sign of [0n, 1n]) {
      it(`refuses ${name}, sign ${sign}`, () => {
        assertSkipped(
          { kty: 'OKP', crv: 'Ed25519', x: littleEndian(y | (sign << 255n)) },
          'invalid_point',
        )
      })
    }
  }

  it('takes every key that OpenSSL makes', () => {
    const keys = Array.from({ length: 50 }, () => ed25519KeyPair().publicJwk)
    assert.equal(parsed(keySetDocument(...keys)).keys.length, 50)
  })
})

describe('one kid, several keys (RFC 7517 §4.5)', () => {
  it('keeps keys of different types under one kid', () => {
    const outcome = parsed(keySetDocument({ ...rsa, kid: 'k' }, { ...p256, kid: 'k' }))
    assert.equal(outcome.keys.length, 2)
  })

  it('lets the earlier of two rivals keep the algorithms that both could serve', () => {
    const first = es256Jwk('k')
    const outcome = parsed(keySetDocument(first, es256Jwk('k')))
    const [kept] = parsed(keySetDocument(first)).keys
    assert.deepEqual(outcome.keys, [kept])
    assert.deepEqual(outcome.skipped, [{ index: 1, keyId: 'k', reason: 'duplicate_key_id' }])
  })

  it('lets one RSA key serve two algorithms through two entries', () => {
    const outcome = parsed(
      keySetDocument({ ...rsa, kid: 'k', alg: 'RS256' }, { ...rsa, kid: 'k', alg: 'PS256' }),
    )
    assert.deepEqual(
      outcome.keys.map((key) => key.algorithms),
      [['RS256'], ['PS256']],
    )
  })

  it('keeps several keys without a kid, but none of them twice', () => {
    const outcome = parsed(keySetDocument(p256, ecKeyPair('P-256').publicJwk, p256))
    assert.equal(outcome.keys.length, 2)
    assert.deepEqual(outcome.skipped, [{ index: 2, keyId: null, reason: 'duplicate_key_id' }])
  })
})

describe('documents that are refused as a whole', () => {
  const key = es256Jwk('k')
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['one byte over the limit', padded(JWKS_BYTES_MAX + 1), 'too_large'],
    ['text that is not JSON', Buffer.from('<html>'), 'not_json'],
    ['no bytes', Buffer.alloc(0), 'not_json'],
    [
      'a key that names a member twice',
      Buffer.from('{"keys":[{"kid":"a","kid":"b"}]}'),
      'not_json',
    ],
    ['keys named twice in two spellings', Buffer.from('{"keys":[],"\\u006beys":[]}'), 'not_json'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'not_json'],
    ['a bare array', Buffer.from('[]'), 'not_a_key_set'],
    ['null', Buffer.from('null'), 'not_a_key_set'],
    ['an object without keys', Buffer.from('{}'), 'not_a_key_set'],
    ['keys that are an object', Buffer.from('{"keys":{"0":{}}}'), 'not_a_key_set'],
    ['keys behind a prototype', Buffer.from('{"__proto__":{"keys":[]}}'), 'not_a_key_set'],
    ['one key too many', keySetDocument(...Array(JWKS_KEYS_MAX + 1).fill(key)), 'too_many_keys'],
  ]
  for (const [name, document, reason] of cases) {
    it(`refuses ${name}`, () => {
      assert.deepEqual(parseJwks(document, JWS_ALGORITHMS), { ok: false, reason })
    })
  }

  it('reads a document of exactly the largest size, and one of exactly the most keys', () => {
    assert.equal(parseJwks(padded(JWKS_BYTES_MAX), JWS_ALGORITHMS).ok, true)
    const many = Array.from({ length: JWKS_KEYS_MAX }, (_, index) => ({
      ...p256,
      kid: `k${index}`,
    }))
    assert.equal(parsed(keySetDocument(...many)).keys.length, JWKS_KEYS_MAX)
  })
})

function padded(sizeBytes: number): Buffer {
  return Buffer.from('{"keys":[]}'.padEnd(sizeBytes))
}

function littleEndian(value: bigint): string {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse().toString('base64url')
}
