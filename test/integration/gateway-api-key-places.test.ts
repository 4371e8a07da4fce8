/**
 * API keys where clients send them: as bearer tokens, under schemes of their own, in queries and in
 * cookies; beside tokens at the same place, from which their form alone tells them.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { SignJWT } from 'jose'
import { eventually } from '../support/eventually.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { IntrospectionServer, json } from '../support/introspection-server.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const SECRET = 's'.repeat(32)
const KEY = 'sk-proj-1a2b3c'
/** Of three parts with dots between, as those of SendGrid are. */
const DOTTED = 'SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc1s5cr'
const PREFIXED = 'shop_1a2b3c'
const AUTHORIZATION = { from: 'header', name: 'Authorization' }

let introspection: IntrospectionServer
let gateway: TestGateway
let prefixing: TestGateway
let jwt: string
/** A JWT of a stranger, whose digest is listed as that of a key. */
let listedJwt: string

before(async () => {
  introspection = await IntrospectionServer.start()
  const claims = { sub: 'user', aud: 'api', iss: 'main' }
  const sign = (secret: string, iss: string) =>
    new SignJWT({ ...claims, iss })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1h')
      .sign(Buffer.from(secret))
  jwt = await sign(SECRET, 'main')
  listedJwt = await sign('t'.repeat(32), 'stranger')
  const keys = [KEY, DOTTED, PREFIXED, listedJwt].map((key) => {
    return { sha256: sha256(key), userId: `key-${key.slice(0, 2)}` }
  })
  const issuers = {
    main: { issuer: 'main', audiences: ['api'], algorithms: ['HS256'], secret: SECRET },
  }
  gateway = await openGateway({
    ...{ accessLog: 1, issuers, sessions: { store: 'memory' }, apiKeys: { keys } },
    routes: {
      '/bearer/*': { authenticate: ['apiKey'], apiKeyPlaces: [AUTHORIZATION] },
      '/scheme/*': {
        authenticate: ['apiKey'],
        apiKeyPlaces: [{ ...AUTHORIZATION, prefix: 'ApiKey' }],
      },
      '/raw/*': { authenticate: ['apiKey'], apiKeyPlaces: [{ ...AUTHORIZATION, prefix: null }] },
      '/query/*': { authenticate: ['apiKey'], apiKeyPlaces: [{ from: 'query', name: 'api_key' }] },
      '/cookie/*': { authenticate: ['apiKey'], apiKeyPlaces: [{ from: 'cookie', name: 'key' }] },
      '/both/*': {
        authenticate: ['jwt', 'apiKey'],
        apiKeyPlaces: [AUTHORIZATION, { from: 'header', name: 'X-API-Key' }],
      },
      '/keys-first/*': {
        authenticate: ['apiKey', 'jwt'],
        apiKeyPlaces: [AUTHORIZATION],
      },
      '/optional/*': { authenticate: 'optional', apiKeyPlaces: [AUTHORIZATION] },
    },
  })
  prefixing = await openGateway({
    issuers: { opaque: introspection.issuer('opaque'), ...issuers },
    apiKeys: { prefix: 'shop_', keys },
    routes: {
      '/all/*': { authenticate: ['introspection', 'jwt', 'apiKey'], apiKeyPlaces: [AUTHORIZATION] },
    },
  })
})

after(() => introspection.down())

const bearer = (text: string) => ({ authorization: `Bearer ${text}` })
const callerOf = (answer: Answer) => {
  return answer.status === 200 ? upstreamField(answer, 'x-user-id') : outcomeOf(answer)
}
const ask = async (path: string, fields: Record<string, string> = {}, method = 'GET') =>
  callerOf(await gateway.ask(path, fields, method))

