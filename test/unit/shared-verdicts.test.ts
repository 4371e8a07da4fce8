import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type Refused,
  refuse,
  refuseNaming,
  type Verified,
} from '../../src/protocol/verification.ts'
import { createGenerations } from '../support/generations.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { digestOf, verdictOf } from '../support/self-describing-verdict.ts'
import { createVerdicts } from '../support/shared-verdicts.ts'

const LIFE_SECONDS = 60
const digest = digestOf(1)

/** Verdicts over real tables, and a verification that the test ends when it likes. */
function setUp() {
  const { allocator, table: keys } = createGenerations()
  const clock = new ManualClock()
  const place = allocator.allocate()
  assert.ok(place)
  const { promise, resolve: decide } = withResolver()
  const verdicts = createVerdicts(keys, clock, LIFE_SECONDS)
  const good: Verified = {
    ...verdictOf(1, 1, 2, clock.nowSeconds() + LIFE_SECONDS),
    keySlot: place.slot,
    keyGeneration: place.generation,
  }
  const asked = () =>
    verdicts.establish(digest, {
      settlesWithinMs: 1_000,
      find: () => promise,
      conclude: () => refuse('introspection_unavailable'),
    })
  return { verdicts, allocator, clock, place, decide, good, asked }
}

function withResolver() {
  let resolve: (verdict: Verified) => void = () => undefined
  const promise = new Promise<Verified>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

describe('a verdict that was just established', () => {
  it('holds while its key and its token are alive, and is recalled from then on', async () => {
    const { verdicts, clock, decide, good, asked } = setUp()
    const waiting = asked()
    decide(good)
    const established = await waiting
    assert.ok(established.kind === 'established')
    assert.deepEqual(established.verified, good)
    const recalled = verdicts.recall(digest, clock.nowSeconds())
    assert.equal(recalled?.kind, 'established')
  })

  it('is refused when its key died while the token was being verified', async () => {
    const { verdicts, allocator, clock, place, decide, good, asked } = setUp()
    const waiting = [asked(), asked()]
    allocator.kill(place.slot)
    decide(good)
    for (const verdict of await Promise.all(waiting)) {
      assert.ok(verdict.kind === 'refused')
      assert.equal(verdict.code, 'unknown_signing_key')
    }
    assert.equal(verdicts.recall(digest, clock.nowSeconds()), null)
  })

  it('holds for those who waited longer than it may be kept, while the token is alive', async () => {
    for (const expiresAtSeconds of [null, 120]) {
      const { verdicts, clock, decide, good, asked } = setUp()
      const end = expiresAtSeconds && clock.nowSeconds() + expiresAtSeconds
      const waiting = [asked(), asked()]
      clock.advanceMs(LIFE_SECONDS * 1_000)
      decide({ ...good, identity: { ...good.identity, expiresAtSeconds: end } })
      for (const verdict of await Promise.all(waiting)) assert.equal(verdict.kind, 'established')
      assert.equal(verdicts.recall(digest, clock.nowSeconds()), null, 'but it is not kept')
    }
  })

  it('is refused when the token expired meanwhile, its tolerance included', async () => {
    const { clock, decide, good, asked } = setUp()
    const waiting = asked()
    clock.advanceMs(LIFE_SECONDS * 1_000)
    const expiresAtSeconds = clock.nowSeconds() - 5
    decide({ ...good, identity: { ...good.identity, expiresAtSeconds } })
    const verdict = await waiting
    assert.ok(verdict.kind === 'refused')
    assert.equal(verdict.code, 'token_expired')
  })

  it('is refused when the token expired meanwhile', async () => {
    const { clock, decide, good, asked } = setUp()
    const waiting = asked()
    clock.advanceMs(LIFE_SECONDS * 1_000)
    decide(good)
    const verdict = await waiting
    assert.ok(verdict.kind === 'refused')
    assert.equal(verdict.code, 'token_expired')
  })
})

describe('a refusal that names a claim', () => {
  const NAMES = ['/department', 'groups']

  async function refused(refusal: Refused, names = NAMES) {
    const { table: keys } = createGenerations()
    const clock = new ManualClock()
    const verdicts = createVerdicts(keys, clock, LIFE_SECONDS, names)
    const find = () =>
      Promise.resolve({
        kind: 'refused',
        refused: refusal,
        ttlSeconds: null,
        untilSeconds: null,
        key: null,
      } as const)
    const conclude = () => refuse('introspection_unavailable')
    const first = await verdicts.establish(digest, { settlesWithinMs: 1_000, find, conclude })
    return { verdicts, nowSeconds: clock.nowSeconds(), first }
  }

  it('names the same one when it is remembered, without a new object each time', async () => {
    for (const name of NAMES) {
      const { verdicts, nowSeconds, first } = await refused(refuseNaming('claim_untellable', name))
      const recalled = verdicts.recall(digest, nowSeconds)
      assert.deepEqual(recalled, first)
      assert.ok(recalled?.kind === 'refused' && recalled.detail === name)
      assert.deepEqual(verdicts.peek(digest, nowSeconds), first)
      assert.equal(verdicts.recall(digest, nowSeconds), recalled)
    }
  })

  it('is remembered without the name where that is none of the configuration', async () => {
    const { verdicts, nowSeconds } = await refused(refuseNaming('claim_untellable', 'a value'))
    assert.equal(verdicts.recall(digest, nowSeconds), refuse('claim_untellable'))
  })

  it('is the plain refusal where it names nothing, however many names there are', async () => {
    const { verdicts, nowSeconds } = await refused(refuse('token_inactive'))
    assert.equal(verdicts.recall(digest, nowSeconds), refuse('token_inactive'))
  })

  it('keeps apart as many names as a configuration can have, and no more', async () => {
    const names = Array.from({ length: 70_000 }, (_, index) => `claim-${index}`)
    for (const [place, kept] of [
      [65_534, true],
      [65_535, false],
    ] as const) {
      const refusal = refuseNaming('claim_untellable', `claim-${place}`)
      const { verdicts, nowSeconds } = await refused(refusal, names)
      const recalled = verdicts.recall(digest, nowSeconds)
      assert.equal(recalled?.kind === 'refused' && recalled.detail, kept ? refusal.detail : null)
    }
  })
})

describe('verdicts that are kept beside the main ones', () => {
  it('outlast in a full cache those that were not read either', async () => {
    const { verdicts, clock } = setUp()
    const nowSeconds = clock.nowSeconds()
    const verdictAbout = (subject: number): Verified =>
      verdictOf(subject, 1, 2, nowSeconds + LIFE_SECONDS)
    const copies = Array.from({ length: 30 }, (_, index) => 10_000 + index)
    for (const copy of copies) verdicts.keepCopy(digestOf(copy), verdictAbout(copy), nowSeconds)
    // A table of a quarter of a MiB has 31 sets of 16.
    for (let subject = 0; subject < 31 * 16 + 60; subject += 1) {
      await verdicts.establish(digestOf(subject), {
        settlesWithinMs: 1_000,
        find: () => Promise.resolve(verdictAbout(subject)),
        conclude: () => refuse('introspection_unavailable'),
      })
    }
    const gone = copies.filter((copy) => verdicts.peekCopy(digestOf(copy), nowSeconds) === null)
    assert.deepEqual(gone, [])
    assert.ok(verdicts.cacheCounts.token.evictions > 60)
  })
})
