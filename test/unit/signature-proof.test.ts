/** What a thread concludes from the proof of its native code. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JWS_ALGORITHM_TABLE, JWS_ALGORITHMS } from '../../src/protocol/jws-algorithms.ts'
import { loadRustBinding, type RustBinding } from '../../src/verifiers/jwt/rust-binding.ts'
import {
  isSameProof,
  proveSignatures,
  unprovenAlgorithms,
} from '../../src/verifiers/jwt/signature-proof.ts'

function proofWith(verifySync: RustBinding['verifySync']) {
  return proveSignatures({ ok: true, binding: { verifySync } })
}

const loaded = loadRustBinding()
assert.ok(loaded.ok)
const { verifySync } = loaded.binding

describe('the proof of native code', () => {
  it('leaves each algorithm to the backend of the table where all works', () => {
    const proof = proveSignatures()
    assert.equal(proof.bindingFault, null)
    for (const algorithm of JWS_ALGORITHMS) {
      assert.equal(proof.backends[algorithm], JWS_ALGORITHM_TABLE[algorithm].backend)
    }
    assert.deepEqual(unprovenAlgorithms(proof, JWS_ALGORITHMS), [])
    assert.ok(isSameProof(proof, proveSignatures()))
  })

  const faults: ReadonlyArray<readonly [string, RustBinding['verifySync']]> = [
    ['finds every signature good', () => ({})],
    [
      'finds every signature bad',
      () => {
        throw new Error('InvalidSignature')
      },
    ],
    [
      'cannot decide',
      () => {
        throw new Error('InvalidKeyFormat')
      },
    ],
    [
      'errs in one algorithm',
      (token, key, options) => {
        if (options?.algorithms?.some((algorithm) => String(algorithm) === 'ES384')) return {}
        return verifySync(token, key, options)
      },
    ],
  ]
  for (const [what, verify] of faults) {
    it(`trusts a binding with nothing that ${what}`, () => {
      const proof = proofWith(verify)
      assert.equal(proof.bindingFault, 'failed_proof')
      assert.deepEqual(new Set(Object.values(proof.backends)), new Set(['openssl']))
      assert.ok(!isSameProof(proof, proveSignatures()))
    })
  }

  it('says why there is no binding, and leaves all to OpenSSL', () => {
    for (const reason of ['not_installed', 'does_not_load'] as const) {
      const proof = proveSignatures({ ok: false, reason })
      assert.equal(proof.bindingFault, reason)
      assert.deepEqual(new Set(Object.values(proof.backends)), new Set(['openssl']))
    }
  })
})
