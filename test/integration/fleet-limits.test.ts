/** Limits and lock-outs over a real Redis, counted by several instances at once. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { type FleetLimits, fleetKey } from '../../src/rate-limit/fleet-limits.ts'
import { eventually } from '../support/eventually.ts'
import {
  answerTo,
  callsOf,
  type FleetInstance,
  fail,
  HOUR_MICROS,
  KEY_PREFIX,
  locked,
  microsOf,
  openFleet,
  redisKey,
  take,
} from '../support/fleet-limits.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { RedisServer } from '../support/redis-server.ts'

let server: RedisServer
let instances: readonly [FleetInstance, FleetInstance]
let one: FleetLimits
let other: FleetLimits
const clients = new RedisClients()

before(async () => {
  server = await RedisServer.start()
})
after(() => server.stop())
beforeEach(async () => {
  await server.command('flushall')
  instances = [await openFleet(clients, [server.node]), await openFleet(clients, [server.node])]
  one = instances[0].fleet
  other = instances[1].fleet
})
afterEach(() => clients.closeAll())

async function keys(): Promise<readonly string[]> {
  return (await server.command('keys', '*')) as string[]
}

describe('a limit that a fleet shares', () => {
  const question = take('a', HOUR_MICROS, 3)

  it('lets a burst pass, saying how many are left, and then says how long to wait', async () => {
    assert.equal(await answerTo(one, question), 2)
    assert.equal(await answerTo(other, question), 1)
    assert.equal(await answerTo(one, question), 0)
    const refused = await answerTo(other, question)
    assert.ok(refused < 0 && refused >= -HOUR_MICROS, `${refused}`)
    const again = await answerTo(one, question)
    assert.ok(again > refused && again < 0, 'what was refused takes nothing')
  })

  it('lets no more pass than a burst and the rate, however many ask at once', async () => {
    const emissionMicros = 1_000
    const burst = 10
    const passedOf = [0, 0]
    const beginMicros = await microsOf(server)
    const client = async (index: 0 | 1) => {
      while (Math.min(...passedOf) < 150) {
        const answer = await answerTo(instances[index].fleet, take('a', emissionMicros, burst))
        assert.ok(answer < burst)
        if (answer >= 0) passedOf[index] = (passedOf[index] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: 64 }, (_, index) => client(index % 2 === 0 ? 0 : 1)))
    const spanMicros = (await microsOf(server)) - beginMicros
    const passed = passedOf.reduce((sum, count) => sum + count)
    const most = Math.floor(spanMicros / emissionMicros) + burst
    assert.ok(passed <= most, `${passed} passed, ${most} may`)
  })

  it('lets the rate pass, and says to the microsecond when', async () => {
    const emissionMicros = 5_000
    await answerTo(one, take('a', emissionMicros, 1))
    const arrivalMicros = Number(await server.command('get', redisKey('rate', 'a')))
    let answer = -1
    let askedMicros = 0
    await eventually('one passes', async () => {
      askedMicros = await microsOf(server)
      answer = await answerTo(other, take('a', emissionMicros, 1))
      if (answer < 0) assert.ok(askedMicros - answer <= arrivalMicros, 'not too long')
      return answer >= 0
    })
    assert.ok((await microsOf(server)) >= arrivalMicros, 'not too soon')
  })

  it('counts each key of each rule by itself, and failures apart from takes', async () => {
    const names = [fleetKey('ab', 'c'), fleetKey('a', 'bc'), fleetKey('ab', 'd')]
    for (const name of names) assert.equal(await answerTo(one, take(name, HOUR_MICROS, 2)), 1)
    assert.equal(await answerTo(one, fail(names[0] as string, 2, HOUR_MICROS, HOUR_MICROS)), 0)
    assert.equal(await answerTo(one, take(names[0] as string, HOUR_MICROS, 2)), 0)
    assert.equal((await keys()).length, 4)
  })

  it('waits no longer than for a burst when it allowed more before', async () => {
    for (let count = 0; count < 5; count += 1) await answerTo(one, take('a', HOUR_MICROS, 5))
    const refused = await answerTo(one, take('a', 1_000_000, 2))
    assert.ok(refused <= 0 && refused >= -1_000_000, `${refused}`)
  })

  it('lets pass what a rule allows that was relaxed, without waiting for the old one', async () => {
    assert.equal(await answerTo(one, take('relaxed', HOUR_MICROS, 1)), 0)
    assert.ok((await answerTo(one, take('relaxed', HOUR_MICROS, 1))) < 0)
    await eventually('it passes', async () => {
      return (await answerTo(other, take('relaxed', 1_000, 5))) >= 0
    })
  })

  it('rounds a rate that is no whole number of microseconds to the lower one', async () => {
    await answerTo(one, take('a', 1_000_000 / 7, 2.9))
    const first = Number(await server.command('get', redisKey('rate', 'a')))
    assert.equal(await answerTo(one, take('a', 1_000_000 / 7, 2.9)), 0)
    assert.equal(Number(await server.command('get', redisKey('rate', 'a'))) - first, 142_858)
  })
})

describe('a lock-out that a fleet shares', () => {
  const failure = (key: string, lockoutMicros = HOUR_MICROS, windowMicros = HOUR_MICROS) =>
    fail(key, 3, windowMicros, lockoutMicros)

  it('counts the failures of all instances, and is said once, to the last of them', async () => {
    assert.equal(await answerTo(one, failure('a')), 0)
    assert.equal(await answerTo(other, failure('a')), 0)
    assert.equal(await answerTo(other, locked('a')), 0)
    assert.equal(await answerTo(one, failure('a')), HOUR_MICROS)
    const leftMicros = await answerTo(other, locked('a'))
    assert.ok(leftMicros > 0 && leftMicros <= HOUR_MICROS)
    assert.equal(await answerTo(other, failure('a')), 0)
    assert.ok((await answerTo(one, locked('a'))) < leftMicros, 'and it is not prolonged')
    assert.equal(await answerTo(one, locked('b')), 0)
  })

  it('outlives the instance that has locked', async () => {
    for (let count = 0; count < 3; count += 1) await answerTo(one, failure('a'))
    clients.closeAll()
    const { fleet } = await openFleet(clients, [server.node])
    assert.ok((await answerTo(fleet, locked('a'))) > 0)
  })

  it('ends after its time by the clock of the server, and counts anew', async () => {
    const lockoutMicros = 20_000
    for (let count = 0; count < 2; count += 1) await answerTo(one, failure('a', lockoutMicros))
    const earliestMicros = (await microsOf(server)) + lockoutMicros
    assert.equal(await answerTo(one, failure('a', lockoutMicros)), lockoutMicros)
    const latestMicros = (await microsOf(server)) + lockoutMicros
    await eventually('it has ended', async () => {
      const askedMicros = await microsOf(server)
      const leftMicros = await answerTo(other, locked('a'))
      if (leftMicros > 0) assert.ok(askedMicros + leftMicros <= latestMicros, 'not too long')
      return leftMicros === 0
    })
    assert.ok((await microsOf(server)) >= earliestMicros, 'not too soon')
    assert.equal(await answerTo(other, failure('a')), 0)
    assert.equal(await answerTo(other, failure('a')), 0)
    assert.equal(await answerTo(other, failure('a')), HOUR_MICROS)
  })

  it('does not count failures that are longer ago than the window', async () => {
    const windowMicros = 5_000
    await answerTo(one, failure('a', HOUR_MICROS, windowMicros))
    await answerTo(one, failure('a', HOUR_MICROS, windowMicros))
    const lastMicros = await microsOf(server)
    await eventually('it is longer ago', async () => {
      return (await microsOf(server)) > lastMicros + windowMicros
    })
    assert.equal(await answerTo(one, failure('a', HOUR_MICROS, windowMicros)), 0)
  })
})

describe('one request', () => {
  it('asks everything by one command, and gets the answers in their order', async () => {
    await answerTo(one, locked('warm'))
    await server.command('config', 'resetstat')
    const answers = await one.ask([
      locked('a'),
      take('a', HOUR_MICROS, 5),
      fail('b', 1, HOUR_MICROS, 7_000_000),
      take('c', HOUR_MICROS, 9),
    ])
    assert.deepEqual(answers, [0, 4, 7_000_000, 8])
    assert.equal(await callsOf(server, 'evalsha'), 1)
    assert.equal(await callsOf(server, 'eval'), 0)
  })

  it('sees what an earlier one of its questions did to the same key', async () => {
    const question = take('a', HOUR_MICROS, 2)
    const answers = await one.ask([question, question, fail('a', 1, 1_000, 5_000), locked('a')])
    assert.deepEqual(answers, [1, 0, 5_000, 5_000])
  })

  it('that asks nothing costs no command', async () => {
    await server.command('config', 'resetstat')
    assert.deepEqual(await one.ask([]), [])
    assert.equal(await callsOf(server, 'evalsha'), 0)
  })

  it('with a question that cannot be counted exactly asks nothing', async () => {
    const refused = [
      take('a', HOUR_MICROS, 0),
      take('a', Number.NaN, 1),
      take('a', Number.POSITIVE_INFINITY, 1),
      take('a', 2 ** 30, 2 ** 30),
      fail('a', 0, 1, 1),
      fail('a', 1, -1, 1),
      fail('a', 1, 1, 2 ** 53),
    ]
    for (const question of refused) {
      assert.equal(await one.ask([take('b', HOUR_MICROS, 1), question]), null)
    }
    assert.equal(await one.ask(new Array(65).fill(locked('a'))), null)
    assert.equal(one.counters.failures, refused.length + 1)
    assert.deepEqual(await keys(), [])
  })

  it('may reach to the end of what can be counted', async () => {
    assert.equal(await answerTo(one, take('a', 2 ** 51, 2)), 1)
    assert.equal(await answerTo(one, take('a', 2 ** 51, 2)), 0)
    assert.ok((await answerTo(one, take('a', 2 ** 51, 2))) > -(2 ** 51))
    assert.equal(await answerTo(one, fail('a', 1, 1, 2 ** 52)), 2 ** 52)
    assert.ok((await answerTo(one, locked('a'))) > 2 ** 52 - 60_000_000)
  })
})

describe('what Redis holds of limits', () => {
  it('is under the prefix, and tells no name and no address', async () => {
    await one.ask([take('192.0.2.7', HOUR_MICROS, 2), fail('alice', 2, HOUR_MICROS, HOUR_MICROS)])
    const text = await server.dump()
    assert.doesNotMatch(text, /192\.0\.2\.7|alice/)
    const expected = [redisKey('lock', 'alice'), redisKey('rate', '192.0.2.7')]
    assert.deepEqual([...(await keys())].sort(), expected)
    assert.ok(expected.every((key) => key.startsWith(KEY_PREFIX)))
  })

  it('ends by itself, about a second after it means anything', async () => {
    const lives = [
      { question: take('a', 250_100, 4), ends: redisKey('rate', 'a'), afterMs: 251 },
      { question: fail('b', 2, 600_000, 1_000), ends: redisKey('lock', 'b'), afterMs: 600 },
      { question: fail('c', 1, 1_000, 700_000), ends: redisKey('lock', 'c'), afterMs: 700 },
    ]
    for (const { question, ends, afterMs } of lives) {
      const beforeMs = performance.now()
      await answerTo(one, question)
      const leftMs = Number(await server.command('pttl', ends))
      const tookMs = Math.ceil(performance.now() - beforeMs)
      assert.ok(leftMs <= afterMs + 1_000, `${ends}: ${leftMs}`)
      assert.ok(leftMs >= afterMs + 1_000 - tookMs, `${ends}: ${leftMs}`)
    }
    await eventually('all are gone', async () => (await keys()).length === 0)
  })

  it('lives longer with each take', async () => {
    await answerTo(one, take('a', HOUR_MICROS, 3))
    const leftMs = Number(await server.command('pttl', redisKey('rate', 'a')))
    await answerTo(one, take('a', HOUR_MICROS, 3))
    const laterMs = Number(await server.command('pttl', redisKey('rate', 'a')))
    assert.ok(laterMs > leftMs + 3_000_000)
  })
})

describe('the script', () => {
  it('is sent whole when the server does not know it, which is no failure', async () => {
    await server.command('script', 'flush')
    await server.command('config', 'resetstat')
    assert.equal(await answerTo(one, take('a', HOUR_MICROS, 3)), 2)
    assert.equal(await answerTo(one, take('a', HOUR_MICROS, 3)), 1, 'counted once')
    assert.equal(await callsOf(server, 'eval'), 1)
    await server.command('script', 'flush')
    assert.equal(await answerTo(other, take('a', HOUR_MICROS, 3)), 0)
    assert.equal(await callsOf(server, 'eval'), 2)
    for (const { fleet, redis } of instances) {
      assert.equal(fleet.counters.failures, 0)
      assert.equal(redis.stats.failures, 0)
    }
  })
})
