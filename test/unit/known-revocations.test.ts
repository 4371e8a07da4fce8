import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KnownRevocations } from '../../src/revocation/known-revocations.ts'

const NOW = 1_000

function own(record: string, expiresAtSeconds = NOW + 10) {
  return { record, expiresAtSeconds }
}

function unsentOf(revocations: KnownRevocations, nowSeconds = NOW): string[] {
  return revocations.nextToSend(100, nowSeconds).records.map(({ record }) => record)
}

describe('revocations of this instance', () => {
  it('are sent once, oldest first', () => {
    const revocations = new KnownRevocations(100)
    for (const record of ['a', 'b', 'a', 'c']) revocations.add(own(record), NOW)
    assert.deepEqual(unsentOf(revocations), ['a', 'b', 'c'])
    assert.equal(revocations.nextToSend(2, NOW).records.length, 2)
    revocations.markSent('b')
    revocations.markSent('unknown')
    assert.deepEqual(unsentOf(revocations), ['a', 'c'])
    assert.equal(revocations.unsentCount, 2)
  })

  it('are not sent when the log holds them already, or when they have expired', () => {
    const revocations = new KnownRevocations(100)
    revocations.add(own('a'), NOW)
    revocations.add(own('b', NOW + 1), NOW)
    revocations.markSeen('a')
    revocations.markSeen('unknown')
    assert.deepEqual(unsentOf(revocations, NOW + 1), [])
    assert.equal(revocations.unsentCount, 0)
  })

  it('are sent though the log holds them, as long as they are not among its latest', async () => {
    const revocations = new KnownRevocations(100)
    revocations.add(own('a'), NOW)
    const isSent = revocations.whenSent('a')
    assert.equal(revocations.markHeld('a'), true)
    assert.deepEqual(unsentOf(revocations), ['a'])
    assert.equal(revocations.markSeen('a'), true)
    assert.equal(await isSent, true)
    assert.deepEqual(unsentOf(revocations), [])
    assert.equal(revocations.markHeld('unknown'), false)
  })

  it('are sent again when the log, read from its beginning, has lost them', () => {
    const revocations = new KnownRevocations(100)
    for (const record of ['a', 'b', 'c']) {
      revocations.add(own(record, record === 'c' ? NOW + 1 : NOW + 10), NOW)
      revocations.markSent(record)
    }
    revocations.beginReading()
    revocations.markSeen('a')
    revocations.endReading(0, NOW + 1)
    assert.deepEqual(unsentOf(revocations), ['b'])
  })

  it('are sent again when the log has taken them and yet does not have them to be read', () => {
    const revocations = new KnownRevocations(100)
    for (const record of ['a', 'b', 'c']) revocations.add(own(record), NOW)
    revocations.markSent('a')
    revocations.markSent('b')
    revocations.beginLook()
    revocations.markSent('c')
    revocations.markSeen('a')
    assert.equal(revocations.endLook(), 1)
    assert.deepEqual(unsentOf(revocations), ['b'], 'c was sent after the look had begun')
    revocations.beginLook()
    assert.equal(revocations.endLook(), 1)
    assert.deepEqual(unsentOf(revocations), ['b', 'c'])
    revocations.markSeen('b')
    revocations.markSent('c')
    revocations.beginLook()
    revocations.markSeen('c')
    assert.equal(revocations.endLook(), 0)
  })

  it('give way when there are too many: those that were sent, never those that were not', () => {
    const revocations = new KnownRevocations(2)
    revocations.add(own('a'), NOW)
    revocations.add(own('b'), NOW)
    assert.equal(revocations.add(own('c'), NOW), false)
    assert.equal(revocations.add(own('a'), NOW), true)
    revocations.markSent('b')
    assert.equal(revocations.add(own('c'), NOW), true)
    assert.deepEqual(unsentOf(revocations), ['a', 'c'])
    revocations.beginReading()
    revocations.endReading(0, NOW)
    assert.deepEqual(unsentOf(revocations), ['a', 'c'], 'b was given up')
  })
})
