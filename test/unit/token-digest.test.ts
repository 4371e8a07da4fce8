import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  digestText,
  profileKey,
  type TokenDigest,
  tokenDigest,
  unpackDigest,
} from '../../src/token-cache/token-digest.ts'

const ACME = profileKey('tenant acme')

/** The definition, written the slow and obvious way. */
function combined(token: string, description: string): Buffer {
  const sha256 = (text: string) => createHash('sha256').update(text).digest()
  const ofProfile = sha256(description)
  return Buffer.from(sha256(token).map((byte, at) => byte ^ (ofProfile[at] ?? 0)))
}

describe('token digest', () => {
  it('is the whole SHA-256 of the token, combined with that of the profile', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (token, description) => {
        const words = new Int32Array(8)
        unpackDigest(tokenDigest(profileKey(description), token), words)
        assert.deepEqual(Buffer.from(words.buffer), combined(token, description))
      }),
    )
  })

  it('differs between profiles, so that no verdict crosses a tenant', () => {
    const acme = tokenDigest(ACME, 'token')
    const other = tokenDigest(profileKey('tenant other'), 'token')
    assert.notEqual(digestText(acme), digestText(other))
    assert.notDeepEqual(unpacked(acme), unpacked(other))
  })

  it('gives the same profile the same key, so that its entries survive a reload', () => {
    assert.equal(profileKey('tenant acme'), ACME)
  })

  it('keeps token and profile apart in its text by their fixed lengths', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (token, description) => {
        assert.equal(digestText(tokenDigest(profileKey(description), token)).length, 64)
      }),
    )
  })
})

function unpacked(digest: TokenDigest): Int32Array {
  const words = new Int32Array(8)
  unpackDigest(digest, words)
  return words
}
