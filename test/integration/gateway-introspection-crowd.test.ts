/** Crowds of unknown tokens, and what they do to known ones. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import {
  aboutEach,
  after as answerAfter,
  hanging,
  type IntrospectionReply,
  IntrospectionServer,
  json,
  newOpaqueToken,
  status,
  text,
  withWorkers,
} from '../support/introspection-server.ts'
import { watchStarvation } from '../support/starvation.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const AUDIENCE = 'api'
const INACTIVE = json({ active: false })
const ACTIVE = json({ active: true, sub: 'alice', aud: AUDIENCE })
/** What a web application firewall says about a token that looks like an attack. */
const HOSTILE_TOKEN = '../../etc/passwd'
const ANSWER_MS = 800
/** A busy machine makes answers of the endpoint late, which would be an outage. */
const PATIENCE = '2s'
const STATES = 'sallyport_introspection_circuit_state'

let endpoint: IntrospectionServer
let parts: TestGateway

function newTokens(many: number): string[] {
  return Array.from({ length: many }, newOpaqueToken)
}

before(async () => {
  endpoint = await IntrospectionServer.start()
  parts = await openGateway({
    issuers: {
      usual: endpoint.issuer('usual', { timeout: PATIENCE }),
      short: endpoint.issuer('short', {
        cacheTtl: '1s',
        circuitBreaker: { recoveryTimeout: '1s' },
      }),
      lax: endpoint.issuer('lax', {
        onOutage: 'pass-through',
        iUnderstand: true,
        timeout: PATIENCE,
      }),
    },
    routes: {
      '/usual/*': { authenticate: ['introspection'], issuers: ['usual'] },
      '/short/*': { authenticate: ['introspection'], issuers: ['short'] },
      '/lax/*': { authenticate: ['introspection'], issuers: ['lax'] },
    },
    environment: { SALLYPORT_LISTENER_THREADS: '2' },
  })
})

after(async () => {
  await parts.stop()
  await endpoint.down()
})

const ask = (path: string, token: string): Promise<Answer> =>
  parts.ask(path, { authorization: `Bearer ${token}` })

async function askAll(path: string, tokens: readonly string[]): Promise<string[]> {
  const replies = await Promise.all(tokens.map((token) => ask(path, token)))
  return replies.map(outcomeOf)
}

const isClosed = async (issuer: string): Promise<boolean> =>
  (await parts.metric(`${STATES}{issuer="${issuer}",callers="all",state="closed"}`)) === 1

describe('three hundred unknown tokens at once, at an endpoint that takes 800 ms', () => {
  it('are decided or told that there are too many, and good tokens pass all the while', async () => {
    const good = newTokens(5)
    endpoint.reply = answerAfter(ANSWER_MS, aboutEach(good, ACTIVE, INACTIVE))
    const [strangers, first] = await Promise.all([
      askAll('/usual/x', newTokens(300)),
      askAll('/usual/x', good.slice(0, 1)),
    ])
    const outcomes = new Set([...strangers, ...first])
    for (const outcome of ['passed', '401 inactive_token', '503 overloaded']) {
      outcomes.delete(outcome)
    }
    assert.deepEqual([...outcomes], [])
    assert.ok(strangers.includes('401 inactive_token'), 'some are asked about')
    assert.ok(await isClosed('usual'), 'waiting in a queue of ours is no failure of the endpoint')
    // A good one that was not known either may have been told to come back in a second.
    await delay(1_000)
    assert.deepEqual(
      await askAll('/usual/x', good),
      good.map(() => 'passed'),
    )
  })

  it('never go upstream unverified, because this is no outage', async () => {
    endpoint.reply = answerAfter(ANSWER_MS, INACTIVE)
    const before = parts.upstream.requests
    const outcomes = await askAll('/lax/x', newTokens(300))
    assert.ok(outcomes.includes('503 overloaded'))
    assert.equal(outcomes.filter((outcome) => outcome === 'passed').length, 0)
    assert.equal(parts.upstream.requests, before)
    assert.ok(await isClosed('lax'))
  })

  it('are told to come back', async () => {
    endpoint.reply = answerAfter(ANSWER_MS, INACTIVE)
    const replies = await Promise.all(newTokens(600).map((token) => ask('/usual/x', token)))
    const refused = replies.filter((reply) => outcomeOf(reply) === '503 overloaded')
    assert.ok(refused.length > 0)
    for (const reply of refused) assert.ok(Number(reply.field('retry-after')) >= 1)
  })
})

