/** Which pages of other origins may read answers, through a whole gateway. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Answer, outcomeOf, statusAndCode } from '../support/gateway-answer.ts'
import { goodAndDownIssuers } from '../support/issuer-settings.ts'
import { liveToken, wallSeconds } from '../support/live-token.ts'
import { ISSUER, mintKey } from '../support/mint-token.ts'
import { reservePort } from '../support/reserved-port.ts'
import { type SharingUpstream, startSharingUpstream } from '../support/sharing-upstream.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const APP = 'https://app.example.com'
const BELOW = 'https://eu.shop.example.org'
const ACME = 'https://acme.example.net'
const SECRET = 's'.repeat(32)
/** May not read, whatever they resemble. */
const OTHERS = [
  ...['https://evil.tld', 'https://app.example.com.evil.tld', `${APP}:8443`, 'null'],
  ...['http://app.example.com', 'https://example.org', 'https://good.example.org.evil.tld'],
]
const CORS = {
  origins: [APP, 'https://*.example.org'],
  exposedHeaders: ['ETag'],
  credentials: true,
  maxAge: '10m',
}
const JWT = { authenticate: ['jwt'], tenant: 'none' }

let upstream: SharingUpstream
let gateway: TestGateway
let token: string
let expired: string

before(async () => {
  upstream = await startSharingUpstream()
  const closed = await reservePort()
  gateway = await openGateway({
    upstream: upstream.origin,
    upstreams: {
      down: { targets: [`http://127.0.0.1:${closed}`] },
      slow: { targets: [upstream.origin], responseTimeout: '200ms' },
    },
    issuers: goodAndDownIssuers(SECRET, closed),
    rateLimits: { one: { perAddress: { rate: '1/h', burst: 1 } } },
    tenants: {
      resolve: [{ from: 'path', pattern: '/tenants/{tenant}/*' }],
      required: false,
      registry: {
        acme: { allowedOrigins: [ACME] },
        globex: {},
        closed: { status: 'suspended', allowedOrigins: [ACME] },
      },
    },
    server: { limits: { urlBytes: 1_024, bodyBytes: 1_000 } },
    routes: {
      '/public/*': { authenticate: 'none', tenant: 'none', cors: { origins: ['*'] } },
      '/orders/*': { ...JWT, issuers: ['main'], cors: CORS },
      '/opaque/*': {
        authenticate: ['introspection'],
        issuers: ['down'],
        tenant: 'none',
        cors: CORS,
      },
      '/kept/*': { ...JWT, cors: { ...CORS, upstream: 'keep' } },
      '/read/*': { ...JWT, match: { path: '/read/*', methods: ['GET'] }, cors: CORS },
      '/plain/*': JWT,
      '/limited/*': { authenticate: 'none', tenant: 'none', rateLimit: 'one', cors: CORS },
      '/down/*': { authenticate: 'none', tenant: 'none', upstream: 'down', cors: CORS },
      '/slow/*': { authenticate: 'none', tenant: 'none', upstream: 'slow', cors: CORS },
      '/tenants/:tenant/strict/*': { authenticate: ['jwt'], cors: CORS },
      '/tenants/*': { authenticate: ['jwt'], cors: { ...CORS, tenantOrigins: true } },
      '/preflights/*': {
        authenticate: 'none',
        tenant: 'none',
        match: { path: '/services/*', methods: ['OPTIONS'] },
      },
      '/services/*': { ...JWT, match: { path: '/services/*' } },
    },
  })
  const key = { ...mintKey('HS256'), signingKey: Buffer.from(SECRET) }
  token = liveToken(key, ISSUER, { sub: 'alice' })
  expired = liveToken(key, ISSUER, { sub: 'alice', exp: wallSeconds() - 600 })
})

after(async () => {
  await gateway.stop()
  await upstream.close()
})

type Fields = Readonly<Record<string, string>>

const bearer = (text = token): Fields => ({ authorization: `Bearer ${text}` })
const ask = (path: string, fields: Fields = {}, method = 'GET') => gateway.ask(path, fields, method)
const preflight = (path: string, origin: string, method = 'PUT', fields: Fields = {}) =>
  ask(path, { origin, 'access-control-request-method': method, ...fields }, 'OPTIONS')

/** All fields of CORS in an answer; names in the order in which they stand there. */
function sharing(answer: Answer): Fields {
  const pairs = answer.headers.filter(([name]) => name.startsWith('access-control-'))
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, 'each is there once')
  return Object.fromEntries(pairs)
}

const EXPOSED =
  'WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, x-sallyport-code, ETag'
const readableBy = (origin: string): Fields => ({
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': EXPOSED,
})

