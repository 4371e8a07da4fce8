/** Limits of a fleet while Redis has every fault that it can have: no answer, in time. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { eventually, promptly } from '../support/eventually.ts'
import {
  answerTo,
  callsOf,
  type FleetInstance,
  fail,
  HOUR_MICROS,
  openFleet,
  redisKey,
  take,
  timedAsk,
} from '../support/fleet-limits.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { RedisServer } from '../support/redis-server.ts'
import { SwitchedProxy } from '../support/switched-proxy.ts'

const FAILING_MS_MAX = 250
const RECOVERY_MS_MAX = 1_000
/** As many as the client may leave unanswered before it gives the connection up, and some more. */
const ASKED_IN_FAULT = 10

const question = take('a', HOUR_MICROS, 1_000)
const clients = new RedisClients()
afterEach(() => clients.closeAll())

async function getsNoAnswer({ fleet }: FleetInstance, times = ASKED_IN_FAULT): Promise<void> {
  const before = fleet.counters.failures
  for (let count = 0; count < times; count += 1) {
    const { answers, durationMs } = await timedAsk(fleet, [question])
    assert.equal(answers, null)
    assert.ok(durationMs < FAILING_MS_MAX, `took ${durationMs} ms`)
  }
  assert.equal(fleet.counters.failures, before + times)
}

async function isBack({ fleet }: FleetInstance, server: RedisServer): Promise<void> {
  await server.command('ping')
  await promptly('it answers again', RECOVERY_MS_MAX, [server.processId], async () => {
    const { answers, durationMs } = await timedAsk(fleet, [question])
    assert.ok(durationMs < FAILING_MS_MAX, `took ${durationMs} ms`)
    return answers !== null
  })
}

describe('limits of a fleet have no answer within 250 ms, and one again within a second', () => {
  let server: RedisServer
  let instance: FleetInstance
  before(async () => {
    server = await RedisServer.start()
  })
  after(() => server.stop())
  beforeEach(async () => {
    await server.command('flushall')
    instance = await openFleet(clients, [server.node], {})
    await eventually('it answers', async () => (await instance.fleet.ask([question])) !== null)
  })

  it('where Redis stands still', async () => {
    server.freeze()
    try {
      await getsNoAnswer(instance)
      await eventually('nothing piles up', () => instance.redis.stats.inFlight === 0)
    } finally {
      server.thaw()
    }
    await isBack(instance, server)
  })

  it('where Redis pauses its clients', async () => {
    await server.pauseClients(1_000)
    await getsNoAnswer(instance)
    await isBack(instance, server)
  })

  it('where Redis was killed and started again', async () => {
    await server.kill()
    await getsNoAnswer(instance)
    await server.up()
    await isBack(instance, server)
  })

  it('where Redis became a replica', async () => {
    await server.becomeReplica()
    try {
      await getsNoAnswer(instance)
    } finally {
      await server.becomeMaster()
    }
    await isBack(instance, server)
  })

  it('where Redis has no memory left', async () => {
    await server.command('config', 'set', 'maxmemory', 1)
    try {
      await getsNoAnswer(instance)
    } finally {
      await server.command('config', 'set', 'maxmemory', 0)
    }
    await isBack(instance, server)
  })

  it('where the keys hold something else, which stays as it is', async () => {
    await server.command('del', redisKey('rate', 'a'))
    await server.command('rpush', redisKey('rate', 'a'), 'x')
    await getsNoAnswer(instance)
    for (const text of ['', 'x', '1 2 3']) {
      await server.command('set', redisKey('rate', 'a'), text)
      await getsNoAnswer(instance, 1)
      await server.command('set', redisKey('lock', 'a'), text)
      const failure = fail('a', 1, HOUR_MICROS, HOUR_MICROS)
      assert.equal(await instance.fleet.ask([failure]), null)
      assert.equal(await instance.fleet.ask([{ kind: 'locked', key: 'a' }]), null)
      for (const holds of ['rate', 'lock'] as const) {
        assert.equal(await server.command('get', redisKey(holds, 'a')), text)
      }
    }
    await server.command('del', redisKey('rate', 'a'))
    await isBack(instance, server)
  })

  it('where Redis runs the script of another for long, until that is killed', async () => {
    await server.command('config', 'set', 'lua-time-limit', 50)
    const busy = connect(server.port, server.node.host)
    try {
      await once(busy, 'connect')
      busy.write('EVAL "while true do end" 0\r\n')
      await eventually('it is busy', async () => (await said(server)).startsWith('-BUSY'))
      await getsNoAnswer(instance)
      assert.match(await said(server, 'SCRIPT KILL'), /^\+OK/)
      await eventually('it is killed', async () => (await said(server)).startsWith('+PONG'))
    } finally {
      busy.destroy()
    }
    await isBack(instance, server)
  })

  it('where a user may not run scripts', async () => {
    await server.command('acl', 'setuser', 'default', '-evalsha')
    try {
      await getsNoAnswer(instance)
    } finally {
      await server.command('acl', 'setuser', 'default', '+@all')
    }
    await isBack(instance, server)
  })
})

