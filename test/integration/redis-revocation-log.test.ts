/** The log of revocations at a server that refuses scripts, or one of the two writes. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { RedisClient } from '../../src/redis/redis-client.ts'
import { RedisRevocationLog } from '../../src/revocation/redis-revocation-log.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { eventually } from '../support/eventually.ts'
import { PATIENT, redisOptions } from '../support/redis-options.ts'
import { RedisServer } from '../support/redis-server.ts'
import { startMember } from '../support/revocation-fleet.ts'
import { tokenEntryOf } from '../support/revocations.ts'

const LATER_SECONDS = 2_000_000_000
const RECORD = { record: 'a record', expiresAtSeconds: LATER_SECONDS }

let server: RedisServer
let client: RedisClient
let isReady = false
let log: RedisRevocationLog

before(async () => {
  server = await RedisServer.start()
  client = new RedisClient(redisOptions([server.node], PATIENT), {
    random: Math.random,
    onState: (state) => {
      isReady = state === 'ready'
    },
    onOversizedRecord: () => {},
  })
  await eventually('connected', () => isReady)
})
after(async () => {
  client.close()
  await server.stop()
})
beforeEach(async () => {
  await server.command('acl', 'setuser', 'default', '+@all')
  await server.command('flushall')
  log = new RedisRevocationLog('revocation:', {
    commands: client,
    nowSeconds: () => LATER_SECONDS - 1_000,
    monotonicMs: () => 0,
    randomName: () => 'abc',
  })
})

/** How often the record is in the set and in the stream. */
async function held(): Promise<readonly [inSet: unknown, inStream: unknown]> {
  return [
    await server.command('zcard', 'revocation:live'),
    await server.command('xlen', 'revocation:new'),
  ]
}

describe('a log of revocations', () => {
  for (const [when, isMending, ...refused] of [
    ['when it is new', false, '-xadd'],
    ['while it mends', true, '-xadd'],
    ['when it is new and no script may run', false, '-eval', '-xadd'],
    ['while it mends and no script may run', true, '-eval', '-xadd'],
  ] as const) {
    it(`tells once of a record that only the set took, ${when}`, async () => {
      await server.command('acl', 'setuser', 'default', ...refused)
      assert.equal(await log.append([RECORD], isMending), false)
      assert.deepEqual(await held(), [1, 0])
      await server.command('acl', 'setuser', 'default', '+eval', '+xadd')
      assert.equal(await log.append([RECORD], isMending), true)
      assert.deepEqual(await held(), [1, 1])
      await log.append([RECORD], true)
      assert.deepEqual(await held(), [1, 1], 'and not again')
    })
  }

  it('takes nothing where only the stream may be written', async () => {
    await server.command('acl', 'setuser', 'default', '-zadd')
    assert.equal(await log.append([RECORD], false), false)
    assert.deepEqual(await held(), [0, 0])
  })

  it('takes a record in steps where no script may run, each time until one may', async () => {
    await server.command('acl', 'setuser', 'default', '-eval')
    assert.equal(await log.append([RECORD], true), true)
    assert.equal(await log.append([RECORD], true), true)
    assert.deepEqual(await held(), [1, 1])
    await server.command('acl', 'setuser', 'default', '+eval')
    await server.command('config', 'resetstat')
    assert.equal(await log.append([RECORD], true), true)
    assert.match(String(await server.command('info', 'commandstats')), /cmdstat_eval:calls=1,/)
  })
})

describe('an instance that meets its own revocation in the set alone', () => {
  it('sends it on until the stream has it', async () => {
    const member = startMember(server, { capacity: 100, forgets: new Set() })
    try {
      await member.feed.whenCaughtUp()
      await server.command('acl', 'setuser', 'default', '-eval', '-xadd')
      const untilSeconds = systemClock.nowSeconds() + 3_600
      const { isSent } = member.feed.revoke(tokenEntryOf(1, untilSeconds))
      assert.equal(await isSent, false)
      const { recordsRead } = member.feed.status()
      // It stood there, so that it begins anew, with all of the set.
      await server.command('del', 'revocation:new')
      await eventually('met', () => member.feed.status().recordsRead > recordsRead)
      assert.equal(member.feed.status().pendingCount, 1)
      await server.command('acl', 'setuser', 'default', '+@all')
      await eventually('sent', () => member.feed.status().pendingCount === 0)
      const entries = JSON.stringify(await server.command('xrange', 'revocation:new', '-', '+'))
      assert.match(entries, /jti/)
    } finally {
      member.stop()
    }
  })
})
