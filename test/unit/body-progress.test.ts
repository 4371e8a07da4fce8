/** When a body counts as too slow. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BodyProgress, type BodyTimeouts } from '../../src/server/body-progress.ts'

const TIMEOUTS: BodyTimeouts = { bodyMs: 60_000, bodyMinRate: 512, requestMs: null }

/**
 * @param bytesAt So many bytes come in each second.
 * @returns The second in which it is too slow; `null`: not within an hour.
 */
function tooSlowAt(
  bytesAt: (second: number) => number,
  timeouts: Partial<BodyTimeouts> = {},
  isReading: (second: number) => boolean = () => true,
): number | null {
  const progress = new BodyProgress(0, 0)
  let received = 0
  for (let second = 1; second <= 3_600; second += 1) {
    received += bytesAt(second)
    const all = { ...TIMEOUTS, ...timeouts }
    if (progress.isTooSlow(received, isReading(second), second * 1_000, all)) return second
  }
  return null
}

describe('a body', () => {
  it('may come at its lowest rate for ever, but not at a little less', () => {
    assert.equal(
      tooSlowAt(() => 512),
      null,
    )
    assert.equal(
      tooSlowAt(() => 480),
      960,
    )
  })

  it('may pause as long as is set, again and again when it is fast in between', () => {
    assert.equal(
      tooSlowAt(() => 0),
      60,
    )
    assert.equal(
      tooSlowAt((second) => (second % 60 === 0 ? 40_000 : 0)),
      null,
    )
  })

  it('is too slow with a byte a second, whatever came before', () => {
    assert.equal(
      tooSlowAt(() => 1),
      61,
    )
    assert.equal(
      tooSlowAt((second) => (second === 1 ? 1_000_000 : 1)),
      62,
    )
  })

  it('may come byte by byte where any rate will do, but not stop', () => {
    assert.equal(
      tooSlowAt(() => 1, { bodyMinRate: 0 }),
      null,
    )
    assert.equal(
      tooSlowAt((second) => (second < 100 ? 1 : 0), { bodyMinRate: 0 }),
      159,
    )
  })

  it('is not held to a rate while the gateway does not read', () => {
    assert.equal(
      tooSlowAt(
        () => 0,
        {},
        (second) => second > 1_000,
      ),
      1_060,
    )
  })

  it('is too slow when the whole takes too long, whether it is read or not', () => {
    assert.equal(
      tooSlowAt(() => 1_000_000, { requestMs: 90_000 }),
      90,
    )
    assert.equal(
      tooSlowAt(
        () => 0,
        { requestMs: 90_000 },
        () => false,
      ),
      90,
    )
  })
})
