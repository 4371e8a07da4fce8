/** The table of algorithms agrees with the standards. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  isJwsAlgorithm,
  JWS_ALGORITHM_TABLE,
  JWS_ALGORITHMS,
} from '../../src/protocol/jws-algorithms.ts'
import { mintKey, rawSignature } from '../support/mint-token.ts'

describe('algorithms (RFC 7518 §3.1, RFC 8037 §3.1)', () => {
  it('are in the table once each', () => {
    assert.deepEqual(Object.keys(JWS_ALGORITHM_TABLE), [...JWS_ALGORITHMS])
  })

  it('are known to the letter', () => {
    for (const algorithm of JWS_ALGORITHMS) assert.ok(isJwsAlgorithm(algorithm))
    for (const other of ['none', 'rs256', 'ES256K', 'Ed25519', 'valueOf', '__proto__', '', 1]) {
      assert.ok(!isJwsAlgorithm(other), String(other))
    }
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
