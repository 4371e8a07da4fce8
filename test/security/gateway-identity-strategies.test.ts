/**
 * Promise 3 under every strategy: whatever a client says about itself, and whatever token it sends
 * along, an upstream hears of a caller only in the way that its route is configured for.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, echoOf, errorOf, type Fields, valuesOf } from '../support/gateway-answer.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import type { Echo } from '../support/upstream-servers.ts'
import { connectionOptions, IDENTITY_NAMES, spellings } from './attacks/identity-spoofing.ts'

const ISSUER = 'https://idp.example.com/'
/** In every value that a client invents. */
const LIE = 'evil-7f3a'
const API_KEY = 'k'.repeat(40)

const key = mintKey('ES256', 'ec')
let jwks: FaultyServer
let parts: TestGateway

before(async () => {
  jwks = await FaultyServer.start()
  jwks.publish(publishedJwk(key))
  const authenticate = ['jwt', 'apiKey']
  const places = {
    credentials: [
      { from: 'cookie', name: 'token' },
      { from: 'header', name: 'X-Token' },
    ],
  }
  parts = await openGateway({
    issuers: {
      main: { issuer: ISSUER, audiences: [AUDIENCE], jwks: { uri: jwks.jwksUri } },
      lost: {
        issuer: 'https://lost.example.com/',
        audiences: [AUDIENCE],
        introspection: {
          endpoint: 'http://127.0.0.1:9/introspect',
          clientId: 'gateway',
          clientSecret: 's3cret',
          attempts: 1,
          onOutage: 'pass-through',
          iUnderstand: true,
        },
      },
    },
    apiKeys: { keys: [{ sha256: sha256(API_KEY), userId: 'machine' }] },
    identity: { strategy: 'internal-token' },
    routes: {
      '/token/*': { authenticate },
      '/token-places/*': { authenticate, ...places },
      '/token-optional/*': { authenticate: 'optional', issuers: ['main'] },
      '/token-outage/*': { authenticate: ['introspection'], issuers: ['lost'] },
      '/token-none/*': { authenticate: 'none' },
      '/headers/*': { authenticate, identity: 'headers' },
      '/through/*': { authenticate, identity: 'pass-through' },
      '/through-places/*': { authenticate, identity: 'pass-through', ...places },
      '/through-none/*': { authenticate: 'none', identity: 'pass-through' },
    },
  })
})

after(async () => {
  await parts.stop()
  await jwks.down()
})

function token(claims: Record<string, unknown> = {}): string {
  return liveToken(key, ISSUER, { sub: 'true-user', ...claims })
}

async function echoed(path: string, fields: Fields): Promise<Echo> {
  const answer = await ask(parts.port, path, fields)
  assert.equal(errorOf(answer), '200', `${path} ${JSON.stringify(fields)}`)
  return echoOf(answer)
}

/** What the upstream is told by identity fields; the request's own ids are no identity. */
function toldOf(echo: Echo): readonly string[] {
  return IDENTITY_NAMES.filter((name) => !/request|correlation/i.test(name)).flatMap((name) =>
    valuesOf(echo, name),
  )
}

/** `sub` of the one internal token that came, `null` when there is no `Authorization` at all. */
function internalSubject(echo: Echo): string | null {
  const values = valuesOf(echo, 'authorization')
  if (values.length === 0) return null
  assert.equal(values.length, 1)
  const claims = decodeJwt(String(values[0]).replace(/^Bearer /, ''))
  assert.equal(claims.iss, 'gateway.internal')
  return claims.sub ?? ''
}

const STRATEGIES = ['/token/1', '/headers/1', '/through/1'] as const

/** Nothing of the lie, and of the truth what the strategy tells. */
function assertTrue(path: string, echo: Echo): void {
  assert.equal(JSON.stringify(echo).includes(LIE), false, path)
  assert.equal(valuesOf(echo, 'x-request-id').length, 1)
  if (path !== '/headers/1') assert.deepEqual(toldOf(echo), [])
  else assert.deepEqual(valuesOf(echo, 'x-user-id'), ['true-user'])
  if (path === '/token/1') assert.equal(internalSubject(echo), 'true-user')
}

describe('a spoofed field (CWE-290)', () => {
  for (const path of STRATEGIES) {
    it(`dies in every spelling at ${path}`, async () => {
      const credential = bearer(token())
      for (const name of IDENTITY_NAMES) {
        const lies: Fields = spellings(name).map((spelling) => [spelling, LIE] as const)
        for (const fields of [
          [...lies, ...credential],
          [...credential, ...lies],
        ]) {
          assertTrue(path, await echoed(path, fields))
        }
      }
    })

    it(`cannot be had at ${path} by taking ours away with Connection`, async () => {
      const options = connectionOptions([...IDENTITY_NAMES, 'Authorization'])
      for (const connection of [...options, 'AUTHORIZATION', 'close, authorization']) {
        const fields: Fields = [['Connection', connection], ['X-User-Id', LIE], ...bearer(token())]
        assertTrue(path, await echoed(path, fields))
      }
    })

    it(`is refused at ${path} when it repeats the credential`, async () => {
      const twice = [...bearer(token()), ...bearer(token({ sub: LIE }))]
      assert.equal(errorOf(await ask(parts.port, path, twice)), 'invalid_request')
    })
  }
})

