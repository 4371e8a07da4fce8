/** Limits of a fleet over a real cluster, and over a master that sentinels watch. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { FleetLimits } from '../../src/rate-limit/fleet-limits.ts'
import { eventually } from '../support/eventually.ts'
import {
  answerTo,
  fail,
  HOUR_MICROS,
  locked,
  openFleet,
  redisKey,
  take,
  timedAsk,
} from '../support/fleet-limits.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { PATIENT } from '../support/redis-options.ts'
import {
  MASTER_NAME,
  RedisCluster,
  RedisSentinels,
  type RedisServer,
} from '../support/redis-server.ts'

const FAILING_MS_MAX = 250
/** Patience with those who choose a new master, who also need the machine. */
const FAIL_OVER_MS_MAX = 60_000
const NAMES = Array.from({ length: 30 }, (_, index) => `name ${index}`)

const clients = new RedisClients()
afterEach(() => clients.closeAll())

/** Each try without an answer must end in time. */
async function answers(fleet: FleetLimits, key: string): Promise<void> {
  await eventually(
    'it answers',
    async () => {
      const asked = await timedAsk(fleet, [locked(key)])
      assert.ok(asked.durationMs < FAILING_MS_MAX, `took ${asked.durationMs} ms`)
      return asked.answers !== null
    },
    FAIL_OVER_MS_MAX,
  )
}

describe('limits of a fleet over a cluster', () => {
  let cluster: RedisCluster
  const mode = { mode: 'cluster', connectionsMin: 1 } as const
  before(async () => {
    cluster = await RedisCluster.start()
  })
  after(() => cluster.stop())

  const masterOf = (name: string) => cluster.masterOf(redisKey('lock', name))

  async function nameElsewhere(server: RedisServer): Promise<string> {
    for (const name of NAMES) if ((await masterOf(name)) !== server) return name
    return assert.fail('one node serves all keys')
  }

  it('lie on all nodes, are asked together and answered in order', async () => {
    const { fleet, redis } = await openFleet(clients, cluster.nodes, { ...mode, ...PATIENT })
    const questions = NAMES.flatMap((name, index) => [
      take(name, HOUR_MICROS, index + 1),
      fail(name, 1, HOUR_MICROS, 3_600_000_000 + index),
    ])
    // The first call to each node teaches it the script.
    assert.notEqual(await fleet.ask(NAMES.map(locked)), null)
    const before = redis.stats
    const expected = NAMES.flatMap((_, index) => [index, 3_600_000_000 + index])
    assert.deepEqual(await fleet.ask(questions), expected)
    const { writes, failures } = redis.stats
    assert.ok(writes - before.writes <= 3, `${writes - before.writes} writes`)
    assert.equal(failures, 0)
    for (const master of cluster.servers.slice(0, 3)) {
      assert.ok(Number(await master.command('dbsize')) > 0, 'a node without keys')
    }
  })

  it('see what an earlier question of the same call did to the same key', async () => {
    const { fleet } = await openFleet(clients, cluster.nodes, { ...mode, ...PATIENT })
    const twice = [take('x', HOUR_MICROS, 2), take('y', HOUR_MICROS, 9), take('x', HOUR_MICROS, 2)]
    assert.deepEqual(await fleet.ask(twice), [1, 8, 0])
  })

  it('have no answer within 250 ms for the keys of a node that stands still', async () => {
    const { fleet } = await openFleet(clients, cluster.nodes, mode)
    const stuck = await masterOf('stuck')
    const other = await nameElsewhere(stuck)
    await answers(fleet, 'stuck')
    await answers(fleet, other)
    stuck.freeze()
    try {
      const questions = [locked(other), locked('stuck')]
      const asked = await timedAsk(fleet, questions)
      assert.equal(asked.answers, null)
      assert.ok(asked.durationMs < FAILING_MS_MAX, `took ${asked.durationMs} ms`)
      await answers(fleet, other)
    } finally {
      stuck.thaw()
    }
    await answers(fleet, 'stuck')
  })

  it('count a take once although its slot has moved', async () => {
    const { fleet } = await openFleet(clients, cluster.nodes, { ...mode, ...PATIENT })
    const key = redisKey('rate', 'moved')
    assert.equal(await answerTo(fleet, take('moved', HOUR_MICROS, 10)), 9)
    const from = await cluster.masterOf(key)
    const to = await masterOf(await nameElsewhere(from))
    const slot = Number(await from.command('cluster', 'keyslot', key))
    const target = String(await to.command('cluster', 'myid'))
    await to.command('cluster', 'setslot', slot, 'importing', await idOf(from))
    await from.command('cluster', 'setslot', slot, 'migrating', target)
    await from.command('migrate', to.node.host, to.port, key, 0, 1_000)
    assert.equal(await answerTo(fleet, take('moved', HOUR_MICROS, 10)), 8, 'on its way')
    await to.command('cluster', 'setslot', slot, 'node', target)
    await from.command('cluster', 'setslot', slot, 'node', target)
    assert.equal(await answerTo(fleet, take('moved', HOUR_MICROS, 10)), 7, 'there')
  })

  async function idOf(server: RedisServer): Promise<string> {
    return String(await server.command('cluster', 'myid'))
  }
})

describe('a lock of a fleet behind sentinels', () => {
  let set: RedisSentinels
  before(async () => {
    set = await RedisSentinels.start()
  })
  after(() => set.stop())

  it('holds at the new master when the old one was replaced', async () => {
    const mode = { mode: 'sentinel', masterName: MASTER_NAME } as const
    const { fleet } = await openFleet(clients, set.nodes, mode)
    await eventually('it locks', async () => {
      return (await fleet.ask([fail('a', 1, HOUR_MICROS, HOUR_MICROS)])) !== null
    })
    const [master, replica] = set.servers
    await eventually('the replica has it', async () => {
      return (await replica.command('exists', redisKey('lock', 'a'))) === 1
    })
    await master.kill()
    await answers(fleet, 'a')
    await eventually('it is locked', async () => {
      const [leftMicros] = (await fleet.ask([locked('a')])) ?? []
      return leftMicros !== undefined && leftMicros > 0
    })
  })
})
