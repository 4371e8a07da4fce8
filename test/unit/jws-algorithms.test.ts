/** The table of algorithms agrees with the standards. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  JWS_ALGORITHM_NAMES,
  JWS_ALGORITHM_TABLE,
  JWS_ALGORITHMS,
  jwsAlgorithmOf,
} from '../../src/protocol/jws-algorithms.ts'
import { mintKey, rawSignature } from '../support/mint-token.ts'

describe('algorithms (RFC 7518 §3.1, RFC 8037 §3.1)', () => {
  it('are in the table once each', () => {
    assert.deepEqual(Object.keys(JWS_ALGORITHM_TABLE), [...JWS_ALGORITHMS])
  })

  it('are known to the letter', () => {
    for (const algorithm of JWS_ALGORITHMS) assert.equal(jwsAlgorithmOf(algorithm), algorithm)
    const others = ['none', 'rs256', 'ES256K', 'ed25519', 'Ed448', 'ESB256', 'valueOf', '__proto__']
    for (const other of [...others, '', 1, null, ['ES256']]) {
      assert.equal(jwsAlgorithmOf(other), null, String(other))
    }
  })

  it('may be called what RFC 9864 calls them, each exactly one of ours', () => {
    const named = JWS_ALGORITHM_NAMES.slice(JWS_ALGORITHMS.length)
    assert.deepEqual(
      named.map((name) => [name, jwsAlgorithmOf(name)]),
      [
        ['Ed25519', 'EdDSA'],
        ['ESP256', 'ES256'],
        ['ESP384', 'ES384'],
        ['ESP512', 'ES512'],
      ],
    )
  })

  it('are symmetric exactly when they begin with HS', () => {
    for (const algorithm of JWS_ALGORITHMS) {
      const { family, keyType } = JWS_ALGORITHM_TABLE[algorithm]
      assert.equal(family === 'symmetric', algorithm.startsWith('HS'))
      assert.equal(keyType === 'oct', algorithm.startsWith('HS'))
    }
  })

  it('make signatures of the length that the table says', () => {
    for (const algorithm of JWS_ALGORITHMS) {
      const { signatureBytes } = JWS_ALGORITHM_TABLE[algorithm]
      if (signatureBytes === null) continue
      assert.equal(rawSignature(mintKey(algorithm), 'a.b').length, signatureBytes, algorithm)
    }
  })
})
