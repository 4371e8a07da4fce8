/** Routes in shadow: what they would refuse reaches the upstream, once, and is reported. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { liveToken } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { revoke } from '../support/revocation-gateways.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { TENANT_ISSUERS, tenantToken } from '../support/tenant-issuers.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const SECRET = 'a shared secret of thirty-two bytes at the least'
const ISSUER = 'https://shared.example.com/'
const API_KEY = 'key-of-the-batch-job-0123456789'
/** Nothing listens on the port of tcpmux. */
const NOWHERE = 'http://127.0.0.1:1'

const key = { ...mintKey('HS256'), signingKey: new Uint8Array(Buffer.from(SECRET)) }
const wrongKey = { ...key, signingKey: new Uint8Array(Buffer.from(`another ${SECRET}`)) }

let parts: TestGateway

before(async () => {
  const shadow = { mode: 'shadow', issuers: ['shared'] }
  const query = { credentials: [{ from: 'header' }, { from: 'query', name: 'access_token' }] }
  parts = await openGateway({
    issuers: {
      shared: { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['HS256'], secret: SECRET },
      opaque: {
        issuer: 'https://opaque.example.com/',
        audiences: [AUDIENCE],
        introspection: { endpoint: NOWHERE, clientId: 'gateway', clientSecret: 'secret' },
      },
    },
    sessions: { store: 'memory' },
    apiKeys: { keys: [{ sha256: sha256(API_KEY), userId: 'batch' }] },
    routes: {
      '/jwt/*': { ...shadow, authenticate: ['jwt'], ...query },
      '/scoped/*': { ...shadow, authenticate: ['jwt'], require: { scopes: { all: ['delete'] } } },
      '/session/*': { mode: 'shadow', authenticate: ['session'] },
      '/key/*': { mode: 'shadow', authenticate: ['apiKey'] },
      '/opaque/*': { mode: 'shadow', authenticate: ['introspection'], issuers: ['opaque'] },
      '/optional/*': { ...shadow, authenticate: 'optional' },
      '/enforced/*': { authenticate: ['jwt'], issuers: ['shared'] },
    },
    environment: { SALLYPORT_LISTENER_THREADS: '1' },
  })
})

after(() => parts.stop())

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

function reported(route: string, code: string): Promise<number> {
  const labels = `route="${route}",code="${code}"`
  return parts.metric(`sallyport_shadow_refusals_total{${labels}}`)
}

function allReported(): Promise<number> {
  return parts.metric('sallyport_shadow_refusals_total', {})
}

