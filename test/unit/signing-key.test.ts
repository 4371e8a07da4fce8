import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { deriveSigningKey, type SigningEpoch } from '../../src/identity/derive-signing-key.ts'
import { generateSigningKey, signingKeyOfPem } from '../../src/identity/signing-key.ts'
import { parseJwks } from '../../src/protocol/parse-jwks.ts'
import { generatedKey } from '../support/generated-key.ts'

const ALGORITHMS = ['ES256', 'EdDSA'] as const
const SECRET = Buffer.from('0123456789abcdef0123456789abcdef')
const EPOCH: SigningEpoch = { algorithm: 'ES256', keyRotationMs: 86_400_000, number: 20_000 }

function pemOf(namedCurve: 'P-256' | 'P-384' | 'secp256k1', type: 'pkcs8' | 'sec1'): string {
  return generatedKey({ type: 'ec', namedCurve }).export({ type, format: 'pem' }).toString()
}

describe('a signing key', () => {
  for (const algorithm of ALGORITHMS) {
    it(`is named by its thumbprint (RFC 7638), ${algorithm}`, async () => {
      const { keyId, publicJwk } = generateSigningKey(algorithm)
      assert.equal(keyId, await calculateJwkThumbprint(publicJwk as JWK, 'sha256'))
      assert.equal(publicJwk.kid, keyId)
    })

    it(`publishes its public members and nothing else, ${algorithm}`, () => {
      const { publicJwk } = generateSigningKey(algorithm)
      const coordinates = algorithm === 'ES256' ? ['x', 'y'] : ['x']
      assert.deepEqual(Object.keys(publicJwk), ['kty', 'crv', ...coordinates, 'kid', 'alg', 'use'])
      assert.equal(publicJwk.alg, algorithm)
      assert.equal(publicJwk.use, 'sig')
    })

    it(`is one that this gateway itself would take from an issuer, ${algorithm}`, () => {
      const { keyId, publicJwk } = generateSigningKey(algorithm)
      const parsed = parseJwks(Buffer.from(JSON.stringify({ keys: [publicJwk] })), [algorithm])
      assert.ok(parsed.ok)
      assert.deepEqual(parsed.skipped, [])
      assert.equal(parsed.keys[0]?.keyId, keyId)
    })

    it(`is another one each time, and the same when read again, ${algorithm}`, () => {
      const key = generateSigningKey(algorithm)
      assert.notEqual(key.keyId, generateSigningKey(algorithm).keyId)
      assert.deepEqual(signingKeyOfPem(key.privateKeyPem), key)
    })
  }

  it('may be given in SEC 1 too, as openssl ecparam writes it', () => {
    assert.equal(signingKeyOfPem(pemOf('P-256', 'sec1'))?.algorithm, 'ES256')
  })

  it('is nothing but an unencrypted private key on P-256 or Ed25519', () => {
    const encrypted = createPrivateKey(generateSigningKey('ES256').privateKeyPem)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString()
    const rsaKey = generatedKey({ type: 'rsa', modulusLength: 2_048 })
    const rsa = {
      privateKey: rsaKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicKey: createPublicKey(rsaKey).export({ type: 'spki', format: 'pem' }).toString(),
    }
    const others = [pemOf('P-384', 'pkcs8'), pemOf('secp256k1', 'pkcs8'), rsa.privateKey]
    for (const pem of ['', 'rubbish', rsa.publicKey, encrypted, ...others]) {
      assert.equal(signingKeyOfPem(pem), null)
    }
  })
})

describe('a derived signing key', () => {
  it('is the same in every release, so that instances of two releases agree', () => {
    const ofAlgorithm = (algorithm: 'ES256' | 'EdDSA') =>
      deriveSigningKey(SECRET, { ...EPOCH, algorithm }).keyId
    assert.equal(ofAlgorithm('ES256'), 'w6qOF_btCYaUx2VrerWw1goq3GZm4_-abpvepEAQciI')
    assert.equal(ofAlgorithm('EdDSA'), 'oaFfWKwKAqP4o-EJZsQ5yflpCc_ho6A1Mpkosnf9rvE')
  })

  it('is another one for another secret, epoch, rotation or algorithm', () => {
    const epochs: SigningEpoch[] = [
      EPOCH,
      { ...EPOCH, number: 20_001 },
      { ...EPOCH, keyRotationMs: 3_600_000 },
      { ...EPOCH, algorithm: 'EdDSA' },
    ]
    const secrets = [SECRET, Buffer.concat([SECRET, Buffer.of(0)]), Buffer.alloc(32, 1)]
    const names = secrets.flatMap((secret) =>
      epochs.map((epoch) => deriveSigningKey(secret, epoch).keyId),
    )
    assert.equal(new Set(names).size, 12)
  })

  it('signs what its public key verifies, whatever the secret', () => {
    const message = Buffer.from('message')
    const secrets = fc.uint8Array({ minLength: 32, maxLength: 64 })
    fc.assert(
      fc.property(secrets, fc.nat(), fc.constantFrom(...ALGORITHMS), (...drawn) => {
        const [secret, number, algorithm] = drawn
        const key = deriveSigningKey(secret, { ...EPOCH, number, algorithm })
        const hash = algorithm === 'ES256' ? 'sha256' : null
        const signature = sign(hash, message, key.privateKeyPem)
        const { kty, crv, x, y } = key.publicJwk
        const jwk = y === undefined ? { kty, crv, x } : { kty, crv, x, y }
        assert.ok(verify(hash, message, { key: jwk, format: 'jwk' }, signature))
      }),
      { numRuns: 100 },
    )
  })
})
