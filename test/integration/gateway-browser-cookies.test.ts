/** Cookies as browsers and login services send them, through whole gateways with a real Redis. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type ExpressLogin, startExpressLogin } from '../support/express-login.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { liveToken } from '../support/live-token.ts'
import { AUDIENCE, ISSUER, type MintingKey, mintKey } from '../support/mint-token.ts'
import { RedisServer } from '../support/redis-server.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const SECRET = 'a secret of the login service'
const SHOP = 'https://shop.example.com'
/** As nginx sends them in front of Django and Rails. */
const BEHIND_TLS = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'shop.example.com' }

let redis: RedisServer

before(async () => {
  redis = await RedisServer.start()
})
after(() => redis.stop())

describe('the cookie of express-session', () => {
  let login: ExpressLogin
  /** Another application on the same host: it knows neither our secret nor our ids. */
  let other: ExpressLogin
  /** One whose ids are made by `genid`. */
  let odd: ExpressLogin
  let gateway: TestGateway

  before(async () => {
    const cookie = { domain: '.example.com', path: '/', sameSite: 'lax' } as const
    login = await startExpressLogin(redis, SECRET, { cookie })
    other = await startExpressLogin(redis, 'a secret of another application')
    odd = await startExpressLogin(redis, SECRET, { genid: () => `user:42.${randomUUID()}` })
    gateway = await openGateway({
      redis,
      server: { trustedProxies: ['127.0.0.1/32'] },
      sessions: {
        format: 'express-session',
        secrets: [SECRET],
        pointers: { userId: '/user/id' },
        cookieDomain: '.example.com',
      },
      routes: {
        '/s/*': { authenticate: ['session'] },
        '/job/*': { authenticate: ['session'], csrf: 'off' },
        '/open/*': { authenticate: 'optional' },
      },
    })
  })

  after(async () => {
    await gateway.stop()
    for (const service of [login, other, odd]) await service.stop()
  })

  const ask = (path: string, cookie: string, more = {}, method = 'GET') =>
    gateway.ask(path, { cookie, ...more }, method)
  const userOf = (answer: Answer) => upstreamField(answer, 'x-user-id')

  it('is found beside that of another application, which keeps its own', async () => {
    const [ours, theirs] = [await login.get('/login'), await other.get('/login')]
    for (const both of [`${theirs}; ${ours}`, `${ours}; ${theirs}`]) {
      assert.equal(userOf(await ask('/s/x', both)), 'alice')
    }
    const alone = await ask('/s/x', theirs)
    assert.equal(outcomeOf(alone), '401 invalid_session_format')
    assert.deepEqual(alone.values('set-cookie'), [], 'the user stays logged in over there')
    const open = await ask('/open/x', theirs)
    assert.equal(outcomeOf(open), 'passed', 'nor does it lock its user out here')
    assert.equal(userOf(open), null)
  })

  it('is left alone where genid of the application makes ids of another form', async () => {
    const cookie = await odd.get('/login')
    assert.match(cookie, /user%3A42\./)
    const refused = await ask('/s/x', cookie)
    assert.equal(outcomeOf(refused), '401 invalid_session_format')
    assert.deepEqual(refused.values('set-cookie'), [])
    assert.equal(outcomeOf(await ask('/open/x', cookie)), 'passed')
  })

  it('is one when it is there twice, for two domains, and two when they differ', async () => {
    const [one, two] = [await login.get('/login'), await login.get('/login')]
    assert.equal(userOf(await ask('/s/x', `${one}; theme=dark; ${one}`)), 'alice')
    assert.equal(outcomeOf(await ask('/s/x', `${one}; ${two}`)), '400 invalid_request')
  })

  it('is taken away after the log-out, for the domain for which it was set', async () => {
    const cookie = await login.get('/login')
    await login.get('/logout', cookie)
    const cleared = 'connect.sid=; Path=/; Domain=.example.com; Max-Age=0; HttpOnly; SameSite=Lax'
    const plain = await ask('/s/x', cookie)
    assert.equal(outcomeOf(plain), '401 session_not_found')
    assert.deepEqual(plain.values('set-cookie'), [cleared])
    const secure = await ask('/s/x', cookie, BEHIND_TLS)
    assert.deepEqual(secure.values('set-cookie'), [`${cleared}; Secure`])
  })

  describe('with a POST', () => {
    const post = async (path: string, more: Readonly<Record<string, string>>) =>
      outcomeOf(await ask(path, await login.get('/login'), more, 'POST'))

    it('passes from a page of the same origin in Safari 15, as nginx, Django and Rails see it', async () => {
      assert.equal(await post('/s/x', { ...BEHIND_TLS, origin: SHOP }), 'passed')
      assert.equal(
        await post('/s/x', { host: 'lan.test:8080', origin: 'http://lan.test:8080' }),
        'passed',
      )
    })

    it('is refused from anywhere else', async () => {
      for (const fields of [
        { origin: SHOP },
        { ...BEHIND_TLS, origin: 'http://shop.example.com' },
        { ...BEHIND_TLS, origin: `${SHOP}:8443` },
        { ...BEHIND_TLS, origin: `${SHOP}.evil.tld` },
        { ...BEHIND_TLS, origin: 'https://sibling.example.com' },
        { ...BEHIND_TLS, origin: 'null' },
        { ...BEHIND_TLS, origin: SHOP, 'sec-fetch-site': 'cross-site' },
        { ...BEHIND_TLS, referer: `${SHOP}/form` },
        BEHIND_TLS,
      ]) {
        assert.equal(await post('/s/x', fields), '403 csrf_rejected', JSON.stringify(fields))
      }
    })

    it('passes from a program with a cookie jar where the route says csrf: off, and there alone', async () => {
      assert.equal(await post('/job/x', {}), 'passed')
      assert.equal(await post('/job/x', { origin: 'https://evil.tld' }), 'passed')
      assert.equal(await post('/s/x', {}), '403 csrf_rejected')
    })
  })
})

