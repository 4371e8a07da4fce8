/** The log of revocations in real servers: order, pages, ends, a cluster, and hostile records. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/resilience/clock.ts'
import type { RedisNode } from '../../src/resilience/redis-options.ts'
import { RedisRevocationLog } from '../../src/revocation/redis-revocation-log.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { RedisCluster, RedisServer } from '../support/redis-server.ts'

const ORDER = 'test:{log}:order'
const ENDS = 'test:{log}:ends'
const PATIENCE = { commandTimeoutMs: 2_000 }

function soonSeconds(): number {
  return systemClock.nowSeconds() + 600
}

async function readAll(log: RedisRevocationLog): Promise<string[]> {
  const records: string[] = []
  let cursor: string | null = null
  for (;;) {
    const page = await log.readSince(cursor)
    assert.ok(page !== null)
    if (page.records.length === 0) return records
    records.push(...page.records)
    cursor = page.cursor
  }
}

describe('the log of revocations', () => {
  const clients = new RedisClients()
  let server: RedisServer
  before(async () => {
    server = await RedisServer.start()
  })
  after(async () => {
    clients.closeAll()
    await server.stop()
  })

  async function open(nodes: readonly RedisNode[] = [server.node]): Promise<RedisRevocationLog> {
    await server.command('flushall')
    const { redis } = await clients.connect(nodes, PATIENCE)
    return new RedisRevocationLog(redis, 'test:', systemClock)
  }

  it('is read in the order in which it was written, over many pages, each record once', async () => {
    const log = await open()
    const written = Array.from({ length: 700 }, (_, number) => `record-${number}`)
    for (const record of written) assert.ok(await log.append(record, soonSeconds()))
    assert.deepEqual(await readAll(log), written)
  })

  it('leads on from where a reader stopped, and to nothing new for what is known', async () => {
    const log = await open()
    await log.append('first', soonSeconds())
    const { cursor } = (await log.readSince(null)) ?? { cursor: null }
    await log.append('first', soonSeconds())
    assert.deepEqual((await log.readSince(cursor))?.records, [])
    await log.append('second', soonSeconds())
    assert.deepEqual((await log.readSince(cursor))?.records, ['second'])
  })

  it('drops what has ended, and all of itself when all has', async () => {
    const log = await open()
    const longAgo = systemClock.nowSeconds() - 3_600
    await log.append('ended', longAgo)
    await log.append('live', soonSeconds())
    assert.deepEqual(await readAll(log), ['live'])
    await server.command('zadd', ORDER, 1, 'old')
    await server.command('zadd', ENDS, longAgo, 'old')
    await log.sweep()
    assert.deepEqual(await readAll(log), ['live'])
    for (const key of [ORDER, ENDS]) {
      const lifeSeconds = Number(await server.command('ttl', key))
      assert.ok(lifeSeconds > 600 && lifeSeconds <= 1_300, `${lifeSeconds} s`)
    }
  })

  it('goes on after records with impossible places and ends', async () => {
    const log = await open()
    for (const place of ['+inf', '9007199254740991', '-5', '1.5']) {
      await server.command('zadd', ORDER, place, `at ${place}`)
    }
    await server.command('zadd', ENDS, '+inf', 'never ends')
    assert.ok(await log.append('good', soonSeconds()))
    assert.deepEqual(await readAll(log), ['at -5', 'at 1.5', 'good'])
  })

  it('says that it cannot be reached when its keys are something else', async () => {
    const log = await open()
    await server.command('set', ORDER, 'text')
    assert.equal(await log.readSince(null), null)
    assert.equal(await log.append('record', soonSeconds()), false)
  })

  it('works in a cluster', async () => {
    const cluster = await RedisCluster.start()
    try {
      const { redis } = await clients.connect(cluster.nodes, {
        ...PATIENCE,
        mode: 'cluster',
        connectionsMin: 1,
      })
      const log = new RedisRevocationLog(redis, 'test:', systemClock)
      const written = ['a', 'b', 'c']
      for (const record of written) assert.ok(await log.append(record, soonSeconds()))
      assert.deepEqual(await readAll(log), written)
      await log.sweep()
      assert.deepEqual(await readAll(log), written)
    } finally {
      clients.closeAll()
      await cluster.stop()
    }
  })
})