describe('limits of a fleet where Redis loads its data', () => {
  let server: RedisServer
  before(async () => {
    const slow = ['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024']
    server = await RedisServer.start(slow)
  })
  after(() => server.stop())

  it('have no answer until it has, and one within a second from then', async () => {
    // So that the client takes it for standing still no sooner than it has loaded.
    const instance = await openFleet(clients, [server.node], { connectTimeoutMs: 20_000 })
    const keys = Array.from({ length: 1_500 }, (_, index) => [`key ${index}`, 'x']).flat()
    await server.command('mset', ...keys)
    // Loaded last, and at once: by its size it makes Redis expect to load for minutes.
    await server.command('set', 'large', 'x'.repeat(100_000))
    await server.command('config', 'set', 'rdbcompression', 'no')
    await server.command('move', 'large', 1)
    await server.command('save')
    await server.kill()
    const isUp = server.up()
    await eventually('it loads', async () => (await said(server)).startsWith('-LOADING'))
    await getsNoAnswer(instance)
    assert.match(await said(server), /^-LOADING/)
    await isUp
    await isBack(instance, server)
  })
})

describe('a call of which the answer is not what the script gives', () => {
  for (const [impostor, answer] of [
    ['SUNION', 'a list of texts'],
    ['SMISMEMBER', 'a list of too many numbers'],
    ['EXISTS', 'a number'],
    ['LPOS', 'an error'],
  ] as const) {
    it(`counts as none: ${answer}`, async () => {
      const [away, instead] = [
        ['--rename-command', 'EVALSHA', 'GONE'],
        ['--rename-command', impostor, 'EVALSHA'],
      ]
      const server = await RedisServer.start([...away, ...instead])
      try {
        const { fleet } = await openFleet(clients, [server.node])
        // To be the only member of the union.
        if (impostor === 'SUNION') await server.command('sadd', redisKey('rate', 'a'), '7')
        assert.equal(await fleet.ask([question]), null)
        assert.equal(fleet.counters.failures, 1)
      } finally {
        await server.stop()
      }
    })
  }
})

describe('a call that may have run', () => {
  let servers: readonly [RedisServer, RedisServer]
  let name: SwitchedProxy
  before(async () => {
    servers = [await RedisServer.start(), await RedisServer.start()]
    name = await SwitchedProxy.start(servers[0].port)
  })
  after(async () => {
    await name.stop()
    for (const server of servers) await server.stop()
  })

  it('is not sent once more when its connection is lost, though there is another', async () => {
    const [server] = servers
    const instance = await openFleet(clients, [name.node])
    await answerTo(instance.fleet, take('warm', HOUR_MICROS, 1))
    await server.command('config', 'resetstat')
    name.answerDelayMs = 60_000
    const asked = Promise.all([1, 2, 3].map(() => instance.fleet.ask([question])))
    await eventually('all ran', async () => (await callsOf(server, 'evalsha')) === 3)
    const answers = '*1\r\n:999\r\n*1\r\n:998\r\n*1\r\n:997\r\n'
    await eventually('the answers are held back', () => name.delayedBytes === answers.length)
    name.answerDelayMs = 0
    const connections = String(await server.command('client', 'list')).split('\n')
    const used = connections.find((line) => line.includes('cmd=evalsha'))
    await server.command('client', 'kill', 'id', /id=(\d+)/.exec(used ?? '')?.[1] ?? '')
    assert.deepEqual(await asked, [null, null, null])
    assert.equal(await answerTo(instance.fleet, question), 1_000 - 4)
    assert.equal(await callsOf(server, 'evalsha'), 4)
  })

  it('counts once at most when it was too late', async () => {
    const [server] = servers
    const instance = await openFleet(clients, [name.node], {})
    const late = take('late', HOUR_MICROS, 1_000)
    await eventually('it answers', async () => {
      return (await instance.fleet.ask([take('warm', HOUR_MICROS, 1)])) !== null
    })
    await server.command('config', 'resetstat')
    server.freeze()
    const answers = await Promise.all([1, 2, 3].map(() => instance.fleet.ask([late])))
    server.thaw()
    assert.deepEqual(answers, [null, null, null])
    await eventually('all ran', async () => (await callsOf(server, 'evalsha')) === 3)
    const { fleet } = await openFleet(clients, [server.node])
    assert.equal(await answerTo(fleet, late), 1_000 - 4)
  })

  it('is served by the new master, and counted there once, where the old one refused', async () => {
    const [old, successor] = servers
    const instance = await openFleet(clients, [name.node])
    await answerTo(instance.fleet, take('warm', HOUR_MICROS, 1))
    name.target = successor.port
    await old.becomeReplica()
    await promptly('it answers', RECOVERY_MS_MAX, [successor.processId], async () => {
      const answers = await instance.fleet.ask([take('moved', HOUR_MICROS, 10)])
      if (answers !== null) assert.deepEqual(answers, [9])
      return answers !== null
    })
    assert.equal(await callsOf(successor, 'eval'), 1, 'which did not know the script')
  })
})

/** What a server says to a client that just connected, whatever it is busy with. */
async function said(server: RedisServer, words = 'PING'): Promise<string> {
  const socket = connect(server.port, server.node.host)
  try {
    await once(socket, 'connect')
    socket.write(`${words}\r\n`)
    const [answer] = await once(socket, 'data')
    return String(answer)
  } catch {
    // It does not listen yet.
    return ''
  } finally {
    socket.destroy()
  }
}
