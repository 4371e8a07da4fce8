/** A listener's view of the keys, and which questions it spares the supervisor. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KeyRing } from '../../src/keys/key-ring.ts'
import type { KeySet } from '../../src/keys/key-set.ts'
import type { UnknownKeyAnswer } from '../../src/keys/unknown-key-answer.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** A fetch was made for the question, and the next may be made at once. */
const UNKNOWN: UnknownKeyAnswer = {
  outcome: 'unknown',
  isFetched: true,
  isFailing: false,
  quietForMs: 0,
  keyQuietForMs: 1_000,
}
/** The same, and the budget of fetches is used up. */
const USED_UP: UnknownKeyAnswer = { ...UNKNOWN, quietForMs: 5_000, keyQuietForMs: 30_000 }

function setWith(sourceId: string, ...keyIds: readonly string[]): KeySet {
  const keys = keyIds.map((keyId, id) => ({
    id,
    keyId,
    algorithms: ['ES256'] as const,
    issuer: null,
    material: { kind: 'public', spkiPem: '' } as const,
    generationSlot: 1,
    generation: 1,
  }))
  return { sourceId, state: 'fresh', keys, askedAtSeconds: 0, withoutPlace: [], place: null }
}

function setUp(answer: UnknownKeyAnswer | Error) {
  const clock = new ManualClock()
  const questions: string[] = []
  const ring = new KeyRing(
    { keySets: [setWith('main', 'one')], askTimeoutMs: 1_000 },
    async (sourceId, keyId) => {
      questions.push(`${sourceId} ${keyId}`)
      if (answer instanceof Error) throw answer
      return answer
    },
    clock,
  )
  return { ring, questions, clock }
}

describe('key ring', () => {
  it('shows the latest set of each issuer, and an empty one for a stranger', () => {
    const { ring } = setUp(UNKNOWN)
    const next = setWith('main', 'two')
    ring.update(next)
    assert.equal(ring.keySet('main'), next)
    assert.equal(ring.keySet('other').state, 'empty')
  })

  it('asks nothing about a kid that has arrived meanwhile', async () => {
    const { ring, questions } = setUp(UNKNOWN)
    assert.equal(await ring.resolveUnknownKey('main', 'one'), 'refreshed')
    assert.deepEqual(questions, [])
  })

  it('cannot say anything of a kid not asked about before while no fetch is allowed', async () => {
    const { ring, questions, clock } = setUp(USED_UP)
    assert.equal(await ring.resolveUnknownKey('main', 'a'), 'unknown')
    clock.advanceMs(4_999)
    assert.equal(await ring.resolveUnknownKey('main', 'b'), 'unavailable')
    assert.equal(await ring.resolveUnknownKey('main', 'a'), 'unknown', 'this one was asked about')
    assert.deepEqual(questions, ['main a'])
    clock.advanceMs(1)
    assert.equal(await ring.resolveUnknownKey('main', 'b'), 'unknown')
    assert.deepEqual(questions, ['main a', 'main b'])
  })

  it('cannot say anything of a bad signature either, and asks nothing', async () => {
    const { ring, questions } = setUp(USED_UP)
    await ring.resolveUnknownKey('main', 'a')
    assert.equal(await ring.resolveUnknownKey('main', null), 'unavailable')
    assert.deepEqual(questions, ['main a'])
  })

  it('cannot say anything of a bad signature while fetches fail', async () => {
    const { ring } = setUp({ ...USED_UP, outcome: 'unavailable', isFailing: true })
    await ring.resolveUnknownKey('main', 'a')
    assert.equal(await ring.resolveUnknownKey('main', null), 'unavailable')
  })

  it('keeps issuers apart: the same kid at two issuers is two keys', async () => {
    const { ring, questions } = setUp(UNKNOWN)
    await ring.resolveUnknownKey('main', 'a')
    await ring.resolveUnknownKey('other', 'a')
    assert.deepEqual(questions, ['main a', 'other a'])
  })

  it('asks again as soon as a new set has arrived', async () => {
    const { ring, questions } = setUp(UNKNOWN)
    await ring.resolveUnknownKey('main', 'a')
    ring.update(setWith('main', 'one'))
    await ring.resolveUnknownKey('main', 'a')
    assert.equal(questions.length, 2)
  })

  it('remembers single kids where only those are quiet', async () => {
    const { ring, questions } = setUp(UNKNOWN)
    for (const keyId of ['a', 'b', 'a', 'b']) await ring.resolveUnknownKey('main', keyId)
    assert.deepEqual(questions, ['main a', 'main b'])
  })

  it('remembers a bounded number of them', async () => {
    const { ring, questions } = setUp(UNKNOWN)
    for (let index = 0; index < 2_000; index += 1) await ring.resolveUnknownKey('main', `${index}`)
    await ring.resolveUnknownKey('main', '1999')
    assert.equal(questions.length, 2_000)
    await ring.resolveUnknownKey('main', '0')
    assert.equal(questions.length, 2_001)
  })

  it('asks one question at a time, and lets all who wait share the answer', async () => {
    const { ring, questions } = setUp(UNKNOWN)
    const waiting = Array.from({ length: 500 }, (_, index) =>
      ring.resolveUnknownKey('main', `${index}`),
    )
    assert.deepEqual([...new Set(await Promise.all(waiting))], ['unknown'])
    assert.equal(questions.length, 1)
  })

  it('does not let a fetch settle what was asked while it ran', async () => {
    const { ring, questions } = setUp(UNKNOWN)
    const first = ring.resolveUnknownKey('main', 'a')
    await Promise.resolve()
    await Promise.resolve()
    assert.equal(questions.length, 1)
    const later = Array.from({ length: 500 }, (_, index) =>
      ring.resolveUnknownKey('main', `${index}`),
    )
    assert.deepEqual([...new Set(await Promise.all([first, ...later]))], ['unknown'])
    assert.equal(questions.length, 2)
  })

  it('turns away more waiters than may wait', async () => {
    const { ring } = setUp(UNKNOWN)
    const waiting = Array.from({ length: 8_193 }, () => ring.resolveUnknownKey('main', 'a'))
    const outcomes = await Promise.all(waiting)
    assert.equal(outcomes.filter((outcome) => outcome === 'unavailable').length, 1)
  })

  it('cannot decide when the question fails', async () => {
    const { ring } = setUp(new Error('channel closed'))
    assert.equal(await ring.resolveUnknownKey('main', 'a'), 'unavailable')
  })
})
