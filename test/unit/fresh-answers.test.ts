import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { FreshAnswers } from '../../src/rate-limit/fresh-answers.ts'

const FRESH_MS = 1_000
const ENTRIES_MAX = 8

describe('fresh answers', () => {
  let nowMs: number
  let answers: FreshAnswers
  beforeEach(() => {
    nowMs = 5_000
    answers = new FreshAnswers({
      freshMs: FRESH_MS,
      entriesMax: ENTRIES_MAX,
      monotonicMs: () => nowMs,
    })
  })

  it('say nothing of a key that was not remembered', () => {
    answers.remember('a')
    assert.equal(answers.has('b'), false)
  })

  it('are fresh for their time, to the millisecond', () => {
    answers.remember('a')
    nowMs += FRESH_MS - 1
    assert.equal(answers.has('a'), true)
    nowMs += 1
    assert.equal(answers.has('a'), false)
  })

  it('are fresh anew when they are remembered anew', () => {
    answers.remember('a')
    nowMs += FRESH_MS - 1
    answers.remember('a')
    nowMs += FRESH_MS - 1
    assert.equal(answers.has('a'), true)
  })

  it('are forgotten at once when the key is locked, however long ago they came', () => {
    for (const passedMs of [0, FRESH_MS - 1]) {
      answers.remember('a')
      answers.remember('b')
      nowMs += passedMs
      answers.remember('c')
      answers.forget('a')
      assert.equal(answers.has('a'), false)
      assert.equal(answers.has('c'), true)
    }
  })

  it('are bounded: the oldest go, and the latest half is always there', () => {
    for (let count = 0; count < 100; count += 1) {
      answers.remember(`key ${count}`)
      assert.ok(answers.size <= ENTRIES_MAX)
      for (let ago = 0; ago < Math.min(count + 1, ENTRIES_MAX / 2); ago += 1) {
        assert.equal(answers.has(`key ${count - ago}`), true)
      }
    }
    assert.equal(answers.has('key 0'), false)
  })

  it('do not push others out when one key is remembered again and again', () => {
    for (let count = 0; count < ENTRIES_MAX / 2; count += 1) answers.remember(`key ${count}`)
    for (let count = 0; count < 100; count += 1) answers.remember('key 0')
    assert.equal(answers.has('key 1'), true)
  })

  it('that are old are not held for long', () => {
    for (let count = 0; count < ENTRIES_MAX / 2; count += 1) answers.remember(`key ${count}`)
    for (let count = 0; count < 2; count += 1) {
      nowMs += FRESH_MS
      answers.remember('a')
    }
    assert.equal(answers.size, 1 + 1)
    answers.forget('a')
    assert.equal(answers.size, 0)
  })

  it('are never fresh without having been remembered in time and not forgotten since', () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k']
    const steps = fc.array(
      fc.record({
        isRemembered: fc.boolean(),
        key: fc.constantFrom(...keys),
        passedMs: fc.integer({ min: 0, max: 400 }),
      }),
      { maxLength: 100 },
    )
    const run = (sequence: typeof steps extends fc.Arbitrary<infer T> ? T : never) => {
      const rememberedMs = new Map(keys.map((key) => [key, nowMs - FRESH_MS]))
      for (const { isRemembered, key, passedMs } of sequence) {
        nowMs += passedMs
        if (isRemembered) answers.remember(key)
        else answers.forget(key)
        rememberedMs.set(key, isRemembered ? nowMs : nowMs - FRESH_MS)
        const fresh = keys.filter((it) => answers.has(it))
        assert.ok(fresh.every((it) => nowMs - (rememberedMs.get(it) ?? 0) < FRESH_MS))
        assert.ok(answers.size <= ENTRIES_MAX)
      }
      for (const key of keys) answers.forget(key)
    }
    fc.assert(fc.property(steps, run))
  })
})
