import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AnswerKind,
  CrowdLimit,
  createCrowdLimitBuffer,
} from '../../src/resilience/crowd-limit.ts'

const SHARE_MAX = 50
const ALONE_MS = 60

/** One view for each thread. */
function limitsOf(threads: number): CrowdLimit[] {
  const buffer = createCrowdLimitBuffer(1, threads)
  return Array.from(
    { length: threads },
    (_, thread) => new CrowdLimit(buffer, { index: 0, thread, threads, shareMax: SHARE_MAX }),
  )
}

/** As many calls as are allowed, each answered after `ms` for each of them. @returns How many. */
function round(limits: readonly CrowdLimit[], kind: AnswerKind, msOf: (calls: number) => number) {
  const begun = limits.flatMap((limit) =>
    Array.from({ length: Math.max(1, Math.floor(limit.share)) }, () => limit.began(true)).map(
      (sample) => ({ limit, sample }),
    ),
  )
  for (const { limit, sample } of begun) limit.answered(kind, sample, msOf(begun.length))
  for (const { limit } of begun) limit.ended()
  return begun.length
}

const alone = (limit: CrowdLimit, kind: AnswerKind) =>
  limit.answered(kind, limit.began(false), ALONE_MS)

/** The other side works on so many calls at once. */
const withWorkers = (workers: number) => (calls: number) => ALONE_MS * Math.max(1, calls / workers)

describe('the limit of a crowd', () => {
  for (const kind of ['decided', 'refused'] as const) {
    it(`falls to what the other side can take while answers are ${kind}`, () => {
      const limits = limitsOf(1)
      alone(limits[0] as CrowdLimit, kind)
      const counts = Array.from({ length: 60 }, () => round(limits, kind, withWorkers(4)))
      assert.ok(Math.max(...counts.slice(20)) <= 8, counts.join())
    })
  }

  it('is for all threads together, down to less than one call for each', () => {
    const limits = limitsOf(8)
    alone(limits[0] as CrowdLimit, 'decided')
    for (let n = 0; n < 20; n += 1) round(limits, 'decided', withWorkers(1))
    const sum = limits.reduce((total, { share }) => total + share, 0)
    assert.ok(sum <= 2, String(sum))
  })

  it('takes no call for a measure of quiet while another thread sends a crowd', () => {
    const [first, second] = limitsOf(2) as [CrowdLimit, CrowdLimit]
    alone(first, 'decided')
    for (let n = 0; n < 8; n += 1) first.began(true)
    const shares = Array.from({ length: 200 }, () => {
      second.answered('decided', second.began(false), 3 * ALONE_MS)
      return second.share
    })
    // The crowd's own time has not become the usual one: after each small rise it falls again.
    assert.equal(Math.min(...shares), 1 / 2)
    assert.ok(Math.max(...shares.slice(100)) <= 1, shares.join())
  })

  it('does not rise with calls that do not use it', () => {
    const [limit] = limitsOf(1) as [CrowdLimit]
    const before = limit.share
    for (let n = 0; n < 100; n += 1) alone(limit, 'decided')
    assert.equal(limit.share, before)
  })

  it('compares each kind of answer with its own: quick refusals hide no load', () => {
    const [limit] = limitsOf(1) as [CrowdLimit]
    alone(limit, 'decided')
    const before = limit.share
    const sample = { ...limit.began(true), strangers: 8 }
    for (let n = 0; n < 200; n += 1) limit.answered('refused', sample, 1)
    assert.ok(limit.share > before)
    const risen = limit.share
    const full = { ...sample, strangers: Math.floor(risen) }
    for (let n = 0; n < 6; n += 1) limit.answered('decided', full, 3 * ALONE_MS)
    assert.ok(limit.share <= risen / 2 + 1)
  })

  it('takes neither few calls nor a single long one for load', () => {
    const [limit] = limitsOf(1) as [CrowdLimit]
    for (let n = 0; n < 8; n += 1) alone(limit, 'decided')
    const before = limit.share
    const few = { ...limit.began(true), strangers: before / 4 }
    for (let n = 0; n < 20; n += 1) limit.answered('decided', few, 5 * ALONE_MS)
    assert.equal(limit.share, before)
    for (let n = 0; n < 50; n += 1) limit.answered('decided', few, ALONE_MS)
    const many = { ...few, strangers: before }
    limit.answered('decided', many, 20 * ALONE_MS)
    assert.ok(limit.share >= before)
  })

  it('forgets what a thread had under way that died', () => {
    const buffer = createCrowdLimitBuffer(1, 2)
    const options = { index: 0, threads: 2, shareMax: SHARE_MAX }
    const dying = new CrowdLimit(buffer, { ...options, thread: 1 })
    for (let n = 0; n < 5; n += 1) dying.began(true)
    const other = new CrowdLimit(buffer, { ...options, thread: 0 })
    assert.equal(other.began(true).strangers, 6)
    const again = new CrowdLimit(buffer, { ...options, thread: 1 })
    assert.equal(again.began(true).strangers, 2)
  })
})