describe('an API key', () => {
  it('comes as a bearer token: OpenAI clients, APISIX key-auth, Higress', async () => {
    assert.equal(await ask('/bearer/x', bearer(KEY)), 'key-sk')
    assert.equal(await ask('/bearer/x', { authorization: `bEARER  ${KEY}` }), 'key-sk')
    const answer = await gateway.ask('/bearer/x', bearer(KEY))
    assert.equal(upstreamField(answer, 'authorization'), null)
    const missing = await gateway.ask('/bearer/x')
    assert.equal(missing.field('www-authenticate'), 'Bearer realm="sallyport"')
    assert.equal(outcomeOf(missing), '401 missing_token')
    const bad = await gateway.ask('/bearer/x', bearer('sk-proj-other'))
    assert.equal(outcomeOf(bad), '401 invalid_api_key')
    assert.equal(bad.field('www-authenticate'), 'Bearer realm="sallyport"')
  })

  it('comes with a scheme of its own, or as the whole of Authorization: Kong, Elasticsearch', async () => {
    assert.equal(await ask('/scheme/x', { authorization: `ApiKey ${KEY}` }), 'key-sk')
    assert.equal(await ask('/scheme/x', bearer(KEY)), '401 missing_token')
    const missing = await gateway.ask('/scheme/x')
    assert.equal(missing.field('www-authenticate'), 'ApiKey realm="sallyport"')
    assert.equal(await ask('/raw/x', { authorization: KEY }), 'key-sk')
    assert.equal(await ask('/raw/x', bearer(KEY)), '401 invalid_api_key')
  })

  it('comes in the query, and is taken out of the URL in every spelling', async () => {
    const answer = await gateway.ask(`/query/x?a=1&api_key=${KEY}&b=2`)
    assert.equal(callerOf(answer), 'key-sk')
    assert.equal((JSON.parse(answer.text) as { url: string }).url, '/query/x?a=1&b=2')
    assert.equal(await ask(`/query/x?API%5Fkey=${KEY}`), 'key-sk')
    const missing = await gateway.ask('/query/x')
    assert.equal(missing.field('www-authenticate'), 'ApiKey realm="sallyport", query="api_key"')
  })

  it('is decoded once where URLSearchParams and cookie libraries encode it', async () => {
    const [once, twice] = [KEY.replaceAll('-', '%2D'), KEY.replaceAll('-', '%252D')]
    assert.equal(await ask(`/query/x?api_key=${once}`), 'key-sk')
    assert.equal(await ask('/cookie/x', { cookie: `key=${once}` }), 'key-sk')
    assert.equal(await ask(`/query/x?api_key=${twice}`), '401 invalid_api_key')
    assert.equal(await ask('/cookie/x', { cookie: `key=${twice}` }), '401 invalid_api_key')
  })

  it('comes in a cookie, where a page of another site cannot use it', async () => {
    assert.equal(await ask('/cookie/x', { cookie: `a=1; key=${KEY}` }), 'key-sk')
    const answer = await gateway.ask('/cookie/x', { cookie: `a=1; key=${KEY}` })
    assert.equal(upstreamField(answer, 'cookie'), 'a=1')
    const forged = { cookie: `key=${KEY}`, origin: 'https://evil.example' }
    assert.equal(await ask('/cookie/x', forged, 'POST'), '403 csrf_rejected')
  })

  it('that is there twice is refused, whatever the two are', async () => {
    assert.equal(await ask(`/query/x?api_key=${KEY}&api_key[]=${KEY}`), '400 invalid_request')
    assert.equal(await ask('/cookie/x', { cookie: `key=${KEY}; key=x` }), '400 invalid_request')
    const two = { ...bearer(KEY), 'x-api-key': KEY }
    assert.equal(await ask('/both/x', two), '400 invalid_request')
    const raw = await gateway.ask('/bearer/x', [
      ['Authorization', `Bearer ${KEY}`],
      ['Authorization', 'Basic eDp5'],
    ])
    assert.equal(outcomeOf(raw), '400 invalid_request')
  })

  it('in a place that the route does not name is not looked at, and in no log', async () => {
    const elsewhere = { ...bearer(KEY), 'x-api-key': KEY, cookie: `key=${KEY}; api_key=${KEY}` }
    assert.equal(await ask(`/query/x?key=${KEY}&apikey=${KEY}`, elsewhere), '401 missing_token')
    assert.equal(await ask(`/bearer/x?api_key=${KEY}`, { 'x-api-key': KEY }), '401 missing_token')
    assert.equal(await ask(`/query/x?api_key=${KEY}x`), '401 invalid_api_key')
    const id = (await gateway.ask(`/query/y?api_key=${KEY}`)).field('x-request-id')
    const isTold = () => gateway.log.some((line) => line['requestId'] === id)
    await eventually('the access log has the request', isTold)
    const { body } = await gateway.admin('/refusals')
    assert.equal(JSON.stringify([gateway.log, body]).includes(KEY), false)
  })
})

describe('an API key and a token at one place', () => {
  it('are told apart by form: each goes its way, whatever the order of the route', async () => {
    for (const path of ['/both/x', '/keys-first/x', '/optional/x']) {
      assert.equal(await ask(path, bearer(jwt)), 'user', path)
      assert.equal(await ask(path, bearer(KEY)), 'key-sk', path)
      assert.equal(await ask(path, bearer(DOTTED)), 'key-SG', path)
    }
    assert.equal(await ask('/both/x', { 'x-api-key': KEY }), 'key-sk')
  })

  it('never rescue each other: what has the form of one is not tried as the other', async () => {
    for (const path of ['/both/x', '/keys-first/x', '/optional/x']) {
      // Listed as a key, and good as one where no tokens are taken.
      assert.match((await ask(path, bearer(listedJwt))) ?? '', /^401 invalid_(token|claims)$/)
      assert.equal(await ask(path, bearer(`${jwt}x`)), '401 invalid_token')
      assert.equal(await ask(path, bearer(`x${jwt}`)), '401 invalid_api_key')
      assert.equal(await ask(path, bearer('unknown')), '401 invalid_api_key')
      const two = [...Object.entries(bearer(jwt)), ...Object.entries(bearer(KEY))]
      assert.equal(outcomeOf(await gateway.ask(path, two)), '400 invalid_request')
    }
    assert.equal(await ask('/bearer/x', bearer(listedJwt)), 'key-ey')
    const badAndGood = { ...bearer(`${jwt}x`), 'x-api-key': KEY }
    assert.equal(await ask('/both/x', badAndGood), '401 invalid_token')
  })

  it('are told apart by a prefix beside opaque tokens, and no key is told to an issuer', async () => {
    introspection.reply = json({ active: true, sub: 'opaque', aud: 'api' })
    const asked = (text: string) => prefixing.ask('/all/x', bearer(text))
    assert.equal(callerOf(await asked(PREFIXED)), 'key-sh')
    assert.equal(callerOf(await asked('shop_unknown')), '401 invalid_api_key')
    assert.equal(introspection.requests.length, 0)
    assert.equal(callerOf(await asked(KEY)), 'opaque', 'without the prefix it is a token')
    assert.equal(callerOf(await asked(jwt)), 'user')
    assert.deepEqual(
      introspection.requests.map(({ form }) => form.get('token')),
      [KEY],
    )
  })
})
