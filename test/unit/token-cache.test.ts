import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Verified } from '../../src/protocol/verification.ts'
import {
  createKeyGenerationsBuffer,
  KeyGenerationAllocator,
  KeyGenerations,
} from '../../src/shared-memory/key-generations.ts'
import { IDENTITY_SLOT_BYTES } from '../../src/token-cache/layout.ts'
import { readTableFill } from '../../src/token-cache/table-fill.ts'
import { createTokenCacheBuffer, TokenCache } from '../../src/token-cache/token-cache.ts'
import { profileKey } from '../../src/token-cache/token-digest.ts'
import { assertIsVerdictAbout, digestOf, verdictOf } from '../support/self-describing-verdict.ts'

const NOW = 1_700_000_000
const LATER = NOW + 300
const TYPICAL = 2
/** Takes several ways of a set. */
const LARGE = 40

function setUp({ sizeMib = 1 / 4 } = {}) {
  const keyBuffer = createKeyGenerationsBuffer(4_095)
  const keys = new KeyGenerations(keyBuffer)
  const buffer = createTokenCacheBuffer(sizeMib)
  const open = () => new TokenCache<string>({ buffer, keys, memoEntries: 64 })
  return { buffer, open, cache: open(), allocator: new KeyGenerationAllocator(keyBuffer) }
}

describe('how full a token cache is', () => {
  const fill = (buffer: SharedArrayBuffer, nowSeconds = NOW) =>
    readTableFill(buffer, IDENTITY_SLOT_BYTES, nowSeconds)

  it('is told in entries that have not ended, and in slots', () => {
    const { buffer, cache } = setUp()
    assert.deepEqual(fill(buffer), {
      entries: 0,
      slotsUsed: 0,
      slots: 31 * 16,
      sizeBytes: 2 ** 18,
    })
    cache.put(digestOf(1), verdictOf(1, 1, TYPICAL, LATER), NOW)
    cache.put(digestOf(2), verdictOf(2, 1, TYPICAL, NOW + 1), NOW)
    cache.put(digestOf(3), verdictOf(3, 1, LARGE, LATER), NOW)
    const { entries, slotsUsed } = fill(buffer)
    assert.equal(entries, 3)
    assert.ok(slotsUsed > 3, 'a large identity takes several')
    assert.equal(fill(buffer, NOW + 1).entries, 2)
    assert.equal(fill(buffer, LATER).entries, 0)
    assert.equal(fill(buffer, LATER).slotsUsed, slotsUsed)
  })

  it('is told of a large one from a part of it, to within a twentieth', () => {
    const { buffer, cache } = setUp({ sizeMib: 32 })
    for (let subject = 0; subject < 20_000; subject += 1) {
      cache.put(digestOf(subject), verdictOf(subject, 1, TYPICAL, LATER), NOW)
    }
    const { entries } = fill(buffer)
    assert.ok(Math.abs(entries - 20_000) < 1_000, `${entries} entries`)
  })

  it('counts as pushed out what was live, and not what had ended', () => {
    const { cache } = setUp({ sizeMib: 0 })
    for (let subject = 0; subject < 16; subject += 1) {
      cache.put(digestOf(subject), verdictOf(subject, 1, TYPICAL, NOW + 1), NOW)
    }
    for (let subject = 16; subject < 32; subject += 1) {
      cache.put(digestOf(subject), verdictOf(subject, 1, TYPICAL, LATER), NOW + 1)
    }
    assert.equal(cache.counters.evictions, 0)
    cache.put(digestOf(32), verdictOf(32, 1, TYPICAL, LATER), NOW + 1)
    assert.equal(cache.counters.evictions, 1)
  })
})