describe('a token at which a firewall before the endpoint takes offence', () => {
  for (const [what, reply] of [
    ['403', text('<html>Forbidden</html>', 'text/html', 403)],
    ['406', text('<html>Not Acceptable</html>', 'text/html', 406)],
    ['400', status(400)],
  ] as const) {
    it(`with ${what} is the only one that suffers`, async () => {
      const good = newOpaqueToken()
      endpoint.reply = aboutEach([good], ACTIVE, reply)
      const hostile = Array.from({ length: 12 }, (_, n) => `${HOSTILE_TOKEN}${what}${n}`)
      for (const token of hostile) {
        assert.equal(outcomeOf(await ask('/usual/x', token)), '503 verifier_unavailable')
        assert.equal(outcomeOf(await ask('/lax/x', token)), '503 verifier_unavailable')
      }
      assert.ok(await isClosed('usual'))
      assert.equal(outcomeOf(await ask('/usual/x', good)), 'passed')
    })
  }

  it('with a page of HTML and 200 opens the breaker for strangers, not for known tokens', async () => {
    const known = newOpaqueToken()
    endpoint.reply = ACTIVE
    assert.equal(outcomeOf(await ask('/short/x', known)), 'passed')
    endpoint.reply = aboutEach([known], INACTIVE, text('<html>Rejected</html>', 'text/html'))
    for (let n = 0; n < 6; n += 1) {
      const reply = await ask('/short/x', `${HOSTILE_TOKEN}.html${n}`)
      assert.equal(outcomeOf(reply), '503 verifier_unavailable')
    }
    assert.equal(await isClosed('short'), false)
    const isAskedAbout = async () =>
      outcomeOf(await ask('/short/x', known)) === '401 inactive_token'
    await eventually('the known token is asked about', isAskedAbout, 5_000)
  })
})

describe('a token that was good a moment ago', () => {
  it('keeps its last answer while a firewall refuses everybody', async () => {
    const known = newOpaqueToken()
    endpoint.reply = ACTIVE
    await eventually('the token is known', async () => {
      return outcomeOf(await ask('/short/x', known)) === 'passed'
    })
    endpoint.reply = status(403)
    const asked = () => endpoint.requests.some(({ form }) => form.get('token') === known)
    endpoint.requests.length = 0
    await eventually('it is asked about', async () => {
      assert.equal(upstreamField(await ask('/short/x', known), 'x-user-id'), 'alice')
      return asked()
    })
  })
})

/** So many at once, for so long each: the whole capacity of the endpoint. */
const WORKERS = 4
const WORK_MS = 60
const FLOOD_PER_SECOND = (10 * WORKERS * 1_000) / WORK_MS
const ROUNDS = 3

/** @param good Tokens that it calls active, where it answers at all. */
type Endpoint = (good: readonly string[]) => IntrospectionReply

const worksOn = (workMs: number, strange: IntrospectionReply): Endpoint => {
  return (good) => withWorkers(WORKERS, workMs, aboutEach(good, ACTIVE, strange))
}

const CROWDED: readonly (readonly [string, Endpoint])[] = [
  ['healthy', worksOn(WORK_MS, INACTIVE)],
  ['slow', worksOn(4 * WORK_MS, INACTIVE)],
  ['dead', () => hanging],
  ['lying', () => withWorkers(WORKERS, WORK_MS, json({ active: 'true' }))],
  ['behind a firewall', worksOn(WORK_MS, status(403))],
]

/** Good tokens are asked about anew each second. @returns Times of these requests, sorted. */
async function timesOfGood(good: readonly string[]): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    await delay(1_050)
    for (const token of good) {
      const reply = await ask('/short/x', token)
      assert.equal(outcomeOf(reply), 'passed')
      times.push(reply.durationMs)
    }
  }
  return times.sort((left, right) => left - right)
}

function middleOf(times: readonly number[]): number {
  return times[times.length >> 1] ?? 0
}

/** Sends unknown tokens evenly until told to stop. */
function flood(path: string): () => Promise<void> {
  const stepMs = 10
  const pending = new Set<Promise<unknown>>()
  const timer = setInterval(() => {
    for (let n = 0; n < (FLOOD_PER_SECOND * stepMs) / 1_000; n += 1) {
      const request = ask(path, newOpaqueToken()).finally(() => pending.delete(request))
      pending.add(request)
    }
  }, stepMs)
  return async () => {
    clearInterval(timer)
    await Promise.all(pending)
  }
}

describe('unknown tokens at ten times the capacity of an endpoint that is', () => {
  for (const [what, endpointFor] of CROWDED) {
    it(`${what} leave known good tokens without a refusal, at twice their time or less`, async (test) => {
      const good = newTokens(3)
      endpoint.reply = ACTIVE
      await eventually('the breaker is closed', async () => {
        return outcomeOf(await ask('/short/x', newOpaqueToken())) === 'passed' && isClosed('short')
      })
      assert.deepEqual(
        await askAll('/short/x', good),
        good.map(() => 'passed'),
      )
      endpoint.reply = endpointFor(good)
      const quietMs = middleOf(await timesOfGood(good))
      const stop = flood('/short/x')
      const starvedMs = watchStarvation([process.pid, parts.processId])
      const crowdedMs = middleOf(await timesOfGood(good))
      await stop()
      test.diagnostic(`${quietMs} ms alone, ${crowdedMs} ms in the crowd`)
      const allowedMs = 2 * quietMs + starvedMs()
      assert.ok(crowdedMs <= allowedMs, `${crowdedMs} ms instead of ${quietMs} ms`)
    })
  }
})
