/** Commands to one real Redis: shared writes, and every fault that it can have. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RedisFailure, RedisReply } from '../../src/redis/redis-reply.ts'
import { eventually, promptly } from '../support/eventually.ts'
import { RedisClients, timed, type WatchedConnections } from '../support/redis-clients.ts'
import { PATIENT } from '../support/redis-options.ts'
import { RedisServer } from '../support/redis-server.ts'
import { RubbishServer } from '../support/rubbish-server.ts'

const FAILING_MS_MAX = 250
const RECOVERY_MS_MAX = 1_000

let server: RedisServer
const clients = new RedisClients()

function reasonOf(reply: RedisReply<unknown>): RedisFailure | 'none' {
  return reply.ok ? 'none' : reply.reason
}

/** As clients do in an outage: one after the other, each waiting for its answer. */
async function knock(watched: WatchedConnections, forMs: number): Promise<Set<string>> {
  const reasons = new Set<string>()
  const endMs = performance.now() + forMs
  const client = async () => {
    while (performance.now() < endMs) {
      const { reply, durationMs } = await timed(watched.redis.getex('key', 60))
      assert.ok(durationMs < FAILING_MS_MAX, `took ${durationMs} ms`)
      reasons.add(reasonOf(reply))
      await delay(1)
    }
  }
  await Promise.all(Array.from({ length: 64 }, client))
  return reasons
}

/** Within a second from when the server answers others. */
async function recovers({ redis }: WatchedConnections): Promise<void> {
  await server.command('ping')
  const isBack = async () => (await redis.ping()).ok
  await promptly('it is back', RECOVERY_MS_MAX, [server.processId], isBack)
}

before(async () => {
  server = await RedisServer.start()
})
after(() => server.stop())
afterEach(() => clients.closeAll())

