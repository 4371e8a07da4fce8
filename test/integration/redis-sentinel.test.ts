/** Commands to a real master that sentinels watch, while it is demoted, stands still, or dies. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { RedisClients, timed, type WatchedConnections } from '../support/redis-clients.ts'
import { PATIENT } from '../support/redis-options.ts'
import { MASTER_NAME, RedisSentinels, RedisServer } from '../support/redis-server.ts'

const FAILING_MS_MAX = 250
/** Patience with the sentinels, who also need the machine. */
const FAIL_OVER_MS_MAX = 60_000

describe('Redis Sentinel', () => {
  let set: RedisSentinels
  const clients = new RedisClients()
  const mode = { mode: 'sentinel', masterName: MASTER_NAME } as const
  before(async () => {
    set = await RedisSentinels.start()
  })
  after(() => set.stop())
  afterEach(() => clients.closeAll())

  async function master(): Promise<RedisServer> {
    const sentinel = set.sentinels[0] as RedisServer
    const address = await sentinel.command('sentinel', 'get-master-addr-by-name', MASTER_NAME)
    const port = Number((address as [string, string])[1])
    return set.servers.find((server) => server.port === port) as RedisServer
  }

  /** Tries until a write succeeds; each that does not must fail in time. */
  async function serves(watched: WatchedConnections): Promise<void> {
    const startMs = performance.now()
    for (;;) {
      const { reply, durationMs } = await timed(watched.redis.set('a', 'x', 100))
      assert.ok(durationMs < FAILING_MS_MAX, `took ${durationMs} ms`)
      if (reply.ok) return
      assert.ok(performance.now() - startMs < FAIL_OVER_MS_MAX, `never served: ${reply.reason}`)
      await delay(10)
    }
  }

  it('finds the master, and reads from the replica where that is asked for', async () => {
    const { redis } = await clients.connect(set.nodes, {
      ...mode,
      ...PATIENT,
      readFromReplicas: true,
    })
    assert.equal((await redis.set('a', 'x', 100)).ok, true)
    const current = await master()
    await current.command('config', 'resetstat')
    let value: string | null = null
    // The replica may lag behind.
    while (value === null) {
      const reply = await redis.get('a')
      value = reply.ok ? reply.value : null
    }
    assert.equal(value, 'x')
    assert.doesNotMatch(String(await current.command('info', 'commandstats')), /cmdstat_get:/)
    assert.deepEqual(await redis.getex('a', 100), { ok: true, value: 'x' })
  })

  it('leaves a master that was demoted under it', async () => {
    const watched = await clients.connect(set.nodes, mode)
    const old = await master()
    const successor = set.servers.find((server) => server !== old) as RedisServer
    await (set.sentinels[0] as RedisServer).command('sentinel', 'failover', MASTER_NAME)
    const giveUpAtMs = performance.now() + FAIL_OVER_MS_MAX
    while ((await master()) !== successor) {
      assert.ok(performance.now() < giveUpAtMs, 'the sentinels never swapped them')
      await delay(20)
    }
    await serves(watched)
    assert.equal(await successor.command('get', 'a'), 'x')
    await eventually('all connections are back', () => {
      return watched.redis.stats.ready === 2
    })
  })

  it('finds the successor of a master that died', async () => {
    const watched = await clients.connect(set.nodes, mode)
    const old = await master()
    await old.kill()
    await serves(watched)
    const successor = set.servers.find((server) => server !== old) as RedisServer
    assert.match(String(await successor.command('info', 'replication')), /role:master/)
    assert.equal(watched.states.at(-1), 'ready')
    await old.up()
  })
})

describe('Redis Sentinel that is not there', () => {
  const clients = new RedisClients()
  afterEach(() => clients.closeAll())

  it('is unavailable at once, and served as soon as the sentinels are', async () => {
    const set = await RedisSentinels.start()
    try {
      for (const sentinel of set.sentinels) sentinel.freeze()
      const watched = clients.create(set.nodes, { mode: 'sentinel', masterName: MASTER_NAME })
      const { reply, durationMs } = await timed(watched.redis.ping())
      assert.equal(reply.ok, false)
      assert.ok(durationMs < 20)
      await eventually('it is told', () => watched.states.includes('unreachable'))
      for (const sentinel of set.sentinels) sentinel.thaw()
      await eventually('it is served', () => watched.states.at(-1) === 'ready')
      await eventually('it answers', async () => (await watched.redis.ping()).ok)
    } finally {
      await set.stop()
    }
  })
})

describe('Redis Sentinel that wants a password', () => {
  const clients = new RedisClients()
  afterEach(() => clients.closeAll())

  it('is asked with the one of the sentinels, and with no other', async () => {
    const master = await RedisServer.start()
    const sentinel = await RedisServer.startSentinel(master.port, ['requirepass right'])
    const mode = { mode: 'sentinel', masterName: MASTER_NAME, ...PATIENT } as const
    try {
      const right = await clients.connect([sentinel.node], { ...mode, sentinelPassword: 'right' })
      assert.equal((await right.redis.ping()).ok, true)
      const user = { sentinelUsername: 'default', sentinelPassword: 'right' }
      const named = await clients.connect([sentinel.node], { ...mode, ...user })
      assert.equal((await named.redis.ping()).ok, true)
      const wrong = clients.create([sentinel.node], { ...mode, sentinelPassword: 'wrong' })
      await eventually('it is told', () => wrong.states.includes('unreachable'))
      const without = clients.create([sentinel.node], mode)
      await eventually('it is told', () => without.states.includes('unreachable'))
    } finally {
      await sentinel.stop()
      await master.stop()
    }
  })
})
