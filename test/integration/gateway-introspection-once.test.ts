/** One token, one call, over all threads, whatever the endpoint does. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { outcomeOf } from '../support/gateway-answer.ts'
import {
  after as answerAfter,
  cut,
  hanging,
  type IntrospectionReply,
  IntrospectionServer,
  json,
  status,
  text,
} from '../support/introspection-server.ts'
import { slowness } from '../support/starvation.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const THREADS = 8
/** Enough to reach every thread. */
const REQUESTS = 64
const ATTEMPTS = 2
/** In which every thread of a quiet machine has heard of the token. */
const HEARD_MS = 150
/** However slow the machine is: two attempts take less than a request may. */
const SLOWNESS_MAX = 6

let endpoint: IntrospectionServer
let parts: TestGateway
let count = 0

before(async () => {
  endpoint = await IntrospectionServer.start()
  const issuer = (name: string, more: object) =>
    endpoint.issuer(name, {
      timeout: '3s',
      attempts: ATTEMPTS,
      circuitBreaker: { failureThreshold: 255 },
      ...more,
    })
  parts = await openGateway({
    issuers: {
      cached: issuer('cached', {}),
      lax: issuer('lax', { onOutage: 'pass-through', iUnderstand: true }),
    },
    routes: {
      '/cached/*': { authenticate: ['introspection'], issuers: ['cached'] },
      '/lax/*': { authenticate: ['introspection'], issuers: ['lax'] },
    },
    environment: { SALLYPORT_LISTENER_THREADS: String(THREADS) },
  })
})

beforeEach(() => {
  endpoint.requests.length = 0
})

after(async () => {
  await parts.stop()
  await endpoint.down()
})

/** When every thread has heard of the token. */
function answerLate(reply: IntrospectionReply): IntrospectionReply {
  return answerAfter(HEARD_MS * Math.min(slowness(), SLOWNESS_MAX), reply)
}

/** Outcomes of many requests with one new token at the same time. */
async function askAtOnce(path: string): Promise<ReadonlySet<string>> {
  count += 1
  const headers = { authorization: `Bearer opaque-${count}` }
  const replies = await Promise.all(
    Array.from({ length: REQUESTS }, () => parts.ask(path, headers)),
  )
  return new Set(replies.map(outcomeOf))
}

describe(`one token in ${THREADS} threads at once, at an endpoint that`, () => {
  const failures: readonly (readonly [string, IntrospectionReply, number])[] = [
    ['answers 500', status(500), ATTEMPTS],
    ['answers HTML', text('<html>', 'text/html'), ATTEMPTS],
    ['cuts the connection', cut, ATTEMPTS],
    // One attempt takes all the time there is, and more than a signature ever would.
    ['never answers', hanging, 1],
    ['does not take the token', status(400), 1],
  ]
  for (const [what, reply, attempts] of failures) {
    it(`${what} makes ${attempts} attempts, and everybody hears of them`, async () => {
      endpoint.reply = answerLate(reply)
      const outcomes = await askAtOnce('/cached/x')
      assert.deepEqual([...outcomes], ['503 verifier_unavailable'])
      assert.equal(endpoint.requests.length, attempts)
    })
  }

  it('fails lets all of them pass unverified where that is configured', async () => {
    endpoint.reply = answerLate(status(500))
    assert.deepEqual([...(await askAtOnce('/lax/x'))], ['passed'])
    assert.equal(endpoint.requests.length, ATTEMPTS)
  })

  it('takes its time makes one attempt', async () => {
    endpoint.reply = answerAfter(2_500, json({ active: true, sub: 'alice', aud: 'api' }))
    assert.deepEqual([...(await askAtOnce('/cached/x'))], ['passed'])
    assert.equal(endpoint.requests.length, 1)
  })

  it('has failed is asked again a second later', async () => {
    endpoint.reply = status(500)
    const token = { authorization: 'Bearer opaque-again' }
    assert.equal(outcomeOf(await parts.ask('/cached/x', token)), '503 verifier_unavailable')
    endpoint.reply = json({ active: true, sub: 'alice', aud: 'api' })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.equal(outcomeOf(await parts.ask('/cached/x', token)), 'passed')
  })
})
