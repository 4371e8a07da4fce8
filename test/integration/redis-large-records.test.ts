/** One record in Redis that is far too large, while everybody else's are as they should be. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type Answer, outcomeOf } from '../support/gateway-answer.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { PATIENT } from '../support/redis-options.ts'
import { RedisCluster, RedisServer } from '../support/redis-server.ts'
import { slowness } from '../support/starvation.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const HUGE_BYTES = 20 * 1_024 * 1_024
const LOAD_MS = 2_000
const CLIENTS = 24
const COMMAND_MS = 400
const RECORD_BYTES_MAX = 65_536

const clients = new RedisClients()
let server: RedisServer

before(async () => {
  server = await RedisServer.start()
})
after(() => server.stop())
afterEach(() => clients.closeAll())

/** What the server has sent to everybody since its statistics were last reset. */
async function bytesSent(): Promise<number> {
  const facts = String(await server.command('info', 'stats'))
  return Number(/total_net_output_bytes:(\d+)/.exec(facts)?.[1])
}

describe('looking up a record that is too large', () => {
  it('reads records up to the bound whole, and none that is one byte longer', async () => {
    const { redis } = await clients.connect([server.node], PATIENT)
    const most = 'x'.repeat(RECORD_BYTES_MAX)
    await server.command('set', 'most', most)
    await server.command('set', 'more', `${most}x`)
    const wide = 'ü'.repeat(RECORD_BYTES_MAX / 2)
    await server.command('set', 'wide', wide)
    await server.command('set', 'wider', `${wide}ü`)
    for (let round = 0; round < 2; round += 1) {
      assert.deepEqual(await redis.get('most'), { ok: true, value: most })
      assert.deepEqual(await redis.getex('wide', 100), { ok: true, value: wide })
      assert.deepEqual(await redis.get('more'), { ok: false, reason: 'too_large' })
      assert.deepEqual(await redis.getex('wider', 100), { ok: false, reason: 'too_large' })
    }
  })

  it('costs no other look-up, not even on the only connection, and no second transfer', async () => {
    const only = { ...PATIENT, connectionsMin: 1, connectionsMax: 1 }
    const { redis, states } = await clients.connect([server.node], only)
    await server.command('set', 'huge', 'x'.repeat(HUGE_BYTES))
    await server.command('set', 'small', 'x')
    const asked = Array.from({ length: 200 }, (_, index) =>
      index === 20 || index === 60 ? redis.getex('huge', 100) : redis.getex('small', 100),
    )
    const replies = await Promise.all(asked)
    const large = replies.filter((reply) => !reply.ok)
    assert.deepEqual(
      large.map((reply) => reply.ok || reply.reason),
      ['too_large', 'too_large'],
    )
    assert.ok(!replies[20]?.ok && !replies[60]?.ok)
    assert.deepEqual(states, ['ready'], 'which is no outage')
    const sentBefore = await bytesSent()
    assert.deepEqual(await redis.getex('huge', 100), { ok: false, reason: 'too_large' })
    assert.ok((await bytesSent()) - sentBefore < HUGE_BYTES / 2)
    await server.command('set', 'huge', 'mended')
    assert.deepEqual(await redis.getex('huge', 100), { ok: true, value: 'mended' })
  })

  it('costs no other look-up in a cluster', async () => {
    const cluster = await RedisCluster.start()
    try {
      const mode = { mode: 'cluster', connectionsMin: 1 } as const
      const { redis, states } = await clients.connect(cluster.nodes, { ...mode, ...PATIENT })
      await (await cluster.masterOf('huge')).command('set', 'huge', 'x'.repeat(HUGE_BYTES))
      const keys = Array.from({ length: 60 }, (_, index) => `sess:${index}`)
      for (const key of keys) assert.equal((await redis.set(key, key, 100)).ok, true)
      const [large, ...others] = await Promise.all([
        redis.getex('huge', 100),
        ...keys.map((key) => redis.getex(key, 100)),
      ])
      assert.deepEqual(large, { ok: false, reason: 'too_large' })
      assert.deepEqual(
        others.map((reply) => reply.ok && reply.value),
        keys,
      )
      // A busy machine may take its time to connect.
      assert.deepEqual(states.slice(states.indexOf('ready')), ['ready'], 'which is no outage')
    } finally {
      await cluster.stop()
    }
  })
})

describe('a gateway with a session record of 20 MiB', () => {
  let parts: TestGateway
  before(async () => {
    parts = await openGateway({
      redis: {
        nodes: [server.address],
        // A busy machine must not look like a Redis that is too slow.
        commandTimeout: `${Math.ceil(COMMAND_MS * slowness())}ms`,
        connectTimeout: '2s',
      },
      sessions: { ttl: '60s' },
      routes: { '/s/*': { authenticate: ['session'] } },
      environment: { SALLYPORT_LISTENER_THREADS: '1', SALLYPORT_REDIS_CONNECTIONS_MIN: '1' },
    })
  })
  after(() => parts.stop())

  it('answers 401 to requests with it, which is no outage, and all others as before', async () => {
    const newSession = async (record: unknown) => {
      const id = newSessionId()
      await server.command('set', `sess:${sha256(id)}`, JSON.stringify(record), 'EX', '600')
      return () => parts.ask('/s/x', { cookie: `__Host-sid=${id}` })
    }
    const ask = await newSession({ userId: 'u' })
    const askHuge = await newSession({ userId: 'v', note: 'x'.repeat(HUGE_BYTES) })
    await eventually('sessions work', async () => outcomeOf(await ask()) === 'passed')

    const endMs = performance.now() + LOAD_MS
    const client = async (next: () => Promise<Answer>, outcomes: string[]) => {
      while (performance.now() < endMs) outcomes.push(outcomeOf(await next()))
    }
    const others: string[] = []
    const large: string[] = []
    await Promise.all([
      ...Array.from({ length: CLIENTS }, () => client(ask, others)),
      ...Array.from({ length: CLIENTS / 4 }, () => client(askHuge, large)),
    ])
    assert.deepEqual([...new Set(others)], ['passed'], `of ${others.length}`)
    assert.deepEqual([...new Set(large)], ['401 no_session'])
    const told = (event: string) => parts.log.filter((line) => line['event'] === event)
    assert.equal(told('redis_unreachable').length, 0)
    await eventually('it is told', () => told('redis_record_too_large').length > 0)
    assert.equal(told('redis_record_too_large').length, 1, 'once, however often it is asked for')
  })
})
