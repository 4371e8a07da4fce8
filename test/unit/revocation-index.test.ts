import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mapIndex, REVOCATION_CAPACITY_MAX } from '../../src/revocation/layout.ts'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { keyWordsOf, revocationKey, revocationKeysOf } from '../../src/revocation/revocation-key.ts'
import { RevocationReader } from '../../src/revocation/revocation-reader.ts'
import {
  brokenIndexInvariants,
  entryOf,
  ISSUER,
  identityOf,
  tokenEntryOf,
} from '../support/revocations.ts'

const NOW = 2_000
const UNTIL = 5_000

function open(capacity = 30) {
  const buffer = createRevocationBuffer(capacity)
  return { buffer, index: new RevocationIndex(buffer), reader: new RevocationReader(buffer) }
}

describe('revocation index', () => {
  it('finds everything clean while it is empty, and hashes nothing for that', () => {
    const { reader, index } = open()
    const keys = revocationKeysOf(identityOf(1))
    assert.equal(reader.isRevoked(keys, NOW), false)
    assert.equal(keys.words, null)
    assert.equal(index.size, 0)
  })

  it('revokes a token, a session, a subject and an issuer, and nothing else', () => {
    const names = [
      { kind: 'jti', issuer: ISSUER, value: 'token-1' },
      { kind: 'sid', issuer: ISSUER, value: 'session-1' },
      { kind: 'sub', issuer: ISSUER, value: 'subject-1' },
      { kind: 'issuer', issuer: ISSUER, value: '' },
    ] as const
    for (const name of names) {
      const { reader, index } = open()
      const hit = revocationKeysOf(identityOf(1))
      const other = revocationKeysOf(identityOf(2))
      const stranger = revocationKeysOf({ ...identityOf(1), issuer: 'https://other.example.com/' })
      const session = revocationKeysOf({ ...identityOf(1), issuer: '' })
      for (const keys of [hit, other, stranger, session]) {
        assert.equal(reader.isRevoked(keys, NOW), false)
      }
      assert.equal(index.add(entryOf(name, UNTIL, NOW), NOW), 'added')
      assert.equal(reader.isRevoked(hit, NOW), true, name.kind)
      assert.equal(reader.isRevoked(other, NOW), name.kind === 'issuer', name.kind)
      assert.equal(reader.isRevoked(stranger, NOW), false, name.kind)
      assert.equal(reader.isRevoked(session, NOW), false, name.kind)
    }
  })

  it('revokes a session that no issuer has issued by its bare identifier', () => {
    const { reader, index } = open()
    index.add(entryOf({ kind: 'sid', issuer: '', value: 'session-1' }, UNTIL), NOW)
    assert.equal(reader.isRevoked(revocationKeysOf({ ...identityOf(1), issuer: '' }), NOW), true)
    assert.equal(reader.isRevoked(revocationKeysOf(identityOf(1)), NOW), false)
  })

  it('covers the second of the watermark and all before, and what does not say when', () => {
    const { reader, index } = open()
    const name = { kind: 'sub', issuer: ISSUER, value: 'subject-1' } as const
    index.add(entryOf(name, UNTIL, 1_500), NOW)
    const isRevoked = (issuedAtSeconds: number | null) =>
      reader.isRevoked(revocationKeysOf(identityOf(1, issuedAtSeconds)), NOW)
    assert.deepEqual([1_499, 1_500, 1_500.9, 1_501].map(isRevoked), [true, true, true, false])
    assert.equal(isRevoked(null), true)
  })

  it('covers a token by its jti even when it is issued in the future', () => {
    const { reader, index } = open()
    index.add(tokenEntryOf(1, UNTIL), NOW)
    assert.equal(reader.isRevoked(revocationKeysOf(identityOf(1, 2 ** 40)), NOW), true)
  })

  it('holds until the very second in which what it covers is dead', () => {
    const { reader, index } = open()
    index.add(tokenEntryOf(1, UNTIL), NOW)
    const keys = revocationKeysOf(identityOf(1))
    assert.equal(reader.isRevoked(keys, UNTIL - 1), true)
    assert.equal(reader.isRevoked(keys, UNTIL), false)
  })

  it('looks a clean credential up once, until something is revoked', () => {
    const { reader, index } = open()
    index.add(tokenEntryOf(2, UNTIL), NOW)
    const keys = revocationKeysOf(identityOf(1))
    assert.equal(reader.isRevoked(keys, NOW), false)
    const { cleanEpoch } = keys
    assert.notEqual(cleanEpoch, 0)
    index.add(tokenEntryOf(3, UNTIL), NOW)
    assert.equal(reader.isRevoked(keys, NOW), false)
    assert.notEqual(keys.cleanEpoch, cleanEpoch)
    index.add(tokenEntryOf(1, UNTIL), NOW)
    assert.equal(reader.isRevoked(keys, NOW), true)
    assert.equal(reader.isRevoked(keys, NOW), true, 'being revoked is not forgotten')
  })

  it('looks again when something was revoked while it was looking', () => {
    const { reader, index } = open()
    index.add(tokenEntryOf(2, UNTIL), NOW)
    const keys = revocationKeysOf(identityOf(1))
    const words = keyWordsOf(keys)
    let looks = 0
    // The length is read before each key is searched for, and when the last one has been: there,
    // another thread comes in between.
    Object.defineProperty(words, 'length', {
      get: () => {
        if (looks === 4) index.add(tokenEntryOf(1, UNTIL), NOW)
        looks += 1
        return 16
      },
    })
    assert.equal(reader.isRevoked(keys, NOW), false, 'it was published too late for this answer')
    assert.equal(reader.isRevoked(keys, NOW), true)
  })

  it('comes to "looked up in no epoch" never, even when the count comes round', () => {
    const { buffer, reader, index } = open()
    mapIndex(buffer).words[0] = -1
    const keys = revocationKeysOf(identityOf(1))
    index.add(tokenEntryOf(1, UNTIL), NOW)
    assert.equal(reader.isRevoked(keys, NOW), true)
  })

  it('keeps the later watermark and the later end of two entries of one key', () => {
    const { reader, index } = open()
    const name = { kind: 'sub', issuer: ISSUER, value: 'subject-1' } as const
    assert.equal(index.add(entryOf(name, UNTIL, 1_500), NOW), 'added')
    assert.equal(index.add(entryOf(name, UNTIL, 1_500), NOW), 'known')
    assert.equal(index.add(entryOf(name, UNTIL - 1, 1_400), NOW), 'known')
    assert.equal(index.add(entryOf(name, UNTIL - 1, 1_600), NOW), 'added')
    assert.equal(index.add(entryOf(name, UNTIL + 1, 1_400), NOW), 'added')
    assert.equal(index.size, 1)
    assert.equal(reader.isRevoked(revocationKeysOf(identityOf(1, 1_600)), UNTIL), true)
  })

  it('does not lend the watermark of an expired entry to one that follows', () => {
    const { reader, index } = open()
    const name = { kind: 'sub', issuer: ISSUER, value: 'subject-1' } as const
    index.add(entryOf(name, NOW + 1, 1_900), NOW)
    index.add(entryOf(name, UNTIL, 1_500), NOW + 1)
    assert.equal(reader.isRevoked(revocationKeysOf(identityOf(1, 1_600)), NOW + 1), false)
    assert.equal(reader.isRevoked(revocationKeysOf(identityOf(1, 1_500)), NOW + 1), true)
  })

  it('stores nothing that has expired already', () => {
    const { index } = open()
    assert.equal(index.add(tokenEntryOf(1, NOW), NOW), 'expired')
    assert.equal(index.add(tokenEntryOf(1, Number.NaN), NOW), 'expired')
    assert.equal(index.size, 0)
  })

  it('says when it is full, keeps what it has, and has room again when that has expired', () => {
    const { buffer, reader, index } = open(30)
    for (let number = 0; number < 30; number += 1) {
      assert.equal(index.add(tokenEntryOf(number, UNTIL + (number % 2)), NOW), 'added')
    }
    assert.equal(index.add(tokenEntryOf(30, UNTIL), NOW), 'full')
    assert.equal(index.add(tokenEntryOf(29, UNTIL), NOW), 'known', 'what is there may be extended')
    assert.equal(reader.isRevoked(revocationKeysOf(identityOf(30)), NOW), false)
    for (let number = 0; number < 30; number += 1) {
      assert.equal(reader.isRevoked(revocationKeysOf(identityOf(number)), NOW), true)
    }
    assert.equal(index.add(tokenEntryOf(30, UNTIL + 9), UNTIL), 'added')
    assert.equal(index.size, 16)
    assert.deepEqual(brokenIndexInvariants(buffer), [])
  })

  it('takes out by a sweep what has expired, and only that', () => {
    const { buffer, reader, index } = open(300)
    for (let number = 0; number < 300; number += 1) {
      index.add(tokenEntryOf(number, number < 100 ? NOW + 10 : UNTIL), NOW)
    }
    assert.equal(index.sweep(NOW + 9), 0)
    assert.equal(index.sweep(NOW + 10), 100)
    assert.equal(index.size, 200)
    for (let number = 0; number < 300; number += 1) {
      const keys = revocationKeysOf(identityOf(number))
      assert.equal(reader.isRevoked(keys, NOW + 10), number >= 100)
    }
    assert.deepEqual(brokenIndexInvariants(buffer), [])
  })

  it('fills to its capacity at the size of a fleet', () => {
    const { buffer, index } = open(20_000)
    for (let number = 0; number < index.capacity; number += 1) {
      assert.equal(index.add(tokenEntryOf(number, UNTIL), NOW), 'added')
    }
    assert.deepEqual(brokenIndexInvariants(buffer), [])
  })

  it('keeps apart names that read the same when strung together', () => {
    const keys = [
      revocationKey({ kind: 'jti', issuer: 'ab', value: 'c' }),
      revocationKey({ kind: 'jti', issuer: 'a', value: 'bc' }),
      revocationKey({ kind: 'sid', issuer: 'ab', value: 'c' }),
      revocationKey({ kind: 'sub', issuer: '1:a', value: '' }),
      revocationKey({ kind: 'sub', issuer: '', value: '1:a' }),
    ]
    assert.equal(new Set(keys).size, keys.length)
  })

  it('makes no key for what a credential does not have', () => {
    const bare = { ...identityOf(1), tokenId: null, sessionId: null }
    assert.equal(keyWordsOf(revocationKeysOf(bare)).length, 8)
    assert.equal(keyWordsOf(revocationKeysOf(identityOf(1))).length, 16)
  })

  it('refuses a capacity out of bounds, and memory that is not its own', () => {
    for (const capacity of [0, -1, Number.NaN, REVOCATION_CAPACITY_MAX + 1]) {
      assert.throws(() => createRevocationBuffer(capacity), /Invariant/)
    }
    assert.throws(() => new RevocationReader(new SharedArrayBuffer(64)), /Invariant/)
    assert.throws(() => new RevocationReader(new SharedArrayBuffer(100)), /Invariant/)
  })
})
