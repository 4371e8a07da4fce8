/** How often keys are asked for, and what is told, while they cannot be had. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KeyOutage } from '../../src/keys/key-outage.ts'

const START_MS = 10_000

/** Attempts in the first so many ms, each after the longest delay or half of it. */
function attempts(random: number, duringMs: number) {
  const outage = new KeyOutage()
  const delaysMs: number[] = []
  let told = 0
  let nowMs = START_MS
  outage.want(nowMs)
  while (nowMs < START_MS + duringMs) {
    if (outage.fail(nowMs)) told += 1
    const delayMs = outage.urgentDelayMs(nowMs, random)
    delaysMs.push(delayMs)
    nowMs += delayMs
  }
  return { delaysMs, told }
}

describe('an outage of keys that tokens wait for', () => {
  it('is over within a second of its end while it is young', () => {
    assert.ok(attempts(1, 3_000).delaysMs.every((delayMs) => delayMs <= 1_000))
  })

  it('costs the provider an attempt every few seconds when it lasts', () => {
    const { delaysMs } = attempts(0.5, 25_000)
    assert.ok(delaysMs.length <= 22, `${delaysMs.length} attempts`)
    assert.equal(attempts(1, 600_000).delaysMs.at(-1), 4_000)
    assert.equal(attempts(0, 600_000).delaysMs.at(-1), 2_000)
  })

  it('is told once, and then once a minute', () => {
    assert.equal(attempts(0.5, 25_000).told, 1)
    const { told } = attempts(0.5, 600_000)
    assert.ok(told >= 9 && told <= 10, `${told} times`)
  })

  it('is another one after its end', () => {
    const outage = new KeyOutage()
    assert.deepEqual([outage.fail(1), outage.fail(2)], [true, false])
    assert.deepEqual([outage.want(2), outage.want(3), outage.isWanted], [true, false, true])
    outage.end()
    assert.deepEqual([outage.isWanted, outage.fail(4), outage.want(5)], [false, true, true])
  })
})
