/** What other proxies are told about requests, on the main port and on one of its own. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import {
  ADAPTERS,
  type Adapter,
  askedVia,
  callAbout,
  type ProxiedRequest,
} from '../support/asked-via.ts'
import {
  decisionPlan,
  expired,
  HOST,
  KEY,
  key,
  portOfItsOwn,
  request,
  sessionOf,
  token,
} from '../support/decision-plan.ts'
import { type Answer, ask, type Fields, statusAndCode } from '../support/gateway-answer.ts'
import { bearer, liveToken, wallSeconds } from '../support/live-token.ts'
import { ISSUER } from '../support/mint-token.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { reservePort } from '../support/reserved-port.ts'
import { testEngine } from '../support/test-engine.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const OTHER_ENGINE = testEngine === 'node' ? 'native' : 'node'

let closedPort: number

before(async () => {
  closedPort = await reservePort()
})

/** Names of the fields that are not the server's. */
function ownFields({ headers }: Answer): readonly string[] {
  const framing = new Set(['content-length', 'date', 'connection', 'keep-alive'])
  return headers.map(([name]) => name).filter((name) => !framing.has(name))
}

interface Case {
  readonly about: string
  readonly request: () => ProxiedRequest
  readonly answers: string
}

const CASES: readonly Case[] = [
  { about: 'a JWT', request: () => request('/orders/1?a=b', bearer(token)), answers: '200' },
  {
    about: 'an API key',
    request: () => request('/orders/1', [['X-API-Key', KEY]]),
    answers: '200',
  },
  { about: 'no credential', request: () => request('/orders/1'), answers: '401 missing_token' },
  {
    about: 'an expired token',
    request: () => request('/orders/1', bearer(expired)),
    answers: '401 token_expired',
  },
  {
    about: 'a missing scope',
    request: () => request('/admin/1', bearer(token)),
    answers: '403 insufficient_scope',
  },
  {
    about: 'another tenant',
    request: () => request('/tenant/1', [...bearer(token), ['X-Tenant-Id', 'globex']]),
    answers: '403 tenant_mismatch',
  },
  {
    about: 'its own tenant',
    request: () => request('/tenant/1', [...bearer(token), ['X-Tenant-Id', 'acme']]),
    answers: '200',
  },
  {
    about: 'an outage',
    request: () => request('/opaque/1', bearer('opaque-token-0123456789')),
    answers: '503 verifier_unavailable',
  },
  { about: 'an open route', request: () => request('/open/1'), answers: '200' },
  { about: 'no route', request: () => request('/nowhere'), answers: '404 route_not_found' },
  {
    about: 'a method of no route',
    request: () => request('/orders/1', bearer(token), 'PROPFIND'),
    answers: '501 method_not_implemented',
  },
  {
    about: 'a path with dot segments',
    request: () => request('/orders/../admin/1', bearer(token)),
    answers: '400 invalid_request',
  },
  {
    about: 'an encoded slash',
    request: () => request('/orders%2F1', bearer(token)),
    answers: '400 invalid_request',
  },
  {
    about: 'a path of another case',
    request: () => request('/ORDERS/1', bearer(token)),
    answers: '400 invalid_request',
  },
  { about: 'a route in shadow', request: () => request('/shadow/1'), answers: '200' },
  {
    about: 'a forged identity',
    request: () => request('/open/1', [['X-User-Id', 'root']]),
    answers: '200',
  },
]