describe('a preflight', () => {
  it('of Keycloak JS is answered before anything about credentials', async () => {
    const count = upstream.asked.length
    for (const origin of [APP, BELOW]) {
      const fields = { 'access-control-request-headers': 'authorization,content-type' }
      const answer = await preflight('/orders/1', origin, 'PUT', fields)
      assert.equal(answer.status, 204)
      assert.deepEqual(sharing(answer), {
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'content-type, authorization',
        'access-control-max-age': '600',
      })
      const varies = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'
      assert.deepEqual(answer.values('vary'), [varies])
    }
    assert.equal(upstream.asked.length, count)
    assert.ok((await gateway.metric('sallyport_cors_preflights_total')) >= 2)
  })

  it('of a page that is not listed gets no permission, and goes no further, as at Envoy', async () => {
    const count = upstream.asked.length
    for (const origin of OTHERS) {
      const answer = await preflight('/orders/1', origin)
      assert.equal(answer.status, 204, origin)
      assert.deepEqual(sharing(answer), {}, origin)
      assert.match(answer.field('vary') ?? '', /^Origin, /)
    }
    assert.equal(upstream.asked.length, count)
  })

  it('for a method that the route does not take is told which there are', async () => {
    for (const method of ['GET', 'DELETE', 'PROPFIND', 'patch']) {
      const answer = await preflight('/read/1', APP, method)
      assert.equal(answer.status, 204)
      assert.equal(answer.field('access-control-allow-methods'), 'GET, HEAD')
    }
  })

  it('is one only with Origin and Access-Control-Request-Method, each once, unlike at Kong', async () => {
    const method = { 'access-control-request-method': 'GET' }
    for (const fields of [{ origin: APP }, method, {}]) {
      assert.equal(outcomeOf(await ask('/orders/1', fields, 'OPTIONS')), '401 missing_token')
    }
    const passed = await ask('/orders/1', { ...bearer(), origin: APP }, 'OPTIONS')
    assert.equal(outcomeOf(passed), 'passed', 'any other OPTIONS is for the service')
    const twice = await gateway.ask(
      '/orders/1',
      [...Object.entries(method), ['Origin', APP], ['Origin', APP]],
      'OPTIONS',
    )
    assert.equal(twice.status, 401)
    assert.deepEqual(sharing(twice), {})
  })

  it('is one only with OPTIONS: these two fields make nothing else one', async () => {
    for (const other of ['GET', 'POST']) {
      const fields = { origin: APP, 'access-control-request-method': other }
      assert.equal(outcomeOf(await ask('/orders/1', fields, other)), '401 missing_token')
      const passed = await ask('/orders/1', { ...bearer(), ...fields }, other)
      assert.equal(outcomeOf(passed), 'passed')
    }
  })

  it('is not answered for a route without cors, nor for a path that is read in two ways', async () => {
    assert.equal(outcomeOf(await preflight('/plain/1', APP)), '401 missing_token')
    assert.equal(outcomeOf(await preflight('/services/1', APP)), 'passed', 'it is the service’s')
    assert.equal(upstream.asked.at(-1), 'OPTIONS /services/1')
    assert.equal(outcomeOf(await preflight('/Orders/1', APP)), '400 invalid_request')
  })

  it('spends nothing of a limit', async () => {
    for (let times = 0; times < 3; times += 1) {
      assert.equal((await preflight('/limited/preflight', APP)).status, 204)
    }
  })
})

describe('an answer of the service', () => {
  it('has the fields of the route and none of its own, as ingress-nginx and Traefik were asked for', async () => {
    for (const origin of [APP, BELOW]) {
      const answer = await ask('/orders/1', { ...bearer(), origin })
      assert.equal(answer.text, 'read')
      assert.deepEqual(sharing(answer), readableBy(origin))
      assert.deepEqual(answer.values('vary'), ['Accept-Encoding', 'Origin'], 'as at Kong since 2.1')
    }
  })

  it('has no fields at all for any other page, though the service sends some', async () => {
    for (const origin of OTHERS) {
      const answer = await ask('/orders/1', { ...bearer(), origin })
      assert.equal(answer.status, 200)
      assert.deepEqual(sharing(answer), {}, origin)
      assert.deepEqual(answer.values('vary'), ['Accept-Encoding', 'Origin'])
    }
    const twice = await gateway.ask('/orders/1', [
      ...Object.entries(bearer()),
      ['Origin', APP],
      ['Origin', 'https://evil.tld'],
    ])
    assert.deepEqual(sharing(twice), {})
  })

  it('varies by Origin without one too, or a cache would give it to a page (express cors)', async () => {
    const answer = await ask('/orders/1', bearer())
    assert.deepEqual(sharing(answer), {})
    assert.deepEqual(answer.values('vary'), ['Accept-Encoding', 'Origin'])
  })

  it('has its own fields and no others with upstream: keep', async () => {
    for (const origin of [APP, 'https://evil.tld']) {
      const answer = await ask('/kept/1', { ...bearer(), origin })
      assert.deepEqual(sharing(answer), {
        'access-control-allow-origin': '*',
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'X-Secret',
      })
      assert.deepEqual(answer.values('vary'), ['Accept-Encoding'])
    }
  })

  it('is for every page with *, and then says so to all of them alike', async () => {
    for (const fields of [{}, { origin: APP }, { origin: 'null' }]) {
      const answer = await ask('/public/1', fields)
      assert.deepEqual(sharing(answer), {
        'access-control-allow-origin': '*',
        'access-control-expose-headers': EXPOSED.slice(0, -', ETag'.length),
      })
      assert.deepEqual(answer.values('vary'), ['Accept-Encoding'])
    }
  })

  it('stays as it is on a route without cors', async () => {
    const answer = await ask('/plain/1', { ...bearer(), origin: APP })
    assert.equal(answer.field('access-control-allow-origin'), '*')
    assert.deepEqual(answer.values('vary'), ['Accept-Encoding'])
  })
})

