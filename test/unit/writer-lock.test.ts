import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  acquireWriterLock,
  releaseWriterLock,
  STEAL_AFTER_SECONDS,
} from '../../src/shared-memory/writer-lock.ts'

const NOW = 1_700_000_000
const FIRST = 1
const SECOND = 2

describe('writer lock', () => {
  it('lets one writer in at a time', () => {
    const words = new Int32Array(new SharedArrayBuffer(4))
    const stamp = acquireWriterLock(words, 0, FIRST, NOW)
    assert.notEqual(stamp, 0)
    assert.equal(acquireWriterLock(words, 0, SECOND, NOW), 0)
    releaseWriterLock(words, 0, stamp)
    assert.notEqual(acquireWriterLock(words, 0, SECOND, NOW), 0)
  })

  it('passes to another once its holder stood still for the time named', () => {
    const words = new Int32Array(new SharedArrayBuffer(4))
    acquireWriterLock(words, 0, FIRST, NOW)
    assert.equal(acquireWriterLock(words, 0, SECOND, NOW + STEAL_AFTER_SECONDS - 1), 0)
    assert.notEqual(acquireWriterLock(words, 0, SECOND, NOW + STEAL_AFTER_SECONDS), 0)
  })

  it('stays with its new holder when the old one wakes up and lets go', () => {
    const words = new Int32Array(new SharedArrayBuffer(4))
    const old = acquireWriterLock(words, 0, FIRST, NOW)
    const later = NOW + STEAL_AFTER_SECONDS
    acquireWriterLock(words, 0, SECOND, later)
    releaseWriterLock(words, 0, old)
    assert.equal(acquireWriterLock(words, 0, FIRST, later), 0)
  })

  it('works across the wrap of the seconds it keeps', () => {
    const words = new Int32Array(new SharedArrayBuffer(4))
    const wrap = 0xffff * 3
    acquireWriterLock(words, 0, FIRST, wrap)
    assert.equal(acquireWriterLock(words, 0, SECOND, wrap + 1), 0)
    assert.notEqual(acquireWriterLock(words, 0, SECOND, wrap + STEAL_AFTER_SECONDS), 0)
  })
})
