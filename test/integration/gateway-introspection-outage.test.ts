/** An introspection endpoint that fails in every way it can: each policy does what it says. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually, promptly } from '../support/eventually.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import {
  cutInBody,
  dripping,
  hanging,
  huge,
  type IntrospectionReply,
  IntrospectionServer,
  json,
  newOpaqueToken,
  redirect,
  status,
  text,
} from '../support/introspection-server.ts'
import { slowness, watchStarvation } from '../support/starvation.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ISSUER = 'https://idp.example.com/'
const AUDIENCE = 'api'
const RECOVERY_MS = Math.ceil(700 * slowness())
/** The default of an issuer. */
const CLOCK_TOLERANCE_SECONDS = 5

/** The gateway's own questions come several times meanwhile. */
const SLOW_RECOVERY_MS = 2_000

let endpoint: IntrospectionServer
let parts: TestGateway
let count = 0

/** One that says of itself whose it is. */
function newTokenOfBob(): string {
  count += 1
  const segments = [
    { alg: 'ES256', kid: 'k' },
    { sub: 'bob', jti: `${count}` },
  ]
  const [header, claims] = segments.map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  return `${header}.${claims}.${'A'.repeat(86)}`
}

function issuer(name: string, more: object = {}) {
  return endpoint.issuer(name, {
    timeout: '500ms',
    cacheTtl: '1s',
    circuitBreaker: { recoveryTimeout: `${RECOVERY_MS}ms` },
    ...more,
  })
}

before(async () => {
  endpoint = await IntrospectionServer.start()
  parts = await openGateway({
    issuers: {
      cached: issuer('idp'),
      strict: issuer('strict', { onOutage: 'reject-all' }),
      slow: issuer('slow', { circuitBreaker: { recoveryTimeout: `${SLOW_RECOVERY_MS}ms` } }),
      lax: issuer('lax', { onOutage: 'pass-through', iUnderstand: true }),
    },
    routes: {
      '/cached/*': { authenticate: ['introspection'], issuers: ['cached'] },
      '/strict/*': { authenticate: ['introspection'], issuers: ['strict'] },
      '/slow/*': { authenticate: ['introspection'], issuers: ['slow'] },
      '/lax/*': { authenticate: ['introspection'], issuers: ['lax'] },
      '/laxscope/*': {
        authenticate: ['introspection'],
        issuers: ['lax'],
        require: { scopes: { all: ['read'] } },
      },
    },
    environment: { SALLYPORT_LISTENER_THREADS: '2' },
  })
})

after(async () => {
  await parts.stop()
  await endpoint.down()
})

const ask = (path: string, token: string, more: Record<string, string> = {}): Promise<Answer> =>
  parts.ask(path, { authorization: `Bearer ${token}`, ...more })

const ACTIVE = { active: true, sub: 'alice', aud: AUDIENCE, scope: 'read' }

/** Until the breakers of all issuers let requests through again. */
async function recover(): Promise<void> {
  endpoint.reply = json({ active: false })
  for (const path of ['/cached/x', '/strict/x', '/lax/x']) {
    const isBack = async () => outcomeOf(await ask(path, newOpaqueToken())) === '401 inactive_token'
    await eventually(`${path} is asked about again`, isBack)
    assert.ok(await isBack())
  }
}

const FAILURES: readonly (readonly [string, IntrospectionReply])[] = [
  ['hangs', hanging],
  ['answers 500', status(500)],
  ['answers HTML', text('<html>', 'text/html')],
  ['answers "active": "true"', json({ ...ACTIVE, active: 'true' })],
  ['answers without active', json({ sub: 'alice' })],
  ['answers 401 to the gateway', status(401)],
  ['redirects', redirect],
  ['answers five megabytes', huge],
  ['drips', dripping],
  ['is cut in the middle', cutInBody],
]