describe('a refusal', () => {
  const limited = async (origin: string) => {
    await ask('/limited/1', { origin: APP })
    return ask('/limited/1', { origin })
  }
  const long = `/orders/${'a'.repeat(2_000)}`
  const refusals: readonly (readonly [string, (origin: string) => Promise<Answer>])[] = [
    ['401 missing_token', (origin) => ask('/orders/1', { origin })],
    ['401 token_expired', (origin) => ask('/orders/1', { ...bearer(expired), origin })],
    ['401 token_expired', (origin) => ask('/kept/1', { ...bearer(expired), origin })],
    ['400 invalid_request', (origin) => ask('/orders/1', { ...bearer('a b'), origin })],
    ['404 tenant_not_found', (origin) => ask('/tenants/nemo/1', { origin })],
    ['403 tenant_suspended', (origin) => ask('/tenants/closed/1', { origin })],
    ['429 rate_limited', limited],
    ['503 verifier_unavailable', (origin) => ask('/opaque/1', { ...bearer('opaque'), origin })],
    ['502 upstream_unreachable', (origin) => ask('/down/1', { origin })],
    ['504 upstream_timeout', (origin) => ask('/slow/hold', { origin })],
    [
      '413 payload_too_large',
      (origin) => ask('/orders/1', { origin, 'content-length': '2000' }, 'POST'),
    ],
    ['404 route_not_found', (origin) => ask('/nowhere', { origin })],
    ['405 method_not_allowed', (origin) => ask('/read/1', { ...bearer(), origin }, 'DELETE')],
    ['400 invalid_request', (origin) => ask('/ORDERS/1', { origin })],
    ['400 invalid_request', (origin) => ask('/orders//1', { origin })],
    ['414 uri_too_long', (origin) => ask(long, { origin })],
  ]

  for (const [expected, refused] of refusals) {
    it(`with ${expected} can be read by pages that may read, and by no others`, async () => {
      const answer = await refused(APP)
      assert.equal(statusAndCode(answer), expected)
      assert.deepEqual(sharing(answer), readableBy(APP))
      assert.deepEqual(answer.values('vary'), ['Origin'])
      assert.ok(answer.field('x-request-id'), 'and so can its id')
      for (const origin of OTHERS.slice(0, 4)) {
        const hidden = await refused(origin)
        assert.equal(statusAndCode(hidden), expected)
        // A page that any route lets read everything may read what names no route.
        const isOfNone = ['404 route_not_found', '405', '400 invalid_request', '413', '414'].some(
          (it) => expected.startsWith(it),
        )
        const read = sharing(hidden)['access-control-allow-origin']
        assert.ok(read === undefined || (isOfNone && read === '*'), `${origin}: ${read ?? ''}`)
        assert.equal(sharing(hidden)['access-control-allow-credentials'], undefined)
      }
    })
  }

  it('has no fields on a route without cors', async () => {
    const answer = await ask('/plain/1', { origin: APP })
    assert.equal(answer.status, 401)
    assert.deepEqual(sharing(answer), {})
    assert.deepEqual(answer.values('vary'), [])
  })
})

describe('a page of a tenant', () => {
  it('may read what is of its tenant, and nothing of another', async () => {
    const origin = ACME
    const own = await ask('/tenants/acme/1', { origin })
    assert.deepEqual(sharing(own), readableBy(ACME))
    assert.equal(
      sharing(await preflight('/tenants/acme/1', origin))['access-control-allow-origin'],
      ACME,
    )
    const others = ['/tenants/globex/1', '/tenants/nemo/1', '/orders/1']
    for (const path of [...others, '/tenants/acme/strict/1']) {
      assert.deepEqual(sharing(await ask(path, { origin })), {}, path)
      assert.deepEqual(sharing(await preflight(path, origin)), {}, path)
    }
    const closed = await ask('/tenants/closed/1', { origin })
    assert.equal(outcomeOf(closed), '403 tenant_suspended')
    assert.deepEqual(sharing(closed), readableBy(ACME))
  })
})

describe('an explanation of a preflight', () => {
  const explained = async (origin: string) => {
    const { body } = await gateway.admin('/explain', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        method: 'OPTIONS',
        url: '/orders/1',
        headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT' },
      }),
    })
    return JSON.stringify(body)
  }

  it('says that the gateway answers it, and whether the page may read', async () => {
    assert.match(await explained(APP), /"outcome":"answered".*may read answers/)
    assert.match(await explained('https://evil.tld'), /is not in its cors\.origins/)
  })
})
