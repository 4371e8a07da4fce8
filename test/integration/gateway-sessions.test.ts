/** Sessions in a real Redis, through a whole gateway. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { RedisServer } from '../support/redis-server.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ALLOWED_ORIGIN = 'https://app.example.com'
const CLEARED = '__Host-sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure'

let redis: RedisServer
let parts: TestGateway

before(async () => {
  redis = await RedisServer.start()
  parts = await openGateway({
    redis: redis.patientSettings,
    sessions: { ttl: '60s', absoluteTtl: '100s', allowedOrigins: [ALLOWED_ORIGIN] },
    routes: {
      '/s/*': { authenticate: ['session'] },
      '/scoped/*': { authenticate: ['session'], require: { scopes: { all: ['write'] } } },
      '/public/*': { authenticate: 'none' },
    },
  })
})

after(async () => {
  await parts.stop()
  await redis.stop()
})

const cookie = (id: string) => ({ cookie: `theme=dark; __Host-sid=${id}; lang=en` })
const nowSeconds = () => Math.floor(Date.now() / 1_000)

async function store(id: string, record: object | string, ttlSeconds = 60): Promise<void> {
  const value = typeof record === 'string' ? record : JSON.stringify(record)
  await redis.command('SET', `sess:${sha256(id)}`, value, 'EX', String(ttlSeconds))
}

async function ttlOf(id: string): Promise<number> {
  return Number(await redis.command('TTL', `sess:${sha256(id)}`))
}

describe('a session cookie', () => {
  it('makes its user known to the upstream, and does not get there itself', async () => {
    const id = newSessionId()
    await store(id, {
      userId: 'alice',
      email: 'a@example.com',
      roles: ['user', 'admin'],
      tenantId: 'acme',
      createdAt: nowSeconds(),
    })
    const reply = await parts.ask('/s/x', cookie(id))
    assert.equal(reply.status, 200)
    assert.equal(upstreamField(reply, 'x-user-id'), 'alice')
    assert.equal(upstreamField(reply, 'x-user-roles'), 'user,admin')
    assert.equal(upstreamField(reply, 'x-tenant-id'), 'acme')
    assert.equal(upstreamField(reply, 'x-session-id'), sha256(id))
    assert.equal(upstreamField(reply, 'x-token-issuer'), null)
    assert.equal(upstreamField(reply, 'cookie'), 'theme=dark; lang=en')
    assert.doesNotMatch(reply.text, new RegExp(id))
  })

  const refusals: readonly (readonly [string, string, () => Promise<Record<string, string>>])[] = [
    ['that is absent', '401 no_session', async () => ({})],
    ['that is empty', '401 no_session', async () => cookie('')],
    ['with an id that is too short', '401 invalid_session_format', async () => cookie('abc')],
    ['with a glob in it', '401 invalid_session_format', async () => cookie(`${'a'.repeat(30)}*`)],
    ['that is huge', '401 invalid_session_format', async () => cookie('a'.repeat(5_000))],
    ['that names nothing', '401 session_not_found', async () => cookie(newSessionId())],
    [
      'of a session that is as old as it may become',
      '401 session_expired',
      async () => {
        const id = newSessionId()
        await store(id, { userId: 'u', createdAt: nowSeconds() - 100 })
        return cookie(id)
      },
    ],
    [
      'of a session past its own end',
      '401 session_expired',
      async () => {
        const id = newSessionId()
        await store(id, { userId: 'u', expiresAt: new Date(Date.now() - 1_000).toISOString() })
        return cookie(id)
      },
    ],
  ]
  for (const [what, expected, headers] of refusals) {
    it(`${what} is answered ${expected}`, async () => {
      const before = parts.upstream.requests
      const reply = await parts.ask('/s/x', await headers())
      assert.equal(outcomeOf(reply), expected)
      assert.equal(parts.upstream.requests, before)
      assert.match(reply.field('www-authenticate') ?? '', /^Cookie realm="sallyport"/)
      const isCleared = expected !== '401 no_session'
      assert.deepEqual(reply.values('set-cookie'), isCleared ? [CLEARED] : [])
    })
  }

  it('sent twice is one, and two different ones are ambiguous', async () => {
    const id = newSessionId()
    await store(id, { userId: 'u' })
    const twice = await parts.ask('/s/x', { cookie: `__Host-sid=${id}; __Host-sid=${id}` })
    assert.equal(outcomeOf(twice), 'passed')
    assert.equal(upstreamField(twice, 'cookie'), null, 'neither gets there')
    const two = await parts.ask('/s/x', {
      cookie: `__Host-sid=${id}; __Host-sid=${newSessionId()}`,
    })
    assert.equal(outcomeOf(two), '400 invalid_request')
  })

  it('of a session that cannot be read is no session, and no outage', async () => {
    for (const record of ['rubbish', '[]', '{"userId":7}', '{"userId":"u","createdAt":"now"}']) {
      const id = newSessionId()
      await store(id, record)
      assert.equal(outcomeOf(await parts.ask('/s/x', cookie(id))), '401 no_session')
    }
    const id = newSessionId()
    await redis.command('SADD', `sess:${sha256(id)}`, 'another type')
    assert.equal(outcomeOf(await parts.ask('/s/x', cookie(id))), '401 no_session')
  })

  it('does not grant what a route requires and the session does not have', async () => {
    const id = newSessionId()
    await store(id, { userId: 'u', scopes: ['read'] })
    assert.equal(outcomeOf(await parts.ask('/scoped/x', cookie(id))), '403 insufficient_scope')
  })

  it('is refused on the very next request after its session was deleted', async () => {
    const id = newSessionId()
    await store(id, { userId: 'u' })
    assert.equal(outcomeOf(await parts.ask('/s/x', cookie(id))), 'passed')
    await redis.command('DEL', `sess:${sha256(id)}`)
    assert.equal(outcomeOf(await parts.ask('/s/x', cookie(id))), '401 session_not_found')
  })

  it('passes a route without authentication untouched', async () => {
    const id = newSessionId()
    const reply = await parts.ask('/public/x', cookie(id))
    assert.equal(upstreamField(reply, 'cookie'), `theme=dark; __Host-sid=${id}; lang=en`)
  })
})

describe('the life of a session', () => {
  it('is prolonged by each request', async () => {
    const id = newSessionId()
    await store(id, { userId: 'u', createdAt: nowSeconds() }, 5)
    await parts.ask('/s/x', cookie(id))
    assert.ok((await ttlOf(id)) >= 59)
  })

  it('is never prolonged past its end', async () => {
    const id = newSessionId()
    await store(id, { userId: 'u', createdAt: nowSeconds() - 80 }, 5)
    const reply = await parts.ask('/s/x', cookie(id))
    assert.equal(reply.status, 200)
    const ttl = await ttlOf(id)
    assert.ok(ttl > 5 && ttl <= 20, `${ttl} s`)
    assert.ok(Number(upstreamField(reply, 'x-token-expires')) <= nowSeconds() + 20)
  })
})

describe('a request that changes something and carries a session cookie', () => {
  it('needs to come from the same origin or from a page that is allowed', async () => {
    const id = newSessionId()
    await store(id, { userId: 'u' })
    const post = async (headers: Record<string, string>) =>
      outcomeOf(await parts.ask('/s/x', { ...cookie(id), ...headers }, 'POST'))
    assert.equal(await post({}), '403 csrf_rejected')
    assert.equal(await post({ origin: 'null' }), '403 csrf_rejected')
    assert.equal(await post({ origin: `${ALLOWED_ORIGIN}.evil.tld` }), '403 csrf_rejected')
    assert.equal(await post({ 'sec-fetch-site': 'cross-site' }), '403 csrf_rejected')
    assert.equal(await post({ 'sec-fetch-site': 'same-origin' }), 'passed')
    assert.equal(await post({ origin: ALLOWED_ORIGIN }), 'passed')
  })
})

describe('look-ups of concurrent requests', () => {
  it('share writes to Redis', async () => {
    const id = newSessionId()
    await store(id, { userId: 'u' })
    const replies = await Promise.all(
      Array.from({ length: 200 }, () => parts.ask('/s/x', cookie(id))),
    )
    assert.ok(replies.every(({ status }) => status === 200))
    const commands = await parts.metric('sallyport_redis_commands_total')
    const writes = await parts.metric('sallyport_redis_writes_total')
    assert.ok(commands > writes, `${commands} commands in ${writes} writes`)
  })
})

async function askAdmin(gateway: TestGateway, path: string, method: string, body?: object) {
  const answer = await fetch(`${gateway.adminOrigin}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

describe('the admin listener', () => {
  const admin = (path: string, method = 'GET', body?: object) => askAdmin(parts, path, method, body)

  it('creates, reads, lists and deletes sessions', async () => {
    const created = await admin('/sessions', 'POST', { userId: 'carol', roles: ['user'] })
    assert.equal(created.status, 201)
    const id = String(created.body['id'])
    const digest = String(created.body['digest'])
    assert.equal(digest, sha256(id))
    const reply = await parts.ask('/s/x', cookie(id))
    assert.equal(upstreamField(reply, 'x-user-id'), 'carol')

    assert.equal((await admin(`/sessions/${id}`)).body['userId'], 'carol')
    assert.equal((await admin(`/sessions/sha256:${digest}`)).body['userId'], 'carol')
    const listed = await admin('/sessions?userId=carol')
    const [first] = listed.body['sessions'] as readonly Record<string, unknown>[]
    assert.equal(first?.['digest'], digest)
    assert.equal(JSON.stringify(listed.body).includes(id), false, 'a list names no usable id')

    assert.equal((await admin(`/sessions/sha256:${digest}`, 'DELETE')).status, 200)
    assert.equal((await admin(`/sessions/${id}`)).status, 404)
    assert.equal(outcomeOf(await parts.ask('/s/x', cookie(id))), '401 session_not_found')
    assert.deepEqual((await admin('/sessions?userId=carol')).body, { sessions: [] })
  })

  it('ends all sessions of a user, and of no other user', async () => {
    for (const userId of ['dave', 'dave', 'erin']) await admin('/sessions', 'POST', { userId })
    assert.deepEqual((await admin('/sessions?userId=dave', 'DELETE')).body, { deleted: 2 })
    const left = (await admin('/sessions?userId=erin')).body['sessions'] as readonly unknown[]
    assert.equal(left.length, 1)
  })

  it('forgets which sessions have ended, with each new one and each look at the list', async () => {
    const index = `sess:user:${sha256('grace')}`
    const namesEnded = async () => (await redis.command('ZSCORE', index, 'sess:ended')) !== null
    for (let times = 0; times < 3; times += 1) {
      await redis.command('ZADD', index, String(nowSeconds() - times), 'sess:ended')
      const created = await admin('/sessions', 'POST', { userId: 'grace' })
      assert.equal(created.status, 201)
      assert.equal(await namesEnded(), false)
      assert.equal(await redis.command('ZCARD', index), times + 1, 'the others are kept')
    }
    await redis.command('ZADD', index, String(nowSeconds()), 'sess:ended')
    const listed = await admin('/sessions?userId=grace')
    assert.equal((listed.body['sessions'] as readonly unknown[]).length, 3)
    assert.equal(await namesEnded(), false)
  })

  it('remembers a user’s sessions until the last of them ends', async () => {
    const index = `sess:user:${sha256('heidi')}`
    const ttl = async () => Number(await redis.command('TTL', index))
    await admin('/sessions', 'POST', { userId: 'heidi' })
    assert.ok((await ttl()) > 90 && (await ttl()) <= 100, `${await ttl()} s`)
    // As created before absoluteTtl was made shorter.
    await redis.command('ZADD', index, String(nowSeconds() + 5_000), 'sess:longer')
    await admin('/sessions', 'POST', { userId: 'heidi' })
    assert.ok((await ttl()) > 4_990 && (await ttl()) <= 5_000, `${await ttl()} s`)
  })

  it('answers bad input with 4xx and changes nothing', async () => {
    const keysBefore = await redis.command('DBSIZE')
    for (const [path, method, body] of [
      ['/sessions', 'POST', {}],
      ['/sessions', 'POST', { userId: '' }],
      ['/sessions', 'POST', { userId: 7 }],
      ['/sessions', 'POST', { userId: 'u', roles: 'admin' }],
      ['/sessions', 'POST', { userId: 'u', isAdmin: true }],
      ['/sessions', 'POST', { userId: 'u'.repeat(600) }],
      ['/sessions', 'POST', undefined],
      ['/sessions', 'GET', undefined],
      ['/sessions?userId=a&userId=b', 'DELETE', undefined],
      ['/sessions/short', 'DELETE', undefined],
      ['/sessions/sha256:abc', 'GET', undefined],
      ['/sessions/%ff', 'GET', undefined],
      ['/sessions/a/b', 'GET', undefined],
      ['/sessions', 'PUT', {}],
      [`/sessions/${newSessionId()}`, 'DELETE', undefined],
    ] as const) {
      const { status, body: told } = await admin(path, method, body)
      assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`)
      assert.ok(String(told['message']).length > 10)
    }
    assert.equal(await redis.command('DBSIZE'), keysBefore)
  })

  it('leaves no usable session id in Redis', async () => {
    const created = await admin('/sessions', 'POST', { userId: 'frank' })
    const id = String(created.body['id'])
    const dump = await redis.dump()
    assert.equal(dump.includes(id), false)
    const digest = sha256(id)
    assert.ok(dump.includes(`sess:${digest}`))
    assert.equal(outcomeOf(await parts.ask('/s/x', cookie(digest))), '401 session_not_found')
  })
})

describe('the admin listener where keys hold plain ids', () => {
  it('says that a digest names no session there, and finds it by its id and its user', async () => {
    const plain = await openGateway({
      redis: redis.patientSettings,
      sessions: { keyHash: 'none', keyPrefix: 'plain:' },
      routes: { '/s/*': { authenticate: ['session'] } },
      environment: { SALLYPORT_LISTENER_THREADS: '1' },
    })
    try {
      const created = await askAdmin(plain, '/sessions', 'POST', { userId: 'ivan' })
      const id = String(created.body['id'])
      for (const method of ['GET', 'DELETE']) {
        const answer = await askAdmin(plain, `/sessions/sha256:${sha256(id)}`, method)
        assert.equal(answer.status, 400)
        assert.match(String(answer.body['message']), /keyHash: sha256/)
      }
      assert.equal(outcomeOf(await plain.ask('/s/x', cookie(id))), 'passed', 'it lives on')
      assert.equal((await askAdmin(plain, `/sessions/${id}`, 'GET')).body['userId'], 'ivan')
      const ended = await askAdmin(plain, '/sessions?userId=ivan', 'DELETE')
      assert.deepEqual(ended.body, { deleted: 1 })
      assert.equal(outcomeOf(await plain.ask('/s/x', cookie(id))), '401 session_not_found')
    } finally {
      await plain.stop()
    }
  })
})
