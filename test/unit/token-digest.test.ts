import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { profileKey, tokenDigest, unpackDigest } from '../../src/token-cache/token-digest.ts'

const ACME = profileKey('tenant acme')

describe('token digest', () => {
  it('is the whole SHA-256 of profile key and token', () => {
    fc.assert(
      fc.property(fc.string(), (token) => {
        const expected = createHash('sha256').update(`${ACME}${token}`).digest()
        const digest = tokenDigest(ACME, token)
        assert.deepEqual(Buffer.from(digest, 'latin1'), expected)
        const words = new Int32Array(8)
        unpackDigest(digest, words)
        assert.deepEqual(Buffer.from(words.buffer), expected)
      }),
    )
  })

  it('differs between profiles, so that no verdict crosses a tenant', () => {
    assert.notEqual(tokenDigest(ACME, 'token'), tokenDigest(profileKey('tenant other'), 'token'))
  })

  it('gives the same profile the same key, so that its entries survive a reload', () => {
    assert.equal(profileKey('tenant acme'), ACME)
  })

  it('keeps profile and token apart by a fixed length, however long the description', () => {
    fc.assert(
      fc.property(fc.string(), (description) => {
        assert.equal(profileKey(description).length, 32)
      }),
    )
  })
})
