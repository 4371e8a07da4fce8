/** Keys as `node:crypto` takes them: one object that is a key, and the options of its use. */
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, KeyObject, sign, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import { keyWithOptions } from '../../src/protocol/native-key.ts'
import { mintKey } from '../support/mint-token.ts'

const INPUT = Buffer.from('header.payload')
const P1363_BYTES = 64

function keyPair() {
  const { signingKey } = mintKey('ES256')
  assert.ok(signingKey instanceof KeyObject)
  const pem = signingKey.export({ type: 'pkcs8', format: 'pem' })
  return { privateKey: createPrivateKey(pem), publicKey: createPublicKey(pem) }
}

describe('a key with options', () => {
  it('is a KeyObject still, so that Node 24 need not try what it is', () => {
    const { publicKey } = keyPair()
    const key = keyWithOptions(publicKey, { dsaEncoding: 'ieee-p1363' as const })
    assert.equal(key, publicKey)
    assert.ok(key instanceof KeyObject)
    // And the form that is documented, for a Node that looks for that.
    assert.equal(key.key, publicKey)
    assert.equal(key.dsaEncoding, 'ieee-p1363')
  })

  it('signs and verifies under its options, as the documented form does', () => {
    const { privateKey, publicKey } = keyPair()
    const options = { dsaEncoding: 'ieee-p1363' } as const
    const documented = sign('sha256', INPUT, { key: privateKey, ...options })
    const own = sign('sha256', INPUT, keyWithOptions(privateKey, options))
    assert.equal(own.length, P1363_BYTES)
    const documentedKey = { key: publicKey, ...options }
    assert.ok(verify('sha256', INPUT, documentedKey, own))
    const key = keyWithOptions(publicKey, options)
    assert.ok(verify('sha256', INPUT, key, documented))
    assert.equal(verify('sha256', Buffer.from('header.other'), key, documented), false)
  })
})