describe('a session cookie that a sibling domain may set', () => {
  let gateway: TestGateway

  before(async () => {
    gateway = await openGateway({
      redis,
      sessions: {
        cookie: 'sid',
        keyPrefix: 'own:',
        cookieDomain: 'example.com',
        cookieSameSite: 'None',
      },
      routes: { '/s/*': { authenticate: ['session'] } },
    })
  })
  after(() => gateway.stop())

  it('locks no user out when it is rubbish, and is refused when it is a session', async () => {
    const [victim, attacker] = [newSessionId(), newSessionId()]
    for (const id of [victim, attacker]) {
      await redis.command('SET', `own:${sha256(id)}`, `{"userId":"${id}"}`, 'EX', '600')
    }
    const ask = (cookie: string) => gateway.ask('/s/x', { cookie })
    for (const tossed of ['x', 'a:b', '"', '%00']) {
      assert.equal(outcomeOf(await ask(`sid=${tossed}; sid=${victim}`)), 'passed', tossed)
    }
    const fixated = await ask(`sid=${attacker}; sid=${victim}`)
    assert.equal(outcomeOf(fixated), '400 invalid_request')
    assert.deepEqual(fixated.values('set-cookie'), [])
  })

  it('is not taken away for a value that another application may have written', async () => {
    const odd = await gateway.ask('/s/x', { cookie: 'sid=j:{"id":7}' })
    assert.equal(outcomeOf(odd), '401 invalid_session_format')
    assert.deepEqual(odd.values('set-cookie'), [])
    const dead = await gateway.ask('/s/x', { cookie: `sid=${newSessionId()}` })
    assert.deepEqual(dead.values('set-cookie'), [
      'sid=; Path=/; Domain=example.com; Max-Age=0; HttpOnly; SameSite=None; Secure',
    ])
  })
})

describe('a token in a cookie or a query parameter', () => {
  let gateway: TestGateway
  let key: MintingKey
  let token: string

  before(async () => {
    key = mintKey('HS256')
    const secret = Buffer.from(key.signingKey as Uint8Array).toString('base64')
    gateway = await openGateway({
      issuers: {
        main: {
          issuer: ISSUER,
          audiences: [AUDIENCE],
          algorithms: ['HS256'],
          secret,
        },
      },
      routes: {
        '/*': {
          authenticate: ['jwt'],
          credentials: [
            { from: 'cookie', name: 'access_token' },
            { from: 'query', name: 'access_token' },
          ],
        },
      },
    })
    const signing = { ...key, signingKey: Buffer.from(secret) }
    token = liveToken(signing, ISSUER, { sub: 'alice' })
  })
  after(() => gateway.stop())

  const ask = (value: string) => gateway.ask('/x', { cookie: `a=b; access_token=${value}; c=d` })

  it('is good as FastAPI, Django, js-cookie and a client that encodes all write it', async () => {
    const encoded = token.replaceAll('.', '%2E')
    for (const value of [token, `"Bearer ${token}"`, `Bearer%20${token}`, `"${token}"`, encoded]) {
      for (const time of ['verified', 'cached']) {
        const answer = await ask(value)
        assert.equal(upstreamField(answer, 'x-user-id'), 'alice', `${value.slice(0, 12)} ${time}`)
        assert.equal(upstreamField(answer, 'cookie'), 'a=b; c=d')
      }
    }
    const asked = await gateway.ask(`/x?q=1&access_token=${encoded}`)
    assert.equal(upstreamField(asked, 'x-user-id'), 'alice')
    assert.equal((JSON.parse(asked.text) as { readonly url: string }).url, '/x?q=1')
  })

  it('is none when it is encoded twice, has more than a token in it, or comes twice', async () => {
    const twice = token.replaceAll('.', '%252E')
    for (const value of [twice, `${token}%2C${token}`, `${token}%00`, `Bearer%2520${token}`]) {
      assert.equal(outcomeOf(await ask(value)), '400 invalid_request', value.slice(-12))
      const inQuery = await gateway.ask(`/x?access_token=${value}`)
      assert.equal(outcomeOf(inQuery), '400 invalid_request', value.slice(-12))
    }
    const other = liveToken({ ...key, signingKey: Buffer.from('x') }, ISSUER)
    assert.equal(outcomeOf(await ask(`${token}; access_token=${other}`)), '400 invalid_request')
    assert.equal(outcomeOf(await ask(`${token}; access_token=Bearer%20${token}`)), 'passed')
  })
})
