/** An introspection endpoint that says for how long it does not want to be asked. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import {
  type IntrospectionReply,
  IntrospectionServer,
  json,
  newOpaqueToken,
} from '../support/introspection-server.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const AUDIENCE = 'api'
const ACTIVE = json({ active: true, sub: 'alice', aud: AUDIENCE })
const POLICIES = ['use-cached-or-reject', 'reject-all', 'pass-through'] as const
/** Both threads get some of so many requests, each on a connection of its own. */
const MANY = 24

let endpoint: IntrospectionServer
let parts: TestGateway

function tooMany(retryAfter: string): IntrospectionReply {
  return (response) => response.writeHead(429, { 'retry-after': retryAfter }).end('slow down')
}

const ask = (issuer: string, token: string): Promise<Answer> =>
  parts.ask(`/${issuer}/x`, { authorization: `Bearer ${token}` })

const pauses = (issuer: string) =>
  parts.metric(`sallyport_introspection_pauses_total{issuer="${issuer}"}`)
const pauseSeconds = (issuer: string) =>
  parts.metric(`sallyport_introspection_pause_seconds{issuer="${issuer}"}`)
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
    [...POLICIES, 'long', 'vague'].map((name) => [
      name,
      endpoint.issuer(name, {
        timeout: '10s',
        cacheTtl: '1s',
        ...(name === 'pass-through' ? { onOutage: name, iUnderstand: true } : {}),
        ...(name === 'reject-all' ? { onOutage: name } : {}),
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

describe('an introspection endpoint that answers 429 with Retry-After', () => {
  for (const policy of POLICIES) {
    it(`is asked by no thread until then, under ${policy}`, async () => {
      const known = newOpaqueToken()
      endpoint.reply = ACTIVE
      assert.equal(outcomeOf(await ask(policy, known)), 'passed')
      endpoint.reply = tooMany('3')
      await ask(policy, newOpaqueToken())
      const startMs = performance.now()
      endpoint.requests.length = 0
      endpoint.reply = ACTIVE
      const unknown = policy === 'pass-through' ? 'passed' : '503 verifier_unavailable'
      assert.deepEqual(await askMany(policy), [unknown])
      // Its answer is in the cache, and then an older one.
      const reply = await ask(policy, known)
      if (policy === 'use-cached-or-reject')
        assert.equal(upstreamField(reply, 'x-user-id'), 'alice')
      assert.ok(performance.now() - startMs < 3_000, 'this machine is too slow for this test')
      assert.equal(endpoint.requests.length, 0)
      assert.equal(await pauses(policy), 1)
      assert.ok((await pauseSeconds(policy)) <= 3)
      assert.equal(await isClosed(policy), 1, 'the breaker is not moved')
      await eventually('it is asked again', async () => {
        const again = await ask(policy, newOpaqueToken())
        return outcomeOf(again) === 'passed' && upstreamField(again, 'x-user-id') === 'alice'
      })
      assert.ok(performance.now() - startMs >= 2_500)
      assert.equal(await pauseSeconds(policy), 0)
    })
  }

  it('is told in the log, once, and paused for 30 s at most', async () => {
    endpoint.reply = tooMany('86400')
    const reply = await ask('long', newOpaqueToken())
    assert.equal(outcomeOf(reply), '503 verifier_unavailable')
    assert.ok(Number(reply.field('retry-after')) >= 1)
    await askMany('long')
    const left = await pauseSeconds('long')
    assert.ok(left > 0 && left <= 30, String(left))
    const lines = () =>
      parts.log.filter(({ event, issuer }) => event === 'introspection_paused' && issuer === 'long')
    await eventually('the log says so', () => lines().length > 0)
    assert.deepEqual(
      lines().map(({ seconds }) => seconds),
      [30],
    )
  })

  it('fails as any other does that says no time, or one that is over', async () => {
    for (const field of ['0', 'soon', 'Sun, 06 Nov 1994 08:49:37 GMT']) {
      endpoint.reply = tooMany(field)
      assert.equal(outcomeOf(await ask('vague', newOpaqueToken())), '503 verifier_unavailable')
    }
    assert.equal(await pauses('vague'), 0)
    endpoint.requests.length = 0
    await ask('vague', newOpaqueToken())
    assert.equal(endpoint.requests.length, 1)
  })
})
