/** Sessions in a real cluster, behind real sentinels, and written by a real Express application. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type ExpressLogin, startExpressLogin } from '../support/express-login.ts'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { RedisCluster, RedisSentinels, RedisServer } from '../support/redis-server.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const FAILOVER_MS = 20_000
const SECRET = 'a secret of the login service'
const WEEK_SECONDS = 604_800
const API_KEY = 'a key of a machine'

function gatewayOver(redis: Record<string, unknown>): Promise<TestGateway> {
  return openGateway({
    redis,
    sessions: { ttl: '60s' },
    routes: { '/s/*': { authenticate: ['session'] } },
    environment: { SALLYPORT_LISTENER_THREADS: '1' },
  })
}

async function createSession(gateway: TestGateway, userId: string): Promise<string> {
  let id = ''
  await eventually('a session is created', async () => {
    const answer = await fetch(`${gateway.adminOrigin}/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userId }),
    })
    id = ((await answer.json()) as { id?: string }).id ?? ''
    return answer.status === 201
  })
  return id
}

const cookie = (id: string) => ({ cookie: `__Host-sid=${id}` })

describe('sessions in a cluster', () => {
  it('are found on whatever node they are, and listed over all of them', async () => {
    const cluster = await RedisCluster.start()
    const nodes = cluster.addresses.slice(0, 2)
    const parts = await gatewayOver({ mode: 'cluster', nodes, commandTimeout: '10s' })
    try {
      const ids = await Promise.all(Array.from({ length: 12 }, () => createSession(parts, 'alice')))
      const replies = await Promise.all(ids.map((id) => parts.ask('/s/x', cookie(id))))
      assert.deepEqual(new Set(replies.map(outcomeOf)), new Set(['passed']))
      const unknown = await parts.ask('/s/x', cookie(newSessionId()))
      assert.equal(outcomeOf(unknown), '401 session_not_found')
      const listed = await fetch(`${parts.adminOrigin}/sessions?userId=alice`)
      const { sessions } = (await listed.json()) as { sessions: readonly unknown[] }
      assert.equal(sessions.length, 12)
    } finally {
      await parts.stop()
      await cluster.stop()
    }
  })
})

describe('sessions behind sentinels', () => {
  it('are found at the new master when the old one is gone', async () => {
    const set = await RedisSentinels.start()
    const [master, replica] = set.servers
    const parts = await gatewayOver({ mode: 'sentinel', nodes: set.addresses })
    try {
      const id = await createSession(parts, 'alice')
      const isFound = async () => outcomeOf(await parts.ask('/s/x', cookie(id))) === 'passed'
      await eventually('the master answers', isFound)
      const key = `sess:${sha256(id)}`
      await eventually('the replica has it', async () => {
        return (await replica.command('EXISTS', key)) === 1
      })
      await master.kill()
      assert.equal(outcomeOf(await parts.ask('/s/x', cookie(id))), '503 verifier_unavailable')
      const isBack = async () => outcomeOf(await parts.ask('/s/x', cookie(id))) === 'passed'
      await eventually('the new master answers', isBack, FAILOVER_MS)
    } finally {
      await parts.stop()
      await set.stop()
    }
  })
})

describe('sessions of express-session and connect-redis', () => {
  let redis: RedisServer
  let login: ExpressLogin
  let parts: TestGateway

  before(async () => {
    redis = await RedisServer.start()
    login = await startExpressLogin(redis, SECRET)
    parts = await openGateway({
      redis: redis.patientSettings,
      sessions: {
        format: 'express-session',
        secrets: ['an older secret', SECRET],
        pointers: { userId: '/user/id', roles: '/user/roles', tenant: '/orgId' },
      },
      apiKeys: { keys: [{ sha256: sha256(API_KEY), userId: 'machine' }] },
      routes: {
        '/s/*': { authenticate: ['session'] },
        '/optional/*': { authenticate: 'optional' },
        '/session-first/*': { authenticate: ['session', 'apiKey'] },
      },
    })
  })

  after(async () => {
    await parts.stop()
    await login.stop()
    await redis.stop()
  })

  it('are taken as the login service wrote them, from login to logout', async () => {
    const user = await login.get('/login')
    const reply = await parts.ask('/s/x', { cookie: user })
    assert.equal(reply.status, 200)
    assert.equal(upstreamField(reply, 'x-user-id'), 'alice')
    assert.equal(upstreamField(reply, 'x-user-roles'), 'user')
    assert.equal(upstreamField(reply, 'x-tenant-id'), 'acme')
    assert.equal(upstreamField(reply, 'cookie'), null)

    const numbered = await parts.ask('/s/x', { cookie: await login.get('/login-by-number') })
    assert.equal(upstreamField(numbered, 'x-user-id'), '42')

    const forged = `${user.slice(0, -3)}AAA`
    const refused = await parts.ask('/s/x', { cookie: forged })
    assert.equal(outcomeOf(refused), '401 invalid_session_format')
    const plain = `connect.sid=${/s%3A([^.]+)/.exec(user)?.[1] ?? ''}`
    const unsigned = await parts.ask('/s/x', { cookie: plain })
    assert.equal(outcomeOf(unsigned), '401 invalid_session_format')

    await login.get('/logout', user)
    const gone = await parts.ask('/s/x', { cookie: user })
    assert.equal(outcomeOf(gone), '401 session_not_found')
  })

  it('without a user count as no session, and live on', async () => {
    const visitor = await login.get('/visit')
    assert.match(visitor, /^connect\.sid=s%3A/)
    const refused = await parts.ask('/s/x', { cookie: visitor })
    assert.equal(outcomeOf(refused), '401 no_session')
    assert.equal(refused.field('set-cookie'), null, 'the visitor keeps the cookie')

    const passed = await parts.ask('/optional/x', { cookie: visitor })
    assert.equal(outcomeOf(passed), 'passed')
    assert.equal(upstreamField(passed, 'x-user-id'), null)
    assert.equal(upstreamField(passed, 'x-session-id'), null)

    assert.equal(await login.get('/login', visitor), visitor, 'the same session')
    const known = await parts.ask('/optional/x', { cookie: visitor })
    assert.equal(upstreamField(known, 'x-user-id'), 'alice')
  })

  it('without a user let the next credential decide; bad ones do not', async () => {
    const visitor = await login.get('/visit')
    const both = (cookie: string, key = API_KEY) =>
      parts.ask('/session-first/x', { cookie, 'x-api-key': key })
    assert.equal(upstreamField(await both(visitor), 'x-user-id'), 'machine')
    assert.equal(outcomeOf(await both(visitor, 'wrong')), '401 invalid_api_key')
    const alone = await parts.ask('/session-first/x', { cookie: visitor })
    assert.equal(outcomeOf(alone), '401 no_session')

    const forged = `${visitor.slice(0, -3)}AAA`
    assert.equal(outcomeOf(await both(forged)), '401 invalid_session_format')
    const ended = await login.get('/login')
    await login.get('/logout', ended)
    assert.equal(outcomeOf(await both(ended)), '401 session_not_found')
  })
})

describe('the life of a session of express-session', () => {
  const SETTINGS = {
    format: 'express-session',
    secrets: [SECRET],
    pointers: { userId: '/user/id' },
  }
  let redis: RedisServer
  let login: ExpressLogin

  before(async () => {
    redis = await RedisServer.start()
    login = await startExpressLogin(redis, SECRET)
  })

  after(async () => {
    await login.stop()
    await redis.stop()
  })

  const keyOf = (cookie: string) => `sess:${/s%3A([^.]+)/.exec(cookie)?.[1] ?? ''}`
  const ttlOf = async (cookie: string) => Number(await redis.command('TTL', keyOf(cookie)))

  /** Whole gateways, because what they do after they have answered counts as well. */
  async function withGateway(
    more: object,
    visit: (ask: (cookie: string) => Promise<void>, parts: TestGateway) => Promise<void>,
  ): Promise<void> {
    const parts = await openGateway({
      redis: redis.patientSettings,
      sessions: { ...SETTINGS, ...more },
      routes: { '/s/*': { authenticate: ['session'] } },
      environment: { SALLYPORT_LISTENER_THREADS: '1' },
    })
    const ask = async (cookie: string) => {
      assert.equal(outcomeOf(await parts.ask('/s/x', { cookie })), 'passed')
    }
    try {
      await visit(ask, parts)
    } finally {
      await parts.stop()
    }
  }

  it('is what its own store gives it, and one question is all that a request costs', async () => {
    await withGateway({}, async (ask, parts) => {
      const remembered = await login.get('/remember-me')
      await ask(remembered)
      const commands = await parts.metric('sallyport_redis_commands_total')
      for (let times = 0; times < 5; times += 1) await ask(remembered)
      assert.equal((await parts.metric('sallyport_redis_commands_total')) - commands, 5)
      assert.ok((await ttlOf(remembered)) > WEEK_SECONDS - 60, 'not shorter')
      await redis.command('EXPIRE', keyOf(remembered), '500')
      await ask(remembered)
      assert.ok((await ttlOf(remembered)) <= 500, 'not longer')
      await redis.command('PERSIST', keyOf(remembered))
      await ask(remembered)
      assert.equal(await ttlOf(remembered), -1, 'not an end where there was none')
    })
  })

  it('becomes longer by requests where a ttl says so, and never shorter', async () => {
    await withGateway({ ttl: '1h' }, async (ask) => {
      const [remembered, brief] = [await login.get('/remember-me'), await login.get('/login')]
      await redis.command('EXPIRE', keyOf(brief), '60')
      await ask(remembered)
      await ask(brief)
      await eventually('the brief one is prolonged', async () => (await ttlOf(brief)) > 3_590)
      assert.ok((await ttlOf(remembered)) > WEEK_SECONDS - 60)
      await redis.command('PERSIST', keyOf(brief))
      await ask(brief)
      await ask(brief)
      assert.equal(await ttlOf(brief), -1)
    })
  })

  it('is never made longer than the absoluteTtl after it began', async () => {
    const more = {
      ttl: '10m',
      absoluteTtl: '20m',
      pointers: { ...SETTINGS.pointers, createdAt: '/createdAt' },
    }
    await withGateway(more, async (ask) => {
      const cookie = await login.get('/login')
      const createdAt = Math.floor(Date.now() / 1_000) - 15 * 60
      const record = JSON.stringify({ user: { id: 'alice' }, createdAt, cookie: {} })
      await redis.command('SET', keyOf(cookie), record, 'EX', '30')
      await ask(cookie)
      await eventually('it is prolonged', async () => (await ttlOf(cookie)) > 30)
      assert.ok((await ttlOf(cookie)) <= 300)
    })
  })
})
