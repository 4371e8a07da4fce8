/** Commands to a real cluster of six: any key, a node that stands still, dies, or is replaced. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { RedisClients, timed } from '../support/redis-clients.ts'
import { PATIENT } from '../support/redis-options.ts'
import { RedisCluster, type RedisServer } from '../support/redis-server.ts'
import { watchStarvation } from '../support/starvation.ts'

const FAILING_MS_MAX = 250
/** Patience with the cluster, which also needs the machine. */
const FAIL_OVER_MS_MAX = 60_000
/** Part of the time for a command that a busy machine may have taken. */
const STARVED_MS = 50
const KEYS = Array.from({ length: 60 }, (_, index) => `sess:${index}`)

describe('Redis Cluster', () => {
  let cluster: RedisCluster
  const clients = new RedisClients()
  const mode = { mode: 'cluster', connectionsMin: 1 } as const
  const patient = { ...mode, ...PATIENT } as const
  before(async () => {
    cluster = await RedisCluster.start()
  })
  after(() => cluster.stop())
  afterEach(() => clients.closeAll())

  it('serves keys wherever they lie, and commands of one turn share writes', async () => {
    const { redis } = await clients.connect(cluster.nodes, patient)
    const written = await Promise.all(KEYS.map((key) => redis.set(key, key, 100)))
    assert.ok(written.every((reply) => reply.ok))
    const before = redis.stats
    const read = await Promise.all(KEYS.map((key) => redis.getex(key, 100)))
    assert.deepEqual(
      read.map((reply) => reply.ok && reply.value),
      KEYS,
    )
    const { commands, writes } = redis.stats
    assert.equal(commands - before.commands, KEYS.length)
    assert.ok(writes - before.writes <= 6, `${writes - before.writes} writes`)
    const plain = await Promise.all(KEYS.map((key) => redis.get(key)))
    assert.deepEqual(
      plain.map((reply) => reply.ok && reply.value),
      KEYS,
    )
  })

  it('reads from replicas where that is asked for, and writes to masters all the same', async () => {
    const { redis } = await clients.connect(cluster.nodes, { ...patient, readFromReplicas: true })
    assert.equal((await redis.set('r', 'x', 100)).ok, true)
    const master = await cluster.masterOf('r')
    await master.command('config', 'resetstat')
    let value: string | null = null
    // The replica may lag behind.
    while (value === null) {
      const reply = await redis.get('r')
      value = reply.ok ? reply.value : null
    }
    assert.equal(value, 'x')
    const calls = String(await master.command('info', 'commandstats'))
    assert.doesNotMatch(calls, /cmdstat_get:/)
    assert.equal((await redis.getex('r', 100)).ok, true)
  })

  it('follows a slot that has moved to another node', async () => {
    const { redis } = await clients.connect(cluster.nodes, patient)
    const key = 'moved'
    await redis.set(key, 'x', 100)
    const from = await cluster.masterOf(key)
    const to = await otherMaster(from)
    await moveSlot(key, from, to)
    const neighbours = KEYS.map((neighbour) => redis.getex(neighbour, 100))
    assert.deepEqual(await redis.getex(key, 100), { ok: true, value: 'x' })
    assert.ok((await Promise.all(neighbours)).every((reply) => reply.ok))
  })

  it('follows a key whose slot is on its way to another node', async () => {
    const { redis } = await clients.connect(cluster.nodes, mode)
    const asking = (await clients.connect(cluster.nodes, patient)).redis
    const key = 'moving'
    await asking.set(key, 'x', 100)
    const from = await cluster.masterOf(key)
    const to = await otherMaster(from)
    await beginToMoveSlot(key, from, to)
    await from.command('migrate', to.node.host, to.port, key, 0, 1_000)
    const neighbours = KEYS.map((neighbour) => asking.getex(neighbour, 100))
    const asked = await Promise.all(Array.from({ length: 20 }, () => asking.getex(key, 100)))
    assert.ok(asked.every((reply) => reply.ok && reply.value === 'x'))
    assert.ok((await Promise.all(neighbours)).every((reply) => reply.ok))
    to.freeze()
    try {
      const lost = await Promise.all(Array.from({ length: 20 }, () => timed(redis.get(key))))
      for (const { reply, durationMs } of lost) {
        assert.equal(reply.ok, false)
        assert.ok(durationMs < FAILING_MS_MAX, `took ${durationMs} ms`)
      }
    } finally {
      to.thaw()
    }
    await served(redis, key)
    await endMoveOfSlot(key, from, to)
    await served(redis, key)
  })

  it('fails within 250 ms for the keys of a node that stands still, and for no others', async () => {
    const { redis } = await clients.connect(cluster.nodes, mode)
    const stuck = await cluster.masterOf('stuck')
    const other = await keyElsewhere(stuck)
    const { processId } = await cluster.masterOf(other)
    await served(redis, 'stuck')
    await served(redis, other)
    stuck.freeze()
    try {
      const endMs = performance.now() + 600
      while (performance.now() < endMs) {
        const starvedMs = watchStarvation([process.pid, processId])
        const [failing, serving] = await Promise.all([
          timed(redis.getex('stuck', 100)),
          timed(redis.getex(other, 100)),
        ])
        assert.equal(failing.reply.ok, false)
        assert.ok(failing.durationMs < FAILING_MS_MAX, `took ${failing.durationMs} ms`)
        // A command times out after 100 ms, whatever made it wait.
        assert.ok(serving.reply.ok || starvedMs() > STARVED_MS, 'another node fails, too')
      }
    } finally {
      stuck.thaw()
    }
    await served(redis, 'stuck')
    await eventually('nothing is left over', () => redis.stats.inFlight === 0)
  })

  it('finds the successor of a master that died', async () => {
    const { redis } = await clients.connect(cluster.nodes, mode)
    const dying = await cluster.masterOf('dying')
    await served(redis, 'dying')
    await dying.kill()
    const { reply, durationMs } = await timed(redis.getex('dying', 100))
    assert.equal(reply.ok, false)
    assert.ok(durationMs < FAILING_MS_MAX, `took ${durationMs} ms`)
    await served(redis, 'dying')
    assert.equal(await answers(dying), false, 'by another')
  })

  async function served(redis: Awaited<ReturnType<RedisClients['connect']>>['redis'], key: string) {
    const giveUpAtMs = performance.now() + FAIL_OVER_MS_MAX
    for (;;) {
      const { reply, durationMs } = await timed(redis.getex(key, 100))
      assert.ok(durationMs < FAILING_MS_MAX, `took ${durationMs} ms`)
      if (reply.ok) return
      assert.ok(performance.now() < giveUpAtMs, `never served: ${reply.reason}`)
      await delay(10)
    }
  }

  async function answers(server: RedisServer): Promise<boolean> {
    const watched = clients.create([server.node])
    await eventually('one attempt has been made', () => watched.states.length > 0)
    return (await watched.redis.ping()).ok
  }

  async function keyElsewhere(server: RedisServer): Promise<string> {
    for (const key of KEYS) if ((await cluster.masterOf(key)) !== server) return key
    return assert.fail('one node serves all keys')
  }

  async function otherMaster(server: RedisServer): Promise<RedisServer> {
    return cluster.masterOf(await keyElsewhere(server))
  }

  async function moveSlot(key: string, from: RedisServer, to: RedisServer): Promise<void> {
    await beginToMoveSlot(key, from, to)
    await from.command('migrate', to.node.host, to.port, key, 0, 1_000)
    await endMoveOfSlot(key, from, to)
  }

  async function beginToMoveSlot(key: string, from: RedisServer, to: RedisServer): Promise<void> {
    const slot = Number(await from.command('cluster', 'keyslot', key))
    const source = String(await from.command('cluster', 'myid'))
    await to.command('cluster', 'setslot', slot, 'importing', source)
    const target = String(await to.command('cluster', 'myid'))
    await from.command('cluster', 'setslot', slot, 'migrating', target)
  }

  async function endMoveOfSlot(key: string, from: RedisServer, to: RedisServer): Promise<void> {
    const slot = Number(await from.command('cluster', 'keyslot', key))
    const target = String(await to.command('cluster', 'myid'))
    await to.command('cluster', 'setslot', slot, 'node', target)
    await from.command('cluster', 'setslot', slot, 'node', target)
  }
})