describe('token cache', () => {
  it('gives every thread what one of them put, of any size', () => {
    const { cache, open } = setUp()
    const other = open()
    for (const listLength of [0, TYPICAL, 16, LARGE, 100]) {
      const verdict = verdictOf(listLength, 1, listLength, LATER)
      assert.equal(cache.put(digestOf(listLength), verdict, NOW), true)
      assert.deepEqual(other.get(digestOf(listLength), NOW)?.verified, verdict)
    }
  })

  it('hands out one object for all hits on an entry, with room for what is derived from it', () => {
    const { cache } = setUp()
    cache.put(digestOf(1), verdictOf(1, 1, TYPICAL, LATER), NOW)
    const first = cache.get(digestOf(1), NOW)
    assert.ok(first)
    assert.equal(first.derived, null)
    first.derived = 'x-user-id: 1'
    assert.equal(cache.get(digestOf(1), NOW), first)
    assert.equal(cache.get(digestOf(1), NOW)?.derived, 'x-user-id: 1')
  })

  it('is looked at without a count, a mark or a memory of it', () => {
    const { cache, open } = setUp()
    const other = open()
    const verdict = verdictOf(1, 1, TYPICAL, LATER)
    cache.put(digestOf(1), verdict, NOW)
    const before = { ...other.counters }
    assert.deepEqual(other.peek(digestOf(1), NOW)?.verified, verdict)
    assert.equal(other.peek(digestOf(2), NOW), null)
    assert.equal(other.peek(digestOf(1), LATER), null)
    assert.deepEqual(other.counters, before)
  })

  it('does not give what was derived from an old verdict to its successor', () => {
    const { cache, open } = setUp()
    cache.put(digestOf(1), verdictOf(1, 1, TYPICAL, LATER), NOW)
    const old = cache.get(digestOf(1), NOW)
    assert.ok(old)
    old.derived = 'old'
    open().put(digestOf(1), verdictOf(1, 2, TYPICAL, LATER), NOW)
    const next = cache.get(digestOf(1), NOW)
    assert.equal(next?.verified.identity.issuedAtSeconds, 2)
    assert.equal(next?.derived, null)
  })

  it('compares the whole digest, memoised or not', () => {
    const { cache, open } = setUp()
    const digest = digestOf(1)
    cache.put(digest, verdictOf(1, 1, TYPICAL, LATER), NOW)
    assert.ok(cache.get(digest, NOW))
    const { token, profile } = digest
    for (let at = 0; at < token.length; at += 1) {
      const other = String.fromCharCode(token.charCodeAt(at) ^ 1)
      const near = { token: `${token.slice(0, at)}${other}${token.slice(at + 1)}`, profile }
      assert.equal(cache.get(near, NOW), null)
      assert.equal(open().get(near, NOW), null)
    }
  })

  it('keeps the verdicts of two profiles on one token apart, memoised or not', () => {
    const { cache, open } = setUp()
    const digest = digestOf(1)
    const elsewhere = { token: digest.token, profile: profileKey('tenant: another') }
    cache.put(digest, verdictOf(1, 1, TYPICAL, LATER), NOW)
    assert.ok(cache.get(digest, NOW))
    assert.equal(cache.get(elsewhere, NOW), null)
    assert.equal(open().get(elsewhere, NOW), null)
    cache.put(elsewhere, verdictOf(2, 1, TYPICAL, LATER), NOW)
    assertIsVerdictAbout(cache.get(digest, NOW)?.verified as Verified, 1)
    assertIsVerdictAbout(cache.get(elsewhere, NOW)?.verified as Verified, 2)
  })

  it('misses in the very second in which the verdict is dead, memoised or not', () => {
    const { cache, open } = setUp()
    cache.put(digestOf(1), verdictOf(1, 1, TYPICAL, LATER), NOW)
    assert.ok(cache.get(digestOf(1), LATER - 1))
    assert.equal(cache.get(digestOf(1), LATER), null)
    const other = open()
    assert.equal(other.get(digestOf(1), LATER), null)
    assert.deepEqual([cache.counters.expired, other.counters.expired], [1, 1])
  })

  it('misses as soon as the key behind the verdict is gone, memoised or not', () => {
    const { cache, open, allocator } = setUp()
    const key = allocator.allocate()
    assert.ok(key)
    cache.put(digestOf(1), verdictOf(1, 1, TYPICAL, LATER, key), NOW)
    assert.ok(cache.get(digestOf(1), NOW))
    allocator.kill(key.slot)
    const other = open()
    assert.equal(cache.get(digestOf(1), NOW), null)
    assert.equal(other.get(digestOf(1), NOW), null)
    assert.deepEqual([cache.counters.deadKey, other.counters.deadKey], [1, 1])
  })

  it('forgets a deleted verdict in every thread at once, and takes a new one', () => {
    const { cache, open } = setUp()
    for (const listLength of [TYPICAL, LARGE]) {
      cache.put(digestOf(1), verdictOf(1, 1, listLength, LATER), NOW)
      assert.ok(cache.get(digestOf(1), NOW))
      open().delete(digestOf(1))
      assert.equal(cache.get(digestOf(1), NOW), null)
      assert.equal(open().get(digestOf(1), NOW), null)
      cache.put(digestOf(1), verdictOf(1, 2, listLength, LATER), NOW)
      assert.ok(cache.get(digestOf(1), NOW))
    }
  })

  it('does not keep what is dead on arrival or larger than a set', () => {
    const { cache } = setUp()
    assert.equal(cache.put(digestOf(1), verdictOf(1, 1, TYPICAL, NOW), NOW), false)
    assert.equal(cache.put(digestOf(2), verdictOf(2, 1, 300, LATER), NOW), false)
    assert.equal(cache.put(digestOf(3), verdictOf(3, 1, TYPICAL, Number.NaN), NOW), false)
    for (const subject of [1, 2, 3]) assert.equal(cache.get(digestOf(subject), NOW), null)
    assert.deepEqual([cache.counters.putsEnded, cache.counters.putsTooLarge], [1, 2])
  })

  it('keeps a verdict of the far future, and calls it dead no later than it is', () => {
    const { cache, open } = setUp()
    cache.put(digestOf(1), verdictOf(1, 1, TYPICAL, 2 ** 40), NOW)
    cache.put(digestOf(2), verdictOf(2, 1, TYPICAL, NOW + 9.9), NOW)
    assert.equal(open().get(digestOf(1), NOW)?.verified.deadAtSeconds, 2 ** 40)
    assert.ok(open().get(digestOf(2), NOW + 8))
    assert.equal(open().get(digestOf(2), NOW + 9), null)
  })

  it('keeps a token of typical size in less than 1 KiB', () => {
    const { cache, buffer, open } = setUp({ sizeMib: 2 })
    const subjects = (4 * buffer.byteLength) / 1_024
    for (let subject = 0; subject < subjects; subject += 1) {
      cache.put(digestOf(subject), verdictOf(subject, 1, TYPICAL, LATER), NOW)
    }
    const reader = open()
    let kept = 0
    for (let subject = 0; subject < subjects; subject += 1) {
      if (reader.get(digestOf(subject), NOW) !== null) kept += 1
    }
    assert.ok(buffer.byteLength / kept < 1_024, `${buffer.byteLength / kept} bytes a token`)
  })

  it('keeps nearly every token while there is a KiB for each', () => {
    const { cache, buffer, open } = setUp({ sizeMib: 2 })
    const subjects = buffer.byteLength / 1_024
    for (let subject = 0; subject < subjects; subject += 1) {
      cache.put(digestOf(subject), verdictOf(subject, 1, TYPICAL, LATER), NOW)
    }
    const reader = open()
    let lost = 0
    for (let subject = 0; subject < subjects; subject += 1) {
      if (reader.get(digestOf(subject), NOW) === null) lost += 1
    }
    assert.ok(lost / subjects < 0.01, `${lost} of ${subjects} lost`)
  })

  it('lets expired and orphaned verdicts go before live ones', () => {
    const { cache, allocator } = setUp({ sizeMib: 0 })
    const key = allocator.allocate()
    assert.ok(key)
    const subjects = Array.from({ length: 16 }, (_, subject) => subject)
    for (const subject of subjects) {
      const deadAt = subject === 5 ? NOW + 1 : LATER
      const verdict = subject === 9 ? verdictOf(9, 1, TYPICAL, LATER, key) : null
      cache.put(digestOf(subject), verdict ?? verdictOf(subject, 1, TYPICAL, deadAt), NOW)
      assert.ok(cache.get(digestOf(subject), NOW))
    }
    allocator.kill(key.slot)
    cache.put(digestOf(100), verdictOf(100, 1, TYPICAL, LATER), NOW + 2)
    cache.put(digestOf(101), verdictOf(101, 1, TYPICAL, LATER), NOW + 2)
    const kept = subjects.filter((subject) => cache.get(digestOf(subject), NOW + 2) !== null)
    assert.deepEqual(
      kept,
      subjects.filter((subject) => subject !== 5 && subject !== 9),
    )
  })

  it('lets unused verdicts go before those in use', () => {
    const { cache } = setUp({ sizeMib: 0 })
    for (let subject = 0; subject < 16; subject += 1) {
      cache.put(digestOf(subject), verdictOf(subject, 1, TYPICAL, LATER), NOW)
    }
    const inUse = [1, 4, 11]
    for (let newcomer = 100; newcomer < 150; newcomer += 1) {
      for (const subject of inUse) assert.ok(cache.get(digestOf(subject), NOW), `${newcomer}`)
      cache.put(digestOf(newcomer), verdictOf(newcomer, 1, TYPICAL, LATER), NOW)
    }
  })

  it('keeps what is in reserve for one round of those that were not read, and no longer', () => {
    const { cache } = setUp({ sizeMib: 0 })
    const newcomer = (subject: number): void => {
      cache.put(digestOf(subject), verdictOf(subject, 1, TYPICAL, LATER), NOW)
    }
    cache.putInReserve(digestOf(0), verdictOf(0, 1, TYPICAL, LATER), NOW)
    for (let subject = 1; subject < 16; subject += 1) newcomer(subject)
    for (let subject = 100; subject < 115; subject += 1) {
      newcomer(subject)
      assert.ok(cache.peek(digestOf(0), NOW), `after ${subject}`)
    }
    for (let subject = 200; subject < 216; subject += 1) newcomer(subject)
    assert.equal(cache.peek(digestOf(0), NOW), null)
  })

  it('removes the whole of a large verdict that a small one pushes out', () => {
    const { cache, open } = setUp({ sizeMib: 0 })
    for (let subject = 0; subject < 60; subject += 1) {
      const listLength = subject % 3 === 0 ? LARGE : TYPICAL
      cache.put(digestOf(subject), verdictOf(subject, 1, listLength, LATER), NOW)
      const reader = open()
      for (let other = 0; other <= subject; other += 1) {
        const found = reader.get(digestOf(other), NOW)
        if (found !== null) assertIsVerdictAbout(found.verified, other)
      }
      assert.equal(reader.counters.torn, 0)
      assert.ok(cache.get(digestOf(subject), NOW))
    }
  })
})