describe('commands to Redis', () => {
  let watched: WatchedConnections
  beforeEach(async () => {
    await server.command('flushall')
    watched = await clients.connect([server.node], PATIENT)
  })

  it('read, write and end values', async () => {
    const { redis } = watched
    assert.deepEqual(await redis.get('a'), { ok: true, value: null })
    assert.deepEqual(await redis.set('a', 'grüß', 100), { ok: true, value: 'OK' })
    assert.deepEqual(await redis.get('a'), { ok: true, value: 'grüß' })
    assert.equal(await server.command('ttl', 'a'), 100)
    assert.deepEqual(await redis.getex('a', 500), { ok: true, value: 'grüß' })
    assert.equal(await server.command('ttl', 'a'), 500)
    assert.deepEqual(await redis.getex('a', null), { ok: true, value: 'grüß' })
    assert.equal(await server.command('ttl', 'a'), 500, 'reading alone prolongs nothing')
    assert.deepEqual(await redis.expireAt('a', 4_000_000_000), { ok: true, value: 1 })
    assert.deepEqual(await redis.prolong('a', 3_000_000_000), { ok: true, value: 0 })
    assert.equal(await server.command('expiretime', 'a'), 4_000_000_000)
    assert.deepEqual(await redis.prolong('a', 4_000_000_001), { ok: true, value: 1 })
    assert.equal(await server.command('expiretime', 'a'), 4_000_000_001)
    assert.deepEqual(await redis.delete('a'), { ok: true, value: 1 })
    assert.deepEqual(await redis.expireAt('a', 4_000_000_000), { ok: true, value: 0 })
  })

  it('keep sorted sets', async () => {
    const { redis } = watched
    assert.deepEqual(await redis.members('s'), { ok: true, value: [] })
    assert.deepEqual(await redis.highestScore('s'), { ok: true, value: null })
    await redis.addMember('s', 'two', 1_767_225_602)
    await redis.addMember('s', 'one', 1_767_225_601)
    await redis.addMember('s', 'three', 1_767_225_603)
    assert.deepEqual(await redis.members('s'), { ok: true, value: ['one', 'two', 'three'] })
    assert.deepEqual(await redis.highestScore('s'), { ok: true, value: 1_767_225_603 })
    assert.deepEqual(await redis.removeMember('s', 'three'), { ok: true, value: 1 })
    assert.deepEqual(await redis.removeMember('s', 'three'), { ok: true, value: 0 })
    assert.deepEqual(await redis.removeMembersUpTo('s', 1_767_225_601), { ok: true, value: 1 })
    assert.deepEqual(await redis.members('s'), { ok: true, value: ['two'] })
  })

  it('share writes when they are asked for in one turn', async () => {
    const { redis } = watched
    const before = redis.stats
    const replies = await Promise.all(Array.from({ length: 64 }, () => redis.getex('a', 10)))
    assert.ok(replies.every((reply) => reply.ok))
    const { commands, writes } = redis.stats
    assert.equal(commands - before.commands, 64)
    assert.equal(writes - before.writes, 1)
  })

  it('use a further connection only when all before it are busy, up to the maximum', async () => {
    const { redis } = watched
    const ask = (count: number) =>
      Promise.all(Array.from({ length: count }, () => redis.getex('a', 10)))
    await ask(256)
    assert.equal(redis.stats.open, 2)
    const reasons = new Set((await ask(5_000)).map(reasonOf))
    assert.deepEqual([...reasons].sort(), ['none', 'unavailable'], 'beyond the bound it fails')
    await eventually('the pool has grown', () => redis.stats.ready === 3)
    await ask(1_000)
    await eventually('the pool has grown', () => redis.stats.ready === 4)
    await ask(1_000)
    assert.equal(redis.stats.open, 4)
    assert.equal(redis.stats.inFlight, 0)
  })

  it('give surplus connections back after the idle time', async () => {
    const { redis } = await clients.connect([server.node], { ...PATIENT, idleMs: 40 })
    await Promise.all(Array.from({ length: 300 }, () => redis.getex('a', 10)))
    await eventually('the pool has grown', () => redis.stats.ready > 2)
    await eventually('and shrunk', () => redis.stats.open === 2)
    assert.equal((await redis.ping()).ok, true)
  })

  it('need the right password, and then a database of their own', async () => {
    const guarded = await RedisServer.start(['--requirepass', 'right'])
    try {
      const wrong = clients.create([guarded.node], { password: 'wrong' })
      await eventually('it is told', () => wrong.states.includes('unreachable'))
      assert.equal(reasonOf(await wrong.redis.ping()), 'unavailable')
      const right = await clients.connect([guarded.node], {
        ...PATIENT,
        password: 'right',
        database: 3,
      })
      await right.redis.set('a', 'three', 10)
      const other = await clients.connect([guarded.node], { ...PATIENT, password: 'right' })
      assert.deepEqual(await other.redis.get('a'), { ok: true, value: null })
    } finally {
      await guarded.stop()
    }
  })

  it('fail at once after the end', async () => {
    watched.redis.close()
    assert.equal(reasonOf(await watched.redis.ping()), 'unavailable')
  })
})

