/**
 * Promise 3, on the wire: what an upstream hears about a caller comes from the gateway alone,
 * whatever the caller says about itself, on every kind of route.
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { only } from '../support/engine-differences.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, echoOf, errorOf, type Fields, valuesOf } from '../support/gateway-answer.ts'
import type { GatewayPlan } from '../support/gateway-text.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { exchangeRaw, type RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { type Echo, startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'
import {
  connectionOptions,
  HIDING_PLACES,
  IDENTITY_NAMES,
  ORIGIN_NAMES,
  PROXY_PREAMBLE,
  spellings,
} from './attacks/identity-spoofing.ts'

const ISSUER = 'https://idp.example.com/'
/** In every value that a client invents. */
const LIE = 'evil-7f3a'
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Names that the second gateway is configured to use. */
const RENAMED = { userId: 'X-Subject', email: null, roles: 'Remote-Groups', requestId: 'X-Trace' }

const key = mintKey('ES256', 'ec')
let jwks: FaultyServer
let upstream: UpstreamServer
let gateway: TestGateway
let renamed: TestGateway

before(async () => {
  upstream = await startEchoUpstream()
  jwks = await FaultyServer.start()
  jwks.publish(publishedJwk(key))
  gateway = await openGateway(configuration({}))
  renamed = await openGateway(configuration({ headers: RENAMED }))
})

after(async () => {
  await gateway.stop()
  await renamed.stop()
  await jwks.down()
  await upstream.close()
})

function configuration(identity: Record<string, unknown>): GatewayPlan {
  return {
    authenticate: ['jwt'],
    accessLog: 1,
    upstream: upstream.origin,
    identity,
    issuers: { main: { issuer: ISSUER, audiences: [AUDIENCE], jwks: { uri: jwks.jwksUri } } },
    routes: {
      '/optional/*': { authenticate: 'optional' },
      '/none/*': { authenticate: 'none' },
      '/places/*': {
        credentials: [
          { from: 'header' },
          { from: 'header', name: 'X-Token' },
          { from: 'cookie', name: 'token' },
          { from: 'query', name: 'access_token' },
        ],
      },
      '/*': {},
    },
  }
}

function token(claims: Record<string, unknown> = {}): string {
  return liveToken(key, ISSUER, claims)
}

/** What reached the upstream has no trace of the lie. */
async function askTruly(port: number, path: string, fields: Fields): Promise<Echo> {
  const answer = await ask(port, path, fields)
  assert.equal(errorOf(answer), '200', answer.body.toString())
  const echo = echoOf(answer)
  const found = echo.rawHeaders.filter((text) => text.includes(LIE))
  assert.deepEqual(found, [], `${path} with ${JSON.stringify(fields.slice(0, 3))}`)
  return echo
}

/** The same fields before a credential, behind it, and around it. */
function around(fields: Fields, credential: Fields): readonly Fields[] {
  return [
    [...fields, ...credential],
    [...credential, ...fields],
    [...fields.slice(0, 2), ...credential, ...fields.slice(0, 2)],
  ]
}

function lies(name: string): Fields {
  return spellings(name).map((spelling) => [spelling, LIE] as const)
}

const ROUTES = [
  ['required', '/any', true],
  ['optional, with a token', '/optional/1', true],
  ['optional, without a token', '/optional/1', false],
  ['none', '/none/1', false],
] as const