async function assertPolicies(
  fail: () => void | Promise<void>,
  tokenOf = newOpaqueToken,
): Promise<void> {
  await recover()
  endpoint.reply = json({ ...ACTIVE, iss: ISSUER })
  const known = newOpaqueToken()
  const isKnown = async () => outcomeOf(await ask('/cached/x', known)) === 'passed'
  await eventually('a token is known', isKnown)
  await fail()

  const before = parts.upstream.requests
  for (const path of ['/cached/x', '/strict/x']) {
    const starvedMs = watchStarvation([process.pid, parts.processId])
    const reply = await ask(path, tokenOf())
    assert.equal(outcomeOf(reply), '503 verifier_unavailable')
    assert.equal(reply.field('retry-after'), '1')
    assert.ok(reply.durationMs < 1_000 + starvedMs(), `${reply.durationMs} ms`)
  }
  assert.equal(outcomeOf(await ask('/laxscope/x', tokenOf())), '503 verifier_unavailable')
  assert.equal(parts.upstream.requests, before)

  const lax = await ask('/lax/x', tokenOf(), { 'x-user-id': 'mallory' })
  assert.equal(lax.status, 200)
  assert.equal(upstreamField(lax, 'x-auth-status'), 'unverified')
  assert.equal(upstreamField(lax, 'x-user-id'), null)
  assert.equal(upstreamField(lax, 'authorization'), null)

  // Past its second in the cache, the last answer still counts for who has one.
  await new Promise((resolve) => setTimeout(resolve, 1_050))
  const cached = await ask('/cached/x', known)
  assert.equal(upstreamField(cached, 'x-user-id'), 'alice')
  assert.equal(upstreamField(cached, 'x-auth-status'), null)
}

describe('while the introspection endpoint', () => {
  it('refuses connections, each outage policy does what it says', async () => {
    await assertPolicies(() => endpoint.down())
    await endpoint.up()
  })

  for (const [what, reply] of FAILURES) {
    it(`${what}, each outage policy does what it says`, () =>
      assertPolicies(() => {
        endpoint.reply = reply
      }))
  }

  it("answers for somebody else's token, each outage policy does what it says", () =>
    assertPolicies(() => {
      endpoint.reply = json({ ...ACTIVE, iss: ISSUER })
    }, newTokenOfBob))

  it('says that a token is inactive, no outage makes it good again', async () => {
    await recover()
    endpoint.reply = json({ ...ACTIVE, iss: ISSUER })
    const token = newOpaqueToken()
    assert.equal(outcomeOf(await ask('/cached/x', token)), 'passed')
    endpoint.reply = json({ active: false })
    const isInactive = async () => outcomeOf(await ask('/cached/x', token)) === '401 inactive_token'
    await eventually('it is refused', isInactive)
    endpoint.reply = hanging
    const said = outcomeOf(await ask('/cached/x', token))
    assert.equal(said, '401 inactive_token')
  })
})

describe('an answer that is a verdict', () => {
  const verdicts: readonly (readonly [string, object, string])[] = [
    ['about a token of another issuer', { iss: 'https://evil.example.com/' }, '401 invalid_claims'],
    ['about a token for somebody else', { aud: 'other' }, '401 invalid_claims'],
    ['about an expired token', { exp: 1_000_000_000 }, '401 token_expired'],
    ['about a token of tomorrow', { nbf: 9_999_999_999 }, '401 token_not_yet_valid'],
    ['with a number for a subject', { sub: 7 }, '401 invalid_claims'],
    ['with scopes that are no list', { scope: { admin: true } }, '401 invalid_claims'],
    ['about a token bound to a key', { token_type: 'DPoP' }, '401 invalid_token'],
  ]
  for (const [what, members, expected] of verdicts) {
    it(`${what} refuses it with ${expected}`, async () => {
      await recover()
      endpoint.reply = json({ ...ACTIVE, iss: ISSUER, ...members })
      assert.equal(outcomeOf(await ask('/cached/x', newOpaqueToken())), expected)
    })
  }

  for (const claim of ['iat', 'nbf']) {
    it(`whose ${claim} is in the future is remembered until then, and no longer`, async () => {
      await recover()
      const token = newOpaqueToken()
      // Within the tolerance from the third second on; inactiveTtl is much longer.
      const instant = Math.floor(Date.now() / 1_000) + CLOCK_TOLERANCE_SECONDS + 3
      endpoint.reply = json({ ...ACTIVE, iss: ISSUER, [claim]: instant })
      endpoint.requests.length = 0
      const expected = claim === 'iat' ? '401 invalid_claims' : '401 token_not_yet_valid'
      for (let times = 0; times < 5; times += 1) {
        assert.equal(outcomeOf(await ask('/cached/x', token)), expected)
      }
      assert.equal(endpoint.requests.length, 1, 'asked about once')
      const passes = async () => outcomeOf(await ask('/cached/x', token)) === 'passed'
      await promptly('its time has come', 3_500, [parts.processId], passes)
      assert.equal(endpoint.requests.length, 2)
    })
  }

  it('is asked for with the token, its hint and the secret of the gateway', async () => {
    await recover()
    endpoint.requests.length = 0
    const token = newOpaqueToken()
    await ask('/cached/x', token)
    const [request] = endpoint.requests
    assert.equal(request?.form.get('token'), token)
    assert.equal(request?.form.get('token_type_hint'), 'access_token')
    const expected = Buffer.from('gateway:s3cret').toString('base64')
    assert.equal(request?.headers.authorization, `Basic ${expected}`)
  })
})