describe('internal-token', () => {
  const forged = (): Fields => {
    const values = [`Bearer ${token({ sub: LIE })}`, `Basic ${LIE}`, LIE]
    const names = ['Authorization', 'authorization', 'AUTHORIZATION', 'aUTHORIZATION']
    return names.flatMap((name) => values.map((value) => [name, value] as const))
  }

  it('replaces the credential and says who is calling in nothing else', async () => {
    const echo = await echoed('/token/1', bearer(token()))
    assert.equal(internalSubject(echo), 'true-user')
    assert.deepEqual(toldOf(echo), [])
    assert.equal(valuesOf(echo, 'x-request-id').length, 1)
  })

  it('takes Authorization away wherever the credential was', async () => {
    for (const field of forged()) {
      const cookie = await echoed('/token-places/1', [field, ['Cookie', `token=${token()}; a=1`]])
      assert.equal(internalSubject(cookie), 'true-user')
      assert.equal(cookie.headers.cookie, 'a=1')
      const header = await echoed('/token-places/1', [['X-Token', token()], field])
      assert.equal(internalSubject(header), 'true-user')
      assert.deepEqual(valuesOf(header, 'x-token'), [])
      const apiKey = await echoed('/token-places/1', [field, ['X-API-Key', API_KEY]])
      assert.equal(internalSubject(apiKey), 'machine')
      assert.deepEqual(valuesOf(apiKey, 'x-api-key'), [])
    }
  })

  it('is refused with a second Authorization, even where another credential decides', async () => {
    for (const field of forged()) {
      const fields: Fields = [field, ['X-Token', token()], field]
      const answer = await ask(parts.port, '/token-places/1', fields)
      assert.equal(errorOf(answer), 'invalid_request')
    }
  })

  it('lets nothing in Authorization pass where the caller is anonymous', async () => {
    const basic = ['Basic', 'Digest', 'Negotiate'].map(
      (scheme) => ['Authorization', `${scheme} ${LIE}`] as const,
    )
    for (const field of basic) {
      const echo = await echoed('/token-optional/1', [field])
      assert.equal(internalSubject(echo), null)
      assert.equal(JSON.stringify(echo).includes(LIE), false)
    }
    for (const field of forged()) {
      assert.equal(internalSubject(await echoed('/token-none/1', [field, field])), null)
    }
    assert.equal(internalSubject(await echoed('/token-optional/1', [])), null)
    assert.equal(internalSubject(await echoed('/token-optional/1', bearer(token()))), 'true-user')
  })

  it('mints nothing for a caller that could not be verified', async () => {
    const echo = await echoed('/token-outage/1', bearer('opaque-token'))
    assert.equal(internalSubject(echo), null)
    assert.deepEqual(toldOf(echo), ['unverified'])
  })

  it('is no credential when it comes back from outside', async () => {
    const echo = await echoed('/token/1', bearer(token()))
    const internal = String(valuesOf(echo, 'authorization')[0])
    const forwardedBefore = parts.upstream.requests
    for (const path of [...STRATEGIES, '/token-optional/1']) {
      const answer = await ask(parts.port, path, [['Authorization', internal]])
      // No issuer that the gateway trusts: its own name is none of them.
      assert.equal(errorOf(answer), 'invalid_claims', path)
    }
    assert.equal(parts.upstream.requests, forwardedBefore, 'it reached the upstream')
  })

  it('cannot be smuggled behind an odd name or in a trailer', async () => {
    const good = `Cookie: token=${token()}\r\n`
    const head = `GET /token-places/1 HTTP/1.1\r\nHost: a\r\n${good}`
    for (const field of ['Authorization : ', 'Authorization\t: ', 'X: a\r\n Authorization: ']) {
      const reply = await exchangeRaw(parts.port, `${head}${field}Bearer ${LIE}\r\n\r\n`)
      assert.equal(reply.text.includes(LIE), false, field)
    }
    const chunked = `${head.replace('GET', 'POST')}Origin: http://a\r\nTransfer-Encoding: chunked\r\n\r\n`
    const reply = await exchangeRaw(
      parts.port,
      `${chunked}2\r\nok\r\n0\r\nAuthorization: Bearer ${LIE}\r\n\r\n`,
    )
    assert.equal(reply.text.includes(LIE), false)
  })
})

describe('pass-through', () => {
  it('sends the credential on as it came, and tells nothing', async () => {
    const good = token()
    const header = await echoed('/through/1?x=1', bearer(good))
    assert.deepEqual(valuesOf(header, 'authorization'), [`Bearer ${good}`])
    assert.deepEqual(toldOf(header), [])
    const cookie = await echoed('/through-places/1', [['Cookie', `a=1; token=${good}`]])
    assert.equal(cookie.headers.cookie, `a=1; token=${good}`)
    const apiKey = await echoed('/through/1', [['X-API-Key', API_KEY]])
    assert.deepEqual(valuesOf(apiKey, 'x-api-key'), [API_KEY])
    assert.deepEqual(toldOf(apiKey), [])
  })

  it('still refuses a bad credential', async () => {
    const expired = bearer(token({ exp: 1_000_000 }))
    assert.equal(errorOf(await ask(parts.port, '/through/1', expired)), 'token_expired')
    assert.equal(errorOf(await ask(parts.port, '/through/1', [])), 'missing_token')
  })

  it('keeps the field on a route without authentication', async () => {
    const echo = await echoed('/through-none/1', [['Authorization', 'Basic YTpi']])
    assert.deepEqual(valuesOf(echo, 'authorization'), ['Basic YTpi'])
  })
})

describe('headers', () => {
  it('leaves no credential and tells who is calling', async () => {
    const echo = await echoed('/headers/1', bearer(token()))
    assert.deepEqual(valuesOf(echo, 'authorization'), [])
    assert.deepEqual(valuesOf(echo, 'x-user-id'), ['true-user'])
    assert.deepEqual(valuesOf(echo, 'x-tenant-plan'), [])
  })
})