describe('a spoofed field (CWE-290)', () => {
  for (const [kind, path, hasToken] of ROUTES) {
    it(`never reaches an upstream behind a route that is ${kind}`, async () => {
      const credential = hasToken ? bearer(token({ sub: 'true-user', roles: ['reader'] })) : []
      const identity = hasToken ? [['true-user'], ['reader'], ['acme']] : [[], [], []]
      const names = [...IDENTITY_NAMES, ...ORIGIN_NAMES]
      for (const fields of names.flatMap((name) => around(lies(name), credential))) {
        const echo = await askTruly(gateway.port, path, fields)
        const told = ['x-user-id', 'x-user-roles', 'x-tenant-id'].map((name) =>
          valuesOf(echo, name),
        )
        assert.deepEqual(told, identity)
        assert.equal(valuesOf(echo, 'x-request-id').length, 1)
      }
    })
  }

  it('does not stand in for what the token does not say', async () => {
    const bare = { email: undefined, roles: undefined, tenant_id: undefined, org_id: undefined }
    const credential = bearer(token({ ...bare, sid: undefined, scope: undefined }))
    const spoofed = IDENTITY_NAMES.map((name) => [name, LIE] as const)
    const echo = await askTruly(gateway.port, '/any', [...spoofed, ...credential])
    for (const name of ['X-User-Email', 'X-User-Roles', 'X-Tenant-Id', 'X-Org-Id']) {
      assert.deepEqual(valuesOf(echo, name), [])
    }
    assert.deepEqual(valuesOf(echo, 'X-Session-Id'), [])
    assert.deepEqual(valuesOf(echo, 'X-Token-Scopes'), [])
  })

  it('cannot be had by taking ours away (Connection options, RFC 9110 §7.6.1)', async () => {
    const names = [...IDENTITY_NAMES, ...ORIGIN_NAMES, 'traceparent', 'host']
    for (const connection of connectionOptions(names)) {
      const fields: Fields = [
        ['Connection', connection],
        ['X-User-Id', LIE],
        ...bearer(token({ sub: 'true-user' })),
      ]
      const echo = await askTruly(gateway.port, '/any', fields)
      assert.deepEqual(valuesOf(echo, 'x-user-id'), ['true-user'])
      assert.deepEqual(valuesOf(echo, 'x-tenant-id'), ['acme'])
      assert.equal(valuesOf(echo, 'x-request-id').length, 1)
      assert.deepEqual(valuesOf(echo, 'x-forwarded-for'), ['127.0.0.1'])
      assert.deepEqual(valuesOf(echo, 'host'), ['gateway.test'])
    }
  })

  it('cannot hide in a folded line, behind an odd name or in a trailer', async () => {
    const before = upstream.requests
    const { port } = gateway
    const head = `GET /any HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token()}\r\n`
    for (const field of HIDING_PLACES) {
      // The native server waits for more behind a lone CR, until its own deadline.
      const deadlineMs = 500
      const reply = await exchangeRaw(port, `${head}${field}${LIE}\r\n\r\n`, { deadlineMs })
      for (const { status, body } of reply.answers) {
        if (status === 200) assert.equal(body.includes(LIE), false, JSON.stringify(field))
        else assert.equal(status, 400, JSON.stringify(field))
      }
    }
    const chunked = `${head.replace('GET', 'POST')}Transfer-Encoding: chunked\r\nTrailer: X-User-Id\r\n\r\n`
    const body = `2\r\nok\r\n0\r\nX-User-Id: ${LIE}\r\n\r\n`
    const reply = await exchangeRaw(port, `${chunked}${body}`)
    assert.equal(reply.text.includes(LIE), false)
    assert.ok(upstream.requests - before <= HIDING_PLACES.length + 1)
  })

  const readPast = only('native', 'proxy_header_untrusted')

  it('cannot come with the PROXY protocol from a peer that is not trusted', readPast, async () => {
    const head = `GET /any HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token()}\r\n\r\n`
    const reply = await exchangeRaw(gateway.port, `${PROXY_PREAMBLE}${head}`)
    const echo = echoOf(reply.answers[0] as RawAnswer)
    assert.deepEqual(valuesOf(echo, 'x-forwarded-for'), ['127.0.0.1'])
    assert.equal(JSON.stringify(echo).includes('6.6.6.6'), false)
  })

  const UNUSED = ['x-user-id', 'x-user-email', 'x-user-roles', 'x-request-id']
  for (const [path, subject, roles] of [
    ['/any', ['true-user'], ['admin,reader']],
    ['/none/1', [], []],
  ] as const) {
    it(`stays out of ${path} under configured names and under the usual ones`, async () => {
      const credential = path === '/any' ? bearer(token({ sub: 'true-user' })) : []
      for (const name of [...IDENTITY_NAMES, 'X-Subject', 'Remote-Groups', 'X-Trace']) {
        const echo = await askTruly(renamed.port, path, [...lies(name), ...credential])
        assert.deepEqual(valuesOf(echo, 'x-subject'), subject)
        assert.deepEqual(valuesOf(echo, 'remote-groups'), roles)
        assert.deepEqual(
          UNUSED.flatMap((unused) => valuesOf(echo, unused)),
          [],
        )
        assert.match(valuesOf(echo, 'x-trace')[0] ?? '', UUID_V7)
      }
    })
  }
})

describe('the identity on the wire', () => {
  it('is visible ASCII, one field each, whatever the claims say', async () => {
    const claims = {
      sub: `Zoë, 100%\r\nX-User-Roles: root`,
      email: 'a b@example.com',
      roles: ['a,b', 'c d', 'é'],
      sid: 'secret session',
    }
    const echo = await askTruly(gateway.port, '/any', bearer(token(claims)))
    const encoded = 'Zo%C3%AB,%20100%25%0D%0AX-User-Roles:%20root'
    assert.deepEqual(valuesOf(echo, 'x-user-id'), [encoded])
    assert.deepEqual(valuesOf(echo, 'x-user-email'), ['a%20b@example.com'])
    assert.deepEqual(valuesOf(echo, 'x-user-roles'), ['a%2Cb,c%20d,%C3%A9'])
    assert.deepEqual(valuesOf(echo, 'x-session-id'), [hash('sha256', 'secret session')])
  })

  it('comes without the credential, wherever that was', async () => {
    const good = token()
    const ways: readonly (readonly [target: string, fields: Fields, left: string])[] = [
      ['/places/1?x=1', bearer(good), ''],
      ['/places/1?x=1', [['X-Token', good]], ''],
      ['/places/1?x=1', [['Cookie', `a=1; token=${good}; b=2`]], 'a=1; b=2'],
      ['/places/1?x=1', [['Cookie', `token=${good}`]], ''],
      [`/places/1?access_token=${good}&x=1`, [['Cookie', 'a=1']], 'a=1'],
      [`/places/1?x=1&access_token=${good}`, [], ''],
    ]
    for (const [target, fields, left] of ways) {
      const echo = await askTruly(gateway.port, target, fields)
      assert.equal(JSON.stringify(echo).includes(good.slice(0, 40)), false, target)
      assert.equal(echo.url, '/places/1?x=1')
      assert.equal(echo.headers.cookie ?? '', left)
      assert.deepEqual(valuesOf(echo, 'x-user-id'), ['user-123'])
    }
  })
})
