/** Waiting longer and longer, within bounds. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Backoff } from '../../src/resilience/backoff.ts'

describe('backoff', () => {
  it('doubles up to its maximum, and begins again after a success', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 500 }, () => 1)
    const delays = Array.from({ length: 5 }, () => backoff.nextDelayMs())
    assert.deepEqual(delays, [100, 200, 400, 500, 500])
    backoff.reset()
    assert.equal(backoff.nextDelayMs(), 100)
  })

  it('waits at least half of the delay, whatever the dice say', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 500 }, () => 0)
    assert.deepEqual([backoff.nextDelayMs(), backoff.nextDelayMs()], [50, 100])
  })
})
