import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Authenticator } from '../../src/authentication/authenticate.ts'
import { compileVerificationProfile } from '../../src/authentication/verification-profile.ts'
import { refuse, type Verification } from '../../src/protocol/verification.ts'
import { createInFlightBuffer, InFlight } from '../../src/token-cache/in-flight.ts'
import { createRefusalCacheBuffer, RefusalCache } from '../../src/token-cache/refusal-cache.ts'
import { createTokenCacheBuffer, TokenCache } from '../../src/token-cache/token-cache.ts'
import { createGenerations } from '../support/generations.ts'
import { ISSUER_POLICY } from '../support/jwt-policy.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { digestOf, verdictOf } from '../support/self-describing-verdict.ts'

const LIFE_SECONDS = 60
const profile = compileVerificationProfile([ISSUER_POLICY])
const digest = digestOf(1)

/** An authenticator over real tables, and a verification that the test ends when it likes. */
function setUp() {
  const { allocator, table: keys } = createGenerations()
  const clock = new ManualClock()
  const place = allocator.allocate()
  assert.ok(place)
  const { promise, resolve: decide } = withResolver()
  const authenticator = new Authenticator({
    cache: new TokenCache({ buffer: createTokenCacheBuffer(1 / 4), keys, memoEntries: 64 }),
    refusals: new RefusalCache({ buffer: createRefusalCacheBuffer(65_536), keys, ttlSeconds: 10 }),
    inFlight: new InFlight(createInFlightBuffer()),
    keys,
    verifier: { verify: () => promise },
    clock,
    lookups: { countCacheLookup: () => undefined },
  })
  const good: Verification = {
    ...verdictOf(1, 1, 2, clock.nowSeconds() + LIFE_SECONDS),
    keySlot: place.slot,
    keyGeneration: place.generation,
  }
  const asked = () => authenticator.establish('token', digest, profile)
  return { authenticator, allocator, clock, place, decide, good, asked }
}

function withResolver() {
  let resolve: (verdict: Verification) => void = () => undefined
  const promise = new Promise<Verification>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

describe('a text that is no b64token (RFC 6750 §2.1)', () => {
  it('is refused before anything is asked to verify it', async () => {
    const { authenticator } = setUp()
    for (const text of ['a b', 'a,b', '"a"', 'a=b', '=', '']) {
      const established = await authenticator.establish(text, digest, profile)
      assert.deepEqual(established, refuse('invalid_request'), text)
    }
  })
})

describe('a verdict that was just established', () => {
  it('holds while its key and its token are alive, and is recalled from then on', async () => {
    const { authenticator, clock, decide, good, asked } = setUp()
    const waiting = asked()
    decide(good)
    const established = await waiting
    assert.ok('verified' in established)
    assert.deepEqual(established.verified, good)
    const recalled = authenticator.recall(digest, clock.nowSeconds())
    assert.ok(recalled !== null && 'verified' in recalled)
  })

  it('is refused when its key died while the token was being verified', async () => {
    const { authenticator, allocator, clock, place, decide, good, asked } = setUp()
    const waiting = [asked(), asked()]
    allocator.kill(place.slot)
    decide(good)
    for (const verdict of await Promise.all(waiting)) {
      assert.ok('code' in verdict)
      assert.equal(verdict.code, 'unknown_signing_key')
    }
    assert.equal(authenticator.recall(digest, clock.nowSeconds()), null)
  })

  it('is refused when the token expired meanwhile', async () => {
    const { clock, decide, good, asked } = setUp()
    const waiting = asked()
    clock.advanceMs(LIFE_SECONDS * 1_000)
    decide(good)
    const verdict = await waiting
    assert.ok('code' in verdict)
    assert.equal(verdict.code, 'token_expired')
  })
})
