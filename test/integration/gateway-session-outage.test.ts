/** A Redis that fails in every way it can: session routes say so quickly, nothing else notices. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type IdentityProvider, startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { eventually, promptly } from '../support/eventually.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { RedisServer } from '../support/redis-server.ts'
import { watchStarvation } from '../support/starvation.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startRawUpstream } from '../support/upstream-servers.ts'

const REFUSED_WITHIN_MS = 250
const BACK_WITHIN_MS = 1_000
const KEY = 'an-api-key'

let redis: RedisServer
let provider: IdentityProvider
let parts: TestGateway
let jwt: string
let id: string

before(async () => {
  redis = await RedisServer.start()
  provider = await startIdentityProvider({ algorithms: ['ES256'], audience: 'api' })
  parts = await openGateway({
    redis: { nodes: [redis.address] },
    sessions: { ttl: '60s' },
    apiKeys: { keys: [{ sha256: sha256(KEY), userId: 'machine' }] },
    issuers: {
      main: {
        issuer: provider.issuer,
        audiences: ['api'],
        algorithms: ['ES256'],
        jwks: { discovery: true },
      },
    },
    routes: {
      '/s/*': { authenticate: ['session'] },
      '/k/*': { authenticate: ['apiKey'] },
      '/j/*': { authenticate: ['jwt'] },
    },
    environment: { SALLYPORT_LISTENER_THREADS: '1' },
  })
})

after(async () => {
  await parts.stop()
  await provider.stop()
  await redis.stop()
})

const askSession = () => parts.ask('/s/x', { cookie: `__Host-sid=${id}` })

beforeEach(async () => {
  // Not in the token cache yet: the first request verifies its signature.
  jwt = await provider.issueAccessToken({ claims: { sub: 'alice' } })
  id = newSessionId()
  await redis.command('SET', `sess:${sha256(id)}`, '{"userId":"u"}', 'EX', '600')
  await eventually('sessions work', async () => outcomeOf(await askSession()) === 'passed')
})

/** Many at once: each is refused in time, and nothing is left waiting. */
async function assertRefusedQuickly(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const starvedMs = watchStarvation([process.pid, parts.processId])
    const replies = await Promise.all(Array.from({ length: 20 }, askSession))
    const boundMs = REFUSED_WITHIN_MS + starvedMs()
    for (const reply of replies) {
      assert.equal(outcomeOf(reply), '503 verifier_unavailable')
      assert.equal(reply.field('retry-after'), '1')
      assert.ok(reply.durationMs < boundMs, `${Math.round(reply.durationMs)} ms`)
    }
    const others = await Promise.all([
      parts.ask('/k/x', { 'x-api-key': KEY }),
      parts.ask('/j/x', { authorization: `Bearer ${jwt}` }),
    ])
    for (const other of others) {
      assert.equal(outcomeOf(other), 'passed')
      assert.ok(other.durationMs < REFUSED_WITHIN_MS + starvedMs())
    }
  }
}

/** What the security stream says of Redis: level and event, in order. */
function toldOfRedis(): string[] {
  return parts.log
    .filter(({ stream, event }) => stream === 'security' && String(event).startsWith('redis_'))
    .map(({ level, event }) => `${String(level)} ${String(event)}`)
}

/** Within a second from when Redis answers others. */
async function assertBack(): Promise<void> {
  await redis.command('PING')
  const processIds = [parts.processId, redis.processId]
  await promptly('sessions work again', BACK_WITHIN_MS, processIds, async () => {
    return outcomeOf(await askSession()) === 'passed'
  })
}

describe('while Redis', () => {
  it('is stopped, session routes answer 503 at once, and work again when it is back', async () => {
    const toldBefore = toldOfRedis().length
    const told = () => toldOfRedis().slice(toldBefore)
    await redis.kill()
    await assertRefusedQuickly()
    await eventually('the outage is told', () => told().length > 0)
    await redis.up()
    await redis.command('SET', `sess:${sha256(id)}`, '{"userId":"u"}', 'EX', '600')
    await assertBack()
    await eventually('its end is told', () => told().length > 1)
    await assertBack()
    assert.deepEqual(
      told(),
      ['error redis_unreachable', 'info redis_ready'],
      'once for each change',
    )
    assert.ok((await redis.connectedClients()) - 1 <= 12, 'no client connected twice')
  })

  it('is paused, nothing piles up', async () => {
    await redis.pauseClients(3_000)
    await assertRefusedQuickly()
    await eventually('the pause is over', async () => outcomeOf(await askSession()) === 'passed')
  })

  it('is frozen, nothing piles up', async () => {
    redis.freeze()
    await assertRefusedQuickly()
    redis.thaw()
    await assertBack()
  })

  it('cuts its connections, the next requests find new ones', async () => {
    await redis.killClients()
    await assertBack()
  })

  it('is read-only, session routes answer 503', async () => {
    await redis.becomeReplica()
    await assertRefusedQuickly()
    await redis.becomeMaster()
    await assertBack()
  })

  it('is out of memory, sessions that are there go on, and none can be created', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    await eventually('it goes on', async () => outcomeOf(await askSession()) === 'passed')
    const created = await fetch(`${parts.adminOrigin}/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"userId":"u"}',
    })
    assert.equal(created.status, 503)
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
  })
})

describe('a server that is no Redis', () => {
  it('is refused as quickly, whatever it answers', async () => {
    for (const rubbish of ['HTTP/1.1 200 OK\r\n\r\n', '$-9\r\n', '*1000000\r\n', '+OK\r\n']) {
      const server = await startRawUpstream(() => rubbish)
      const address = `127.0.0.1:${server.port}`
      const other = await openGateway({
        redis: { nodes: [address] },
        sessions: {},
        revocation: { redis: false },
        routes: { '/s/*': { authenticate: ['session'] } },
        environment: { SALLYPORT_LISTENER_THREADS: '1' },
      })
      const starvedMs = watchStarvation([process.pid, other.processId])
      const reply = await other.ask('/s/x', { cookie: `__Host-sid=${newSessionId()}` })
      assert.equal(outcomeOf(reply), '503 verifier_unavailable', rubbish)
      assert.ok(reply.durationMs < REFUSED_WITHIN_MS + starvedMs())
      await other.stop()
      await server.close()
    }
  })
})
