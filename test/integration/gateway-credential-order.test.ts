/** Several kinds of credential on one route: the first that is there decides. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type IdentityProvider, startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { RedisServer } from '../support/redis-server.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const KEY = 'key-of-the-list'
const REDIS_KEY = 'key-of-redis'
const OLD_KEY = 'key-that-has-ended'

let redis: RedisServer
let provider: IdentityProvider
let parts: TestGateway
let jwt: string
let opaque: string
const session = newSessionId()

before(async () => {
  redis = await RedisServer.start()
  provider = await startIdentityProvider({ algorithms: ['ES256'], audience: 'api' })
  parts = await openGateway({
    redis: redis.patientSettings,
    sessions: {},
    apiKeys: {
      redis: true,
      keys: [
        { sha256: sha256(KEY), userId: 'machine', scopes: ['read'], roles: ['batch'] },
        { sha256: sha256(OLD_KEY), userId: 'old', expiresAt: '2020-01-01T00:00:00Z' },
      ],
    },
    issuers: {
      main: {
        issuer: provider.issuer,
        audiences: ['api'],
        algorithms: ['ES256'],
        jwks: { discovery: true },
        introspection: {
          endpoint: provider.introspectionEndpoint,
          clientId: provider.clientId,
          clientSecret: provider.clientSecret,
          timeout: '2s',
        },
      },
    },
    routes: {
      '/all/*': { authenticate: ['jwt', 'introspection', 'session', 'apiKey'] },
      '/session/*': { authenticate: ['session', 'jwt'] },
      '/key/*': { authenticate: ['apiKey'] },
      '/optional/*': { authenticate: 'optional' },
    },
  })
  jwt = await provider.issueAccessToken({ claims: { sub: 'jwt' } })
  opaque = await provider.issueOpaqueToken({ claims: { sub: 'opaque' } })
  await redis.command('SET', `sess:${sha256(session)}`, '{"userId":"session"}', 'EX', '600')
  await redis.command('SET', `apikey:${sha256(REDIS_KEY)}`, '{"userId":"stored"}')
})

after(async () => {
  await parts.stop()
  await provider.stop()
  await redis.stop()
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const cookie = (id: string) => ({ cookie: `__Host-sid=${id}` })
const key = (text: string) => ({ 'x-api-key': text })

describe('an API key', () => {
  it('is known from the list and from Redis, and does not reach the upstream', async () => {
    const listed = await parts.ask('/key/x', key(KEY))
    assert.equal(upstreamField(listed, 'x-user-id'), 'machine')
    assert.equal(upstreamField(listed, 'x-user-roles'), 'batch')
    assert.equal(upstreamField(listed, 'x-api-key'), null)
    assert.equal(upstreamField(await parts.ask('/key/x', key(REDIS_KEY)), 'x-user-id'), 'stored')
  })

  it('that is unknown or has ended is invalid', async () => {
    for (const text of ['unknown', OLD_KEY, sha256(KEY)]) {
      const reply = await parts.ask('/key/x', key(text))
      assert.equal(outcomeOf(reply), '401 invalid_api_key')
      const challenge = 'ApiKey realm="sallyport", header="x-api-key"'
      assert.equal(reply.field('www-authenticate'), challenge)
    }
  })

  it('that was withdrawn from Redis is refused on the very next request', async () => {
    const text = 'soon-withdrawn'
    await redis.command('SET', `apikey:${sha256(text)}`, '{"userId":"u"}')
    assert.equal(outcomeOf(await parts.ask('/key/x', key(text))), 'passed')
    await redis.command('DEL', `apikey:${sha256(text)}`)
    assert.equal(outcomeOf(await parts.ask('/key/x', key(text))), '401 invalid_api_key')
  })
})

describe('a route that takes several kinds of credential', () => {
  it('takes each of them by itself', async () => {
    for (const [headers, subject] of [
      [bearer(jwt), 'jwt'],
      [bearer(opaque), 'opaque'],
      [cookie(session), 'session'],
      [key(KEY), 'machine'],
    ] as const) {
      assert.equal(upstreamField(await parts.ask('/all/x', headers), 'x-user-id'), subject)
      assert.equal(upstreamField(await parts.ask('/optional/x', headers), 'x-user-id'), subject)
    }
  })

  it('lets the first in its own order decide, and takes all of them out', async () => {
    const everything = { ...bearer(jwt), ...cookie(session), ...key(KEY) }
    const first = await parts.ask('/all/x', everything)
    assert.equal(upstreamField(first, 'x-user-id'), 'jwt')
    for (const name of ['authorization', 'cookie', 'x-api-key']) {
      assert.equal(upstreamField(first, name), null, name)
    }
    assert.equal(upstreamField(await parts.ask('/session/x', everything), 'x-user-id'), 'session')
  })

  it('never lets a good credential rescue a bad one that comes first', async () => {
    const good = { ...cookie(session), ...key(KEY) }
    const before = parts.upstream.requests
    const forged = `${jwt.slice(0, -8)}AAAAAAAA`
    for (const [path, headers, expected] of [
      ['/all/x', { ...bearer(forged), ...good }, '401 invalid_token'],
      ['/all/x', { ...bearer('unknown'), ...good }, '401 inactive_token'],
      ['/all/x', { authorization: 'Bearer a b', ...good }, '400 invalid_request'],
      ['/all/x', { ...cookie(newSessionId()), ...key(KEY) }, '401 session_not_found'],
      ['/session/x', { ...cookie('short'), ...bearer(jwt) }, '401 invalid_session_format'],
      ['/optional/x', { ...bearer(forged), ...good }, '401 invalid_token'],
    ] as const) {
      assert.equal(outcomeOf(await parts.ask(path, headers)), expected)
    }
    assert.equal(parts.upstream.requests, before)
  })

  it('refuses two of a kind even where another kind decides', async () => {
    const doubled = { cookie: `__Host-sid=${session}; __Host-sid=${newSessionId()}` }
    assert.equal(
      outcomeOf(await parts.ask('/all/x', { ...bearer(jwt), ...doubled })),
      '400 invalid_request',
    )
  })

  it('names all of them when none came', async () => {
    const reply = await parts.ask('/all/x')
    assert.equal(outcomeOf(reply), '401 missing_token')
    assert.match(reply.field('www-authenticate') ?? '', /^Bearer .*, Cookie .*, ApiKey /)
    assert.equal(outcomeOf(await parts.ask('/session/x')), '401 no_session')
    const anonymous = await parts.ask('/optional/x', { 'x-user-id': 'mallory' })
    assert.equal(upstreamField(anonymous, 'x-user-id'), null)
  })
})
