/** An introspection endpoint that says for how long it does not want to be asked. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import {
  aboutEach,
  type IntrospectionReply,
  IntrospectionServer,
  json,
  newOpaqueToken,
  status,
} from '../support/introspection-server.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const AUDIENCE = 'api'
const ACTIVE = json({ active: true, sub: 'alice', aud: AUDIENCE })
const POLICIES = ['use-cached-or-reject', 'reject-all', 'pass-through'] as const
/** Both threads get some of so many requests, each on a connection of its own. */
const MANY = 24
/** Longer than `cacheTtl`, and than an unknown token counts as the cause of a 429. */
const CACHED_MS = 1_600
const BREAKER_THRESHOLD = 5

let endpoint: IntrospectionServer
let parts: TestGateway

function tooMany(retryAfter: string): IntrospectionReply {
  return (response) => response.writeHead(429, { 'retry-after': retryAfter }).end('slow down')
}

const ask = (issuer: string, token: string): Promise<Answer> =>
  parts.ask(`/${issuer}/x`, { authorization: `Bearer ${token}` })

type Callers = 'all' | 'unknown'

const pauses = (issuer: string, callers: Callers) =>
  parts.metric(`sallyport_introspection_pauses_total{issuer="${issuer}",callers="${callers}"}`)
const pauseSeconds = (issuer: string, callers: Callers) =>
  parts.metric(`sallyport_introspection_pause_seconds{issuer="${issuer}",callers="${callers}"}`)
const isClosed = (issuer: string) =>
  parts.metric(
    `sallyport_introspection_circuit_state{issuer="${issuer}",callers="all",state="closed"}`,
  )

async function askMany(issuer: string): Promise<string[]> {
  const replies = await Promise.all(
    Array.from({ length: MANY }, () => ask(issuer, newOpaqueToken())),
  )
  return [...new Set(replies.map(outcomeOf))]
}

before(async () => {
  endpoint = await IntrospectionServer.start()
  const issuers = Object.fromEntries(
    [...POLICIES, 'long', 'limited', 'probed', 'vague'].map((name) => [
      name,
      endpoint.issuer(name, {
        timeout: '10s',
        cacheTtl: '1s',
        ...(name === 'pass-through' ? { onOutage: name, iUnderstand: true } : {}),
        ...(name === 'reject-all' || name === 'limited' ? { onOutage: 'reject-all' } : {}),
      }),
    ]),
  )
  parts = await openGateway({
    issuers,
    routes: Object.fromEntries(
      Object.keys(issuers).map((name) => [
        `/${name}/*`,
        { authenticate: ['introspection'], issuers: [name] },
      ]),
    ),
    environment: { SALLYPORT_LISTENER_THREADS: '2' },
  })
})

after(async () => {
  await parts.stop()
  await endpoint.down()
})

afterEach(() => {
  endpoint.reply = ACTIVE
})

/** A token that the endpoint has just called active, and that is asked about again at once. */
async function newKnownToken(issuer: string): Promise<string> {
  const known = newOpaqueToken()
  endpoint.reply = ACTIVE
  assert.equal(outcomeOf(await ask(issuer, known)), 'passed')
  await delay(CACHED_MS)
  return known
}

async function assertAskedAgain(issuer: string): Promise<void> {
  await eventually('it is asked again', async () => {
    const again = await ask(issuer, newOpaqueToken())
    return outcomeOf(again) === 'passed' && upstreamField(again, 'x-user-id') === 'alice'
  })
}

describe('an introspection endpoint that answers 429 with Retry-After about a known token', () => {
  for (const policy of POLICIES) {
    it(`is asked by no thread until then, under ${policy}`, async () => {
      const known = await newKnownToken(policy)
      endpoint.reply = tooMany('3')
      await ask(policy, known)
      const startMs = performance.now()
      endpoint.requests.length = 0
      endpoint.reply = ACTIVE
      const unknown = policy === 'pass-through' ? 'passed' : '503 verifier_unavailable'
      assert.deepEqual(await askMany(policy), [unknown])
      const reply = await ask(policy, known)
      if (policy === 'use-cached-or-reject')
        assert.equal(upstreamField(reply, 'x-user-id'), 'alice')
      else assert.equal(outcomeOf(reply), unknown)
      assert.ok(performance.now() - startMs < 3_000, 'this machine is too slow for this test')
      assert.equal(endpoint.requests.length, 0)
      assert.equal(await pauses(policy, 'all'), 1)
      assert.ok((await pauseSeconds(policy, 'all')) <= 3)
      assert.equal(await isClosed(policy), 1, 'the breaker is not moved')
      await assertAskedAgain(policy)
      assert.ok(performance.now() - startMs >= 2_500)
      assert.equal(await pauseSeconds(policy, 'all'), 0)
    })
  }

  it('is told in the log, once, and paused for 30 s at most', async () => {
    const known = await newKnownToken('long')
    endpoint.reply = tooMany('86400')
    // An answer that it gave before stands in.
    assert.equal(outcomeOf(await ask('long', known)), 'passed')
    const reply = await ask('long', newOpaqueToken())
    assert.equal(outcomeOf(reply), '503 verifier_unavailable')
    assert.ok(Number(reply.field('retry-after')) >= 1)
    await askMany('long')
    const left = await pauseSeconds('long', 'all')
    assert.ok(left > 0 && left <= 30, String(left))
    const lines = () =>
      parts.log.filter(({ event, issuer }) => event === 'introspection_paused' && issuer === 'long')
    await eventually('the log says so', () => lines().length > 0)
    assert.deepEqual(
      lines().map(({ seconds, callers }) => ({ seconds, callers })),
      [{ seconds: 30, callers: 'all' }],
    )
  })
})