/** Sends a request that would be refused, with an identity of its own making. */
async function assertPassed(
  path: string,
  code: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<Answer> {
  const route = `at${path.replace(/[^a-z]/g, '')}`
  const [requests, reports] = [parts.upstream.requests, await reported(route, code)]
  const forged = { 'x-user-id': 'mallory', 'x-user-roles': 'admin' }
  const reply = await parts.ask(path, { ...headers, ...forged }, method)
  assert.equal(outcomeOf(reply), 'passed')
  assert.equal(parts.upstream.requests, requests + 1)
  assert.equal(await reported(route, code), reports + 1)
  assert.equal(upstreamField(reply, 'x-user-id'), null)
  assert.equal(upstreamField(reply, 'x-user-roles'), null)
  for (const [name, value] of Object.entries(headers)) {
    assert.equal(upstreamField(reply, name), value)
  }
  return reply
}

describe('a route in shadow', () => {
  const now = Math.floor(Date.now() / 1_000)
  const session = 'a'.repeat(43)
  const cases: readonly (readonly [string, string, Record<string, string>, string?])[] = [
    ['/jwt/', 'missing_token', {}],
    ['/jwt/', 'invalid_token', bearer(liveToken(wrongKey, ISSUER))],
    ['/jwt/', 'token_expired', bearer(liveToken(key, ISSUER, { exp: now - 100 }))],
    ['/scoped/', 'insufficient_scope', bearer(liveToken(key, ISSUER))],
    ['/optional/', 'invalid_token', bearer('no.such.token')],
    ['/session/', 'no_session', {}],
    ['/session/', 'session_not_found', { cookie: `a=b; __Host-sid=${session}` }],
    ['/session/', 'csrf_rejected', { cookie: `__Host-sid=${session}` }, 'POST'],
    ['/key/', 'invalid_api_key', { 'x-api-key': 'no-such-key-0123456789' }],
    ['/opaque/', 'verifier_unavailable', bearer('an-opaque-token')],
  ]
  for (const [path, code, headers, method] of cases) {
    it(`passes once what would be ${code} on ${path}, without identity`, async () => {
      await assertPassed(path, code, headers, method)
    })
  }

  it('passes once what would be token_revoked, without identity', async () => {
    const jti = 'revoked-in-shadow'
    const token = bearer(liveToken(key, ISSUER, { jti, sub: 'alice' }))
    assert.equal(upstreamField(await parts.ask('/jwt/', token), 'x-user-id'), 'alice')
    assert.equal((await revoke(parts, { jti, issuer: ISSUER })).status, 201)
    await assertPassed('/jwt/', 'token_revoked', token)
  })

  it('leaves a credential in the query where it was', async () => {
    const reply = await parts.ask('/jwt/?a=1&access_token=bad&b=2')
    assert.equal((JSON.parse(reply.text) as { url: string }).url, '/jwt/?a=1&access_token=bad&b=2')
  })

  it('passes two credentials of one kind, which the upstream has to judge', async () => {
    const before = await reported('atjwt', 'invalid_request')
    const head = 'GET /jwt/ HTTP/1.1\r\nHost: gateway.test\r\n'
    const twice = `${head}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`
    const { answers } = await exchangeRaw(parts.port, twice)
    assert.equal(answers[0]?.status, 200)
    const { rawHeaders } = JSON.parse(answers[0].body.toString()) as { rawHeaders: string[] }
    assert.deepEqual(
      rawHeaders.filter((text) => text.startsWith('Bearer ')),
      ['Bearer a', 'Bearer b'],
    )
    assert.equal(await reported('atjwt', 'invalid_request'), before + 1)
  })

  it('sends identity and credential when it would let the request pass', async () => {
    const good = bearer(liveToken(key, ISSUER, { sub: 'alice' }))
    const refused = await allReported()
    assert.ok(refused > 0)
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const reply = await parts.ask('/jwt/', { ...good, 'x-user-id': 'mallory' })
      assert.equal(upstreamField(reply, 'x-user-id'), 'alice')
      assert.equal(upstreamField(reply, 'authorization'), good.authorization)
    }
    const keyed = await parts.ask('/key/', { 'x-api-key': API_KEY })
    assert.equal(upstreamField(keyed, 'x-user-id'), 'batch')
    assert.equal(upstreamField(keyed, 'x-api-key'), API_KEY)
    assert.equal(await allReported(), refused)
  })

  it('counts what it passed as forwarded, and not as refused', async () => {
    const sample = 'sallyport_requests_total{route="atkey",outcome="forwarded_2xx"}'
    const refusals =
      'sallyport_refusals_total{code="invalid_api_key",reason="api_key_unknown",issuer="none"}'
    const [forwarded, refused] = [await parts.metric(sample), await parts.metric(refusals)]
    await assertPassed('/key/', 'invalid_api_key', { 'x-api-key': 'another-bad-key-0123456789' })
    assert.equal(await parts.metric(sample), forwarded + 1)
    assert.equal(await parts.metric(refusals), refused)
  })

  it('tells the security log of it with code and route, without the credential', async () => {
    const token = 'never.issued.by.anyone'
    await parts.ask('/optional/', bearer(token))
    const events = () => parts.log.filter(({ event }) => event === 'shadow_refused')
    await eventually('the event is in the log', () => events().length > 0)
    const [event] = events()
    assert.equal(event?.['stream'], 'security')
    assert.deepEqual(
      Object.keys(event ?? {}).toSorted(),
      [
        ...[
          'code',
          'detail',
          'event',
          'level',
          'reason',
          'route',
          'stream',
          'suppressed',
          'thread',
        ],
        'time',
      ].toSorted(),
    )
    assert.doesNotMatch(JSON.stringify(parts.log), new RegExp(token.replaceAll('.', '\\.')))
  })

  it('leaves its neighbours alone', async () => {
    assert.equal(outcomeOf(await parts.ask('/enforced/')), '401 missing_token')
    const good = bearer(liveToken(key, ISSUER))
    assert.equal(upstreamField(await parts.ask('/enforced/', good), 'authorization'), null)
  })

  it('still refuses what is malformed', async () => {
    assert.equal(outcomeOf(await parts.ask(`/jwt/${'a'.repeat(9_000)}`)), '414 uri_too_long')
  })
})

describe('a route in shadow, with tenants', () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await openGateway({
      issuers: TENANT_ISSUERS,
      tenants: {
        resolve: [{ from: 'header', name: 'X-Tenant-Id' }],
        registry: {
          acme: { issuers: ['main'] },
          globex: { issuers: ['main'] },
          initech: { status: 'suspended', issuers: ['main'] },
        },
      },
      routes: { '/*': { authenticate: ['jwt'], mode: 'shadow' } },
      environment: { SALLYPORT_LISTENER_THREADS: '1' },
    })
  })
  after(() => gateway.stop())

  for (const [tenant, code] of [
    [null, 'tenant_not_identified'],
    ['hooli', 'tenant_not_found'],
    ['initech', 'tenant_suspended'],
    ['globex', 'tenant_mismatch'],
  ] as const) {
    it(`passes once what would be ${code}, without identity`, async () => {
      const requests = gateway.upstream.requests
      const token = bearer(await tenantToken('acme'))
      const named: Record<string, string> = tenant === null ? {} : { 'x-tenant-id': tenant }
      const reply = await gateway.ask('/x', { ...token, ...named })
      assert.equal(outcomeOf(reply), 'passed')
      assert.equal(gateway.upstream.requests, requests + 1)
      assert.equal(upstreamField(reply, 'authorization'), token.authorization)
      assert.equal(upstreamField(reply, 'x-user-id'), null)
      assert.equal(upstreamField(reply, 'x-tenant-id'), null)
      const sample = `sallyport_shadow_refusals_total{route="at",code="${code}"}`
      assert.equal(await gateway.metric(sample), 1)
    })
  }
})