describe('the circuit breaker of the endpoint', () => {
  it('opens after five failed attempts, and lets two through when its time is up', async () => {
    await recover()
    endpoint.reply = status(500)
    endpoint.requests.length = 0
    for (let request = 0; request < 20; request += 1) {
      const reply = await ask('/strict/x', newOpaqueToken())
      assert.equal(outcomeOf(reply), '503 verifier_unavailable')
    }
    assert.equal(endpoint.requests.length, 5)
    const openState =
      'sallyport_introspection_circuit_state{issuer="strict",callers="all",state="open"}'
    assert.equal(await parts.metric(openState), 1)

    endpoint.reply = json({ active: false })
    const isAsked = async () =>
      outcomeOf(await ask('/strict/x', newOpaqueToken())) === '401 inactive_token'
    await eventually('a probe is let through', isAsked)
    assert.ok(await isAsked())
    const closed =
      'sallyport_introspection_circuit_state{issuer="strict",callers="all",state="closed"}'
    assert.equal(await parts.metric(closed), 1)
  })

  it('is not moved by tokens that the endpoint cannot take', async () => {
    for (const code of [400, 413, 414, 422, 431]) {
      await recover()
      endpoint.reply = status(code)
      endpoint.requests.length = 0
      for (let request = 0; request < 10; request += 1) {
        const reply = await ask('/strict/x', newOpaqueToken())
        assert.equal(outcomeOf(reply), '503 verifier_unavailable')
      }
      assert.equal(endpoint.requests.length, 10, 'each is asked about once')
      // That is no outage, so no request is let through unverified.
      assert.equal(outcomeOf(await ask('/lax/x', newOpaqueToken())), '503 verifier_unavailable')
      endpoint.reply = json({ ...ACTIVE, iss: 'https://strict.example.com/' })
      assert.equal(outcomeOf(await ask('/strict/x', newOpaqueToken())), 'passed')
    }
  })

  it("tries clients when its time is up, whatever became of the gateway's questions", async () => {
    await recover()
    const active = json({ ...ACTIVE, iss: 'https://slow.example.com/' })
    endpoint.reply = (response, token) =>
      (token.startsWith('good-') ? active : status(500))(response, token)
    for (let n = 0; n < 5; n += 1) await ask('/slow/x', newOpaqueToken())
    const opened = performance.now()
    await eventually('good tokens are asked about', async () => {
      return outcomeOf(await ask('/slow/x', `good-${newOpaqueToken()}`)) === 'passed'
    })
    assert.ok(performance.now() - opened >= SLOW_RECOVERY_MS - 500, 'the questions failed')
  })

  it('reopens when a probe fails', async () => {
    await recover()
    endpoint.reply = status(500)
    for (let request = 0; request < 5; request += 1) await ask('/strict/x', newOpaqueToken())
    endpoint.requests.length = 0
    await eventually('a probe is let through', async () => {
      await ask('/strict/x', newOpaqueToken())
      return endpoint.requests.length > 0
    })
    for (let request = 0; request < 10; request += 1) await ask('/strict/x', newOpaqueToken())
    assert.ok(endpoint.requests.length <= 2, `${endpoint.requests.length} attempts`)
  })
})