describe('an introspection endpoint that answers 429 with Retry-After about an unknown token', () => {
  for (const policy of POLICIES) {
    it(`is asked about known ones only until then, under ${policy}`, async () => {
      const [good, revoked] = [await newKnownToken(policy), await newKnownToken(policy)]
      const [before, upstreamBefore] = [await pauses(policy, 'unknown'), parts.upstream.requests]
      endpoint.reply = tooMany('4')
      assert.equal(outcomeOf(await ask(policy, newOpaqueToken())), '503 overloaded')
      const startMs = performance.now()
      endpoint.requests.length = 0
      endpoint.reply = aboutEach([revoked], json({ active: false }), ACTIVE)
      assert.deepEqual(await askMany(policy), ['503 overloaded'])
      assert.equal(parts.upstream.requests, upstreamBefore, 'this is no outage')
      assert.equal(outcomeOf(await ask(policy, revoked)), '401 inactive_token')
      assert.equal(upstreamField(await ask(policy, good), 'x-user-id'), 'alice')
      assert.ok(performance.now() - startMs < 4_000, 'this machine is too slow for this test')
      assert.deepEqual(
        endpoint.requests.map(({ form }) => form.get('token')),
        [revoked, good],
      )
      assert.equal((await pauses(policy, 'unknown')) - before, 1)
      assert.ok((await pauseSeconds(policy, 'unknown')) <= 4)
      assert.equal(await pauseSeconds(policy, 'all'), 0)
      assert.equal(await isClosed(policy), 1, 'the breaker is not moved')
      await assertAskedAgain(policy)
      assert.ok(performance.now() - startMs >= 3_500)
    })
  }

  it('is asked about known ones though these are told to wait for a moment, too', async () => {
    const known = await newKnownToken('limited')
    endpoint.reply = tooMany('30')
    assert.equal(outcomeOf(await ask('limited', newOpaqueToken())), '503 overloaded')
    assert.equal(outcomeOf(await ask('limited', known)), '503 overloaded')
    assert.equal(await pauseSeconds('limited', 'all'), 0)
    endpoint.reply = ACTIVE
    await eventually('the known token is asked about', async () => {
      return outcomeOf(await ask('limited', known)) === 'passed'
    })
    assert.ok((await pauseSeconds('limited', 'unknown')) > 0)
  })

  it("is asked about known ones also where the token was the gateway's own", async () => {
    const known = await newKnownToken('probed')
    endpoint.reply = status(500)
    for (let n = 0; n < BREAKER_THRESHOLD; n += 1) await ask('probed', newOpaqueToken())
    endpoint.reply = aboutEach([known], ACTIVE, tooMany('5'))
    await eventually('the gateway was told to wait', async () => {
      await ask('probed', newOpaqueToken())
      return (await pauseSeconds('probed', 'unknown')) > 0
    })
    assert.equal(outcomeOf(await ask('probed', newOpaqueToken())), '503 overloaded')
    endpoint.requests.length = 0
    assert.equal(upstreamField(await ask('probed', known), 'x-user-id'), 'alice')
    assert.deepEqual(
      endpoint.requests.map(({ form }) => form.get('token')),
      [known],
    )
  })

  it('fails as any other does that says no time, or one that is over', async () => {
    for (const field of ['0', 'soon', 'Sun, 06 Nov 1994 08:49:37 GMT']) {
      endpoint.reply = tooMany(field)
      assert.equal(outcomeOf(await ask('vague', newOpaqueToken())), '503 verifier_unavailable')
    }
    assert.equal(await pauses('vague', 'all'), 0)
    assert.equal(await pauses('vague', 'unknown'), 0)
    endpoint.requests.length = 0
    await ask('vague', newOpaqueToken())
    assert.equal(endpoint.requests.length, 1)
  })
})
