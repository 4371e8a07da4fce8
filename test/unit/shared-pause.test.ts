import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { retryAfterSeconds } from '../../src/http/retry-after.ts'
import { createPauseBuffer, SharedPause } from '../../src/resilience/shared-pause.ts'

const NOW_MS = 1_700_000_000_000

describe('a pause that threads share', () => {
  it('is seen by all of them until it ends, and begins once', () => {
    const buffer = createPauseBuffer(2)
    const one = new SharedPause(buffer, 1)
    const other = new SharedPause(buffer, 1)
    assert.equal(one.begin(2_000, NOW_MS), true)
    assert.equal(other.begin(2_000, NOW_MS), false)
    assert.equal(other.leftMs(NOW_MS + 500), 1_500)
    assert.equal(other.leftMs(NOW_MS + 2_000), 0)
    assert.equal(other.count, 1)
    assert.equal(new SharedPause(buffer, 0).leftMs(NOW_MS), 0)
  })

  it('becomes longer when that is asked for, never shorter', () => {
    const pause = new SharedPause(createPauseBuffer(1), 0)
    pause.begin(2_000, NOW_MS)
    assert.equal(pause.begin(5_000, NOW_MS), false)
    pause.begin(1_000, NOW_MS)
    assert.equal(pause.leftMs(NOW_MS), 5_000)
    assert.equal(pause.count, 1)
  })

  it('lasts 30 s at most, also when the clock is set back', () => {
    const pause = new SharedPause(createPauseBuffer(1), 0)
    pause.begin(10_000_000, NOW_MS)
    assert.equal(pause.leftMs(NOW_MS), 30_000)
    assert.equal(pause.leftMs(NOW_MS - 60_000), 0)
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z') / 1_000
  for (const [field, seconds] of [
    ['120', 120],
    [' 7 ', 7],
    ['0', null],
    ['-1', null],
    ['1.5', null],
    ['1e3', null],
    ['', null],
    ['99999999999', null],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30],
    ['Thu, 01 Jan 2026 00:00:00 GMT', null],
    ['Wed, 31 Dec 2025 23:59:59 GMT', null],
    ['2026-01-01T00:01:00Z', null],
  ] as const) {
    it(`reads ${JSON.stringify(field)} as ${seconds}`, () => {
      assert.equal(retryAfterSeconds(field, now), seconds)
    })
  }
})
