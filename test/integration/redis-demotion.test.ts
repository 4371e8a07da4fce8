/** A master that becomes a replica behind the name it is reached by, connections staying open. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually, promptly } from '../support/eventually.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { RedisServer } from '../support/redis-server.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { SwitchedProxy } from '../support/switched-proxy.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const BACK_WITHIN_MS = 1_000
/** Longer than any connection is held, and several attempts to find a master. */
const LATE_SWITCH_MS = 1_500
const KEY = 'an-api-key'

let servers: readonly [RedisServer, RedisServer]
let name: SwitchedProxy
/** Index of the master. */
let current = 0

const master = () => servers[current] as RedisServer
const replica = () => servers[1 - current] as RedisServer

async function follows(server: RedisServer): Promise<void> {
  await eventually('the replica follows', async () => {
    const facts = String(await server.command('info', 'replication'))
    return facts.includes('role:slave') && facts.includes('master_link_status:up')
  })
}

/**
 * The roles change.
 *
 * @param isSwitchedFirst Whether the name leads to the new master before the old one is demoted;
 *   otherwise it leads to the old one until the test switches it.
 */
async function swapRoles(isSwitchedFirst = false): Promise<void> {
  const [old, successor] = [master(), replica()]
  await successor.command('replicaof', 'no', 'one')
  if (isSwitchedFirst) name.target = successor.port
  await old.command('replicaof', '127.0.0.1', successor.port)
  current = 1 - current
  await follows(old)
}

before(async () => {
  const words = ['--repl-diskless-sync-delay', '0']
  const first = await RedisServer.start(words)
  const second = await RedisServer.start([...words, '--replicaof', `127.0.0.1 ${first.port}`])
  servers = [first, second]
  await follows(second)
  name = await SwitchedProxy.start(first.port)
})

after(async () => {
  await name.stop()
  for (const server of servers) await server.stop()
})

describe('connections to one server that is demoted', () => {
  const clients = new RedisClients()
  afterEach(() => clients.closeAll())

  it('are all left at the first write that it refuses, which the new master gets', async () => {
    const { redis, states } = await clients.connect([name.node])
    await redis.set('a', 'x', 100)
    await swapRoles(true)
    await promptly('writes work', BACK_WITHIN_MS, [master().processId], async () => {
      return (await redis.getex('a', 100)).ok
    })
    await eventually('all are back', () => redis.stats.ready === 2)
    assert.deepEqual(await redis.set('b', 'y', 100), { ok: true, value: 'OK' })
    assert.equal(await master().command('get', 'b'), 'y')
    assert.deepEqual(states, ['ready'], 'which is no outage')
  })

  it('do not go on at a replica, and are few until the name leads to a master', async () => {
    const { redis, states } = await clients.connect([name.node])
    await swapRoles()
    await eventually('it is told', async () => {
      await redis.getex('a', 100)
      return states.at(-1) === 'unreachable'
    })
    const acceptedBefore = name.accepted
    await delay(LATE_SWITCH_MS)
    const attempts = name.accepted - acceptedBefore
    assert.ok(attempts > 0 && attempts <= 30, `${attempts} attempts of two connections`)
    assert.deepEqual(states, ['ready', 'unreachable'], 'told once')
    name.target = master().port
    await promptly('writes work', BACK_WITHIN_MS, [master().processId], async () => {
      return (await redis.getex('a', 100)).ok
    })
    assert.equal(states.at(-1), 'ready')
  })
})

describe('a gateway whose Redis is demoted behind its name', () => {
  let parts: TestGateway
  let id: string
  before(async () => {
    name.target = master().port
    parts = await openGateway({
      redis: { nodes: [name.address] },
      sessions: { ttl: '60s' },
      apiKeys: { redis: true },
      revocation: { redis: true },
      routes: {
        '/s/*': { authenticate: ['session'] },
        '/k/*': { authenticate: ['apiKey'] },
      },
    })
  })
  after(() => parts.stop())
  beforeEach(async () => {
    id = newSessionId()
    // A thread that was not asked meanwhile may still have a server that is master again.
    name.target = master().port
    name.cut()
    await master().command('set', `sess:${sha256(id)}`, '{"userId":"u"}', 'EX', '600')
    await master().command('set', `apikey:${sha256(KEY)}`, '{"userId":"m"}')
    await eventually('sessions work', async () => outcomeOf(await askSession()) === 'passed')
  })

  const askSession = () => parts.ask('/s/x', { cookie: `__Host-sid=${id}` })
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${parts.adminOrigin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  async function everythingWorks(): Promise<void> {
    const processIds = [parts.processId, master().processId]
    const works = (what: string, holds: () => Promise<boolean>) =>
      promptly(what, BACK_WITHIN_MS, processIds, holds)
    await works('sessions', async () => outcomeOf(await askSession()) === 'passed')
    await works('API keys', async () => {
      return outcomeOf(await parts.ask('/k/x', { 'x-api-key': KEY })) === 'passed'
    })
    await works('new sessions', async () => {
      return (await post('/sessions', { userId: 'u' })).status === 201
    })
  }

  it('serves on without a restart when the name is switched with the roles', async () => {
    await swapRoles()
    name.target = master().port
    await everythingWorks()
  })

  it('serves again within a second when the name is switched later', async () => {
    await swapRoles()
    await eventually('it is refused', async () => outcomeOf(await askSession()) !== 'passed')
    await delay(LATE_SWITCH_MS)
    assert.equal(outcomeOf(await askSession()), '503 verifier_unavailable')
    name.target = master().port
    await everythingWorks()
  })
})