for (const [where, settings] of [
  ['the main port', {}],
  ['a port of its own', { port: 0, host: '127.0.0.1' }],
  ['a port of its own on the other engine', { port: 0, host: '127.0.0.1', engine: OTHER_ENGINE }],
] as const) {
  describe(`the decision endpoint on ${where}`, { concurrency: true }, () => {
    let gateway: TestGateway
    let port: number

    before(async () => {
      gateway = await openGateway(
        decisionPlan(closedPort, settings, { trustedProxies: ['127.0.0.0/8'] }),
      )
      port = 'port' in settings ? await portOfItsOwn(gateway) : gateway.port
    })

    for (const { about, request: asked, answers } of CASES) {
      for (const adapter of ADAPTERS) {
        it(`says by ${adapter} of ${about}: ${answers}`, async () => {
          assert.equal(statusAndCode(await askedVia(port, adapter, asked())), answers)
        })
      }

      it(`says what the gateway itself does of ${about}`, async () => {
        const { method, target, host, fields } = asked()
        const own: Fields = [['Host', host], ['X-Forwarded-Proto', 'https'], ...fields]
        assert.equal(statusAndCode(await ask(gateway.port, target, own, method)), answers)
      })
    }

    for (const adapter of ADAPTERS) {
      it(`tells by ${adapter} who is calling, and nothing else`, async () => {
        const known = await askedVia(port, adapter, request('/orders/1', bearer(token)))
        assert.equal(known.field('x-user-id'), 'user-1')
        assert.ok(
          ownFields(known).every((name) => name.startsWith('x-')),
          ownFields(known).join(' '),
        )
        for (const name of ['x-request-id', 'x-sallyport-code', 'cache-control']) {
          assert.equal(known.field(name), null)
        }
        assert.equal(known.text, '')
        assert.deepEqual(ownFields(await askedVia(port, adapter, request('/open/1'))), [])
        assert.deepEqual(ownFields(await askedVia(port, adapter, request('/shadow/1'))), [])
      })

      it(`refuses by ${adapter} as it refuses a client`, async () => {
        const answer = await askedVia(port, adapter, request('/orders/1', bearer(expired)))
        assert.match(answer.field('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/)
        assert.equal(answer.field('content-type'), 'application/problem+json')
        assert.equal(answer.field('x-sallyport-code'), 'token_expired')
      })

      it(`sends pages to the login by ${adapter}, and programs nowhere`, async () => {
        const page = request('/pages/1?a=b', [['Accept', 'text/html']])
        const sent = await askedVia(port, adapter, page)
        assert.equal(sent.status, 302)
        const asked = encodeURIComponent(`https://${HOST}/pages/1?a=b`)
        assert.equal(sent.field('location'), `/login?return_to=${asked}`)
        const program = await askedVia(port, adapter, request('/pages/1'))
        assert.equal(statusAndCode(program), '401 missing_token')
      })

      it(`lets a preflight pass by ${adapter}, for the service to answer`, async () => {
        const fields: Fields = [
          ['Origin', 'https://app.example.com'],
          ['Access-Control-Request-Method', 'PUT'],
        ]
        const answer = await askedVia(port, adapter, request('/shared/1', fields, 'OPTIONS'))
        assert.equal(answer.status, 200)
        assert.deepEqual(ownFields(answer), [])
        const other: Fields = [['Origin', 'https://evil.example'], ...fields.slice(1)]
        const evil = await askedVia(port, adapter, request('/shared/1', other, 'OPTIONS'))
        assert.equal(statusAndCode(evil), '401 missing_token')
        const from = (address: string) => {
          const far: Fields = [...fields, ['X-Forwarded-For', address]]
          return askedVia(port, adapter, request('/client/1', far, 'OPTIONS'))
        }
        assert.equal(statusAndCode(await from('127.0.0.10')), '200')
        assert.equal(statusAndCode(await from('192.0.2.1')), '403 address_denied')
      })

      it(`never upgrades by ${adapter}, and needs no body`, async () => {
        const handshake: Fields = [
          ...bearer(token),
          ['Connection', 'Upgrade'],
          ['Upgrade', 'websocket'],
          ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
          ['Sec-WebSocket-Version', '13'],
        ]
        const answer = await askedVia(port, adapter, request('/orders/1', handshake))
        assert.equal(statusAndCode(answer), '200')
        // nginx hands on the length of a body that it keeps to itself, unless it is told not to.
        const { method, target, fields } = callAbout(adapter, request('/orders/1', bearer(token)))
        const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
        const hostLine = fields.some(([name]) => name === 'Host') ? '' : 'Host: gateway\r\n'
        const bytes = `${method} ${target} HTTP/1.1\r\n${hostLine}${lines}Content-Length: 9\r\n\r\n`
        const reply = await exchangeRaw({ port }, bytes)
        assert.equal(reply.answers[0]?.status, 200)
      })
    }

    it('lets no page of a foreign site open a web socket with the cookies of its user', async () => {
      const cookie = await sessionOf(gateway, 'carol')
      const upgrade: Fields = [
        ['Upgrade', 'websocket'],
        ['Connection', 'Upgrade'],
        ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
      ]
      // What HAProxy and Envoy make of a handshake over HTTP/2, which has no key.
      const overHttp2: Fields = [['Sec-WebSocket-Version', '13']]
      for (const adapter of ADAPTERS) {
        for (const handshake of [upgrade, overHttp2]) {
          const own: Fields = [['Cookie', cookie], ...handshake]
          const from = (origin: string) =>
            askedVia(port, adapter, request('/orders/1', [...own, ['Origin', origin]]))
          assert.equal(statusAndCode(await from('https://evil.example')), '403 csrf_rejected')
          assert.equal(statusAndCode(await from(`https://${HOST}`)), '200')
        }
        const read = request('/orders/1', [
          ['Cookie', cookie],
          ['Origin', 'https://evil.example'],
        ])
        assert.equal(statusAndCode(await askedVia(port, adapter, read)), '200')
      }
    })

    it('answers HEAD without a body, as a script of HAProxy asks', async () => {
      const { target, fields } = callAbout('auth-request', request('/orders/1', bearer(token)))
      assert.equal((await ask(port, target, fields, 'HEAD')).status, 200)
      const bad = callAbout('auth-request', request('/orders/1'))
      assert.equal((await ask(port, bad.target, bad.fields, 'HEAD')).status, 401)
    })

    it('counts clients by what the proxy says of them', async () => {
      const from = (address: string) =>
        askedVia(port, 'forward-auth', request('/limited/1', [['X-Forwarded-For', address]]))
      const one = `192.0.2.${where.length}`
      assert.equal((await from(one)).status, 200)
      const refused = await from(one)
      assert.equal(statusAndCode(refused), '429 rate_limited')
      assert.notEqual(refused.field('retry-after'), null)
      assert.equal((await from(`198.51.100.${where.length}`)).status, 200)
    })

    it('is counted and told as what it is', async () => {
      const before = await gateway.metric('sallyport_requests_total', { outcome: 'passed' })
      await askedVia(port, 'forward-auth', request('/orders/1', bearer(token)))
      const now = await gateway.metric('sallyport_requests_total', { outcome: 'passed' })
      assert.ok(now > before)
    })
  })
}

describe('answers for nginx', () => {
  it('are 401 or 403, and say what they would have been', async () => {
    const gateway = await openGateway(
      decisionPlan(closedPort, { compat: 'nginx' }, { trustedProxies: ['127.0.0.0/8'] }),
    )
    const told = async (adapter: Adapter, asked: ProxiedRequest) => {
      const answer = await askedVia(gateway.port, adapter, asked)
      return `${answer.status} ${answer.field('x-sallyport-status')}`
    }
    const page = request('/pages/1', [['Accept', 'text/html']])
    assert.equal(await told('auth-request', page), '401 302')
    const sent = await askedVia(gateway.port, 'auth-request', page)
    assert.match(sent.field('location') ?? '', /^\/login/)
    const outage = request('/opaque/1', bearer('opaque-token-0123456789'))
    assert.equal(await told('auth-request', outage), '403 503')
    assert.equal(await told('forward-auth', outage), '503 null')
    assert.equal(await told('auth-request', request('/nowhere')), '403 404')
    assert.equal(await told('auth-request', request('//orders/1')), '403 400')
    const misnamed = { ...request('/orders/1'), host: 'a.example,b.example' }
    assert.equal(await told('auth-request', misnamed), '403 400')
    assert.equal(await told('auth-request', request('/orders/1')), '401 null')
    assert.equal(await told('auth-request', request('/admin/1', bearer(token))), '403 null')
    assert.equal(await told('auth-request', request('/orders/1', bearer(token))), '200 null')
    await gateway.stop()
  })
})

interface IntrospectingIssuer {
  readonly introspection?: object
}

describe('decisions that callers may keep', () => {
  it('say for how long, at most until the credential ends', async () => {
    const gateway = await openGateway(decisionPlan(closedPort, { maxAge: '60s' }))
    const kept = async (fields: Fields, target = '/orders/1') => {
      return (await askedVia(gateway.port, 'forward-auth', request(target, fields))).field(
        'cache-control',
      )
    }
    assert.equal(await kept(bearer(token)), 'private, max-age=60')
    const ending = liveToken(key, ISSUER, { sub: 'user-2', exp: wallSeconds() + 20 })
    assert.match((await kept(bearer(ending))) ?? '', /^private, max-age=(1\d|20)$/)
    assert.equal(await kept([], '/open/1'), 'private, max-age=60')
    assert.equal(await kept([], '/shadow/1'), 'private, max-age=0')
    assert.equal(await kept(bearer(expired)), 'no-store')
    await gateway.stop()
  })

  it('say no longer than the token that they tell is good for', async () => {
    const { routes = {}, ...plan } = decisionPlan(closedPort, { maxAge: '60s' })
    const minting = { ...routes['/orders/*'], identity: 'internal-token' }
    const gateway = await openGateway({
      ...plan,
      identity: { internalToken: { ttl: '10s' } },
      routes: { ...routes, '/orders/*': minting },
    })
    const asked = request('/orders/1', bearer(token))
    const answer = await askedVia(gateway.port, 'forward-auth', asked)
    assert.match(answer.field('authorization') ?? '', /^Bearer /)
    assert.match(answer.field('cache-control') ?? '', /^private, max-age=(9|10)$/)
    await gateway.stop()
  })

  it('say that they are none where a credential could not be verified', async () => {
    const plan = decisionPlan(closedPort, { maxAge: '60s' })
    const { main, down } = plan.issuers as Readonly<Record<string, IntrospectingIssuer>>
    const introspection = { ...down?.introspection, onOutage: 'pass-through', iUnderstand: true }
    const gateway = await openGateway({
      ...plan,
      issuers: { main, down: { ...down, introspection } },
    })
    const asked = request('/opaque/1', bearer('opaque-token-0123456789'))
    const answer = await askedVia(gateway.port, 'forward-auth', asked)
    assert.equal(answer.field('x-auth-status'), 'unverified')
    assert.equal(answer.field('cache-control'), 'private, max-age=0')
    await gateway.stop()
  })
})