describe('a fault of Redis', () => {
  let watched: WatchedConnections
  beforeEach(async () => {
    await server.command('flushall')
    watched = await clients.connect([server.node])
  })

  it('of a wrong type is told as such', async () => {
    const { redis } = await clients.connect([server.node], PATIENT)
    await server.command('rpush', 'key', 'x')
    assert.equal(reasonOf(await redis.getex('key', 60)), 'wrong_type')
    assert.equal(reasonOf(await redis.addMember('key', 'x', 1)), 'wrong_type')
    assert.equal(redis.stats.failures, 2)
  })

  it('of memory refuses new sessions, while those that are there can be read', async () => {
    const { redis } = await clients.connect([server.node], PATIENT)
    await server.command('set', 'key', 'x')
    await server.command('config', 'set', 'maxmemory', 1)
    try {
      assert.equal(reasonOf(await redis.set('b', 'x', 60)), 'out_of_memory')
      assert.deepEqual(await redis.getex('key', 60), { ok: true, value: 'x' })
    } finally {
      await server.command('config', 'set', 'maxmemory', 0)
    }
  })

  it('of being a replica is told as read only', async () => {
    const { redis } = await clients.connect([server.node], {
      ...PATIENT,
      commandTimeoutMs: 500,
    })
    await server.becomeReplica()
    try {
      assert.equal(reasonOf(await redis.getex('key', 60)), 'read_only')
    } finally {
      await server.becomeMaster()
    }
    await eventually('it is over', async () => (await redis.getex('key', 60)).ok)
  })

  it('of pausing all clients fails within 250 ms, and is over when the pause is', async () => {
    await server.pauseClients(1_200)
    const reasons = await knock(watched, 600)
    assert.deepEqual([...reasons].sort(), ['timeout', 'unavailable'])
    await recovers(watched)
    assert.equal(watched.redis.stats.inFlight, 0)
  })

  it('of standing still fails within 250 ms, piles nothing up, and is over at once', async () => {
    server.freeze()
    try {
      const reasons = await knock(watched, 800)
      assert.deepEqual([...reasons].sort(), ['timeout', 'unavailable'])
      assert.equal(watched.states.at(-1), 'unreachable')
      // By then everything fails at once, and nothing waits for a connection that is no more.
      const { reply, durationMs } = await timed(watched.redis.getex('key', 60))
      assert.equal(reasonOf(reply), 'unavailable')
      assert.ok(durationMs < 20, `took ${durationMs} ms`)
      assert.equal(watched.redis.stats.inFlight, 0)
    } finally {
      server.thaw()
    }
    await recovers(watched)
    assert.equal(watched.states.at(-1), 'ready')
  })

  it('of closing all connections costs what was in flight, and is over within a second', async () => {
    const before = await server.connectionsReceived()
    await server.killClients()
    await recovers(watched)
    await eventually('both are back', () => watched.redis.stats.ready === 2)
    assert.equal(await server.connectionsReceived(), before + 2, 'each reconnects once')
  })

  it('of dying fails at once, and is over within a second of its return', async () => {
    await server.kill()
    await eventually('it is told', () => watched.states.at(-1) === 'unreachable')
    assert.deepEqual([...(await knock(watched, 300))], ['unavailable'])
    assert.equal(watched.redis.stats.inFlight, 0)
    await server.up()
    await recovers(watched)
    assert.deepEqual(watched.states, ['ready', 'unreachable', 'ready'])
    await eventually('both are back', () => watched.redis.stats.ready === 2)
    assert.ok((await server.connectionsReceived()) <= 8, 'no thundering herd')
  })

  it('after growth brings back the least number of connections only', async () => {
    const { redis } = watched
    const ask = () => Promise.all(Array.from({ length: 1_000 }, () => redis.getex('a', 10)))
    for (const expected of [3, 4]) {
      await ask()
      await eventually('it has grown', () => redis.stats.ready === expected)
    }
    const before = await server.connectionsReceived()
    await server.killClients()
    await eventually('two are back', () => redis.stats.ready === 2)
    assert.equal(redis.stats.open, 2)
    assert.ok((await server.connectionsReceived()) <= before + 2)
  })

  it('at the start is told, and over as soon as the server is there', async () => {
    await server.kill()
    const late = clients.create([server.node])
    await eventually('it is told', () => late.states.includes('unreachable'))
    assert.equal(reasonOf(await late.redis.getex('key', 60)), 'unavailable')
    await server.up()
    await recovers(late)
    assert.deepEqual(late.states, ['unreachable', 'ready'])
  })

  it('of not being Redis at all is unavailable, within 250 ms', async () => {
    const rubbish = await RubbishServer.start()
    try {
      const confused = clients.create([rubbish.node])
      await eventually('it is told', () => confused.states.includes('unreachable'))
      assert.deepEqual([...(await knock(confused, 300))], ['unavailable'])
      assert.deepEqual(confused.states, ['unreachable'])
    } finally {
      await rubbish.stop()
    }
  })
})
