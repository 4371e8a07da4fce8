/**
 * The revocation feed in a fleet: a hundred instances, as many records as an index holds.
 *
 * FLEET_RECORDS changes how many. docs/revocation.md has the figures for 250 000.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'
import { eventually, promptly } from '../support/eventually.ts'
import { RedisServer } from '../support/redis-server.ts'
import { type FleetMember, fillLog, startMember } from '../support/revocation-fleet.ts'
import { tokenEntryOf } from '../support/revocations.ts'

const MEMBERS = 100
/** The others' processors would be those of other machines. */
const LEARNERS = 2
const RECORDS = Number(process.env['FLEET_RECORDS'] ?? 10_000)
const SPREAD_MS_MAX = 1_000
const FLEET_MS_MAX = 300_000
/** Longer than any command is waited for. */
const STANDSTILL_MS = 4_000
const REST_MS = 5_000

describe(`a fleet of ${MEMBERS} instances with ${RECORDS} revocations`, () => {
  let redis: RedisServer
  let fleet: FleetMember[] = []
  let filled: ReadonlySet<string>
  const nothing: ReadonlySet<string> = new Set()
  let revoked = RECORDS
  const learners = () => fleet.slice(0, LEARNERS)

  before(async () => {
    redis = await RedisServer.start()
    filled = await fillLog(redis, RECORDS)
  })
  after(async () => {
    for (const member of fleet) member.stop()
    await redis.stop()
  })

  /** Since the server was started: commands, and megabytes both ways. */
  async function traffic(): Promise<readonly [number, number]> {
    const text = String(await redis.command('INFO', 'stats'))
    const of = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1])
    const bytes = of('total_net_output_bytes') + of('total_net_input_bytes')
    return [of('total_commands_processed'), bytes / 1e6]
  }

  /** One that is made while all still read. @returns Milliseconds until all know it. */
  async function spreadMeanwhile(): Promise<number> {
    await eventually('all have begun', () => fleet.every(({ pages }) => pages > 1), FLEET_MS_MAX)
    // These keep nothing of what was there before.
    const forgetful = fleet.slice(LEARNERS)
    const beganMs = performance.now()
    revoked += 1
    forgetful[0]?.feed.revoke(tokenEntryOf(revoked, systemClock.nowSeconds() + 3_600))
    await eventually('all know it', () => forgetful.every(({ index }) => index.size === 1))
    return performance.now() - beganMs
  }

  /** One more revocation, at a member in the middle. @returns Milliseconds until all know it. */
  async function spread(): Promise<number> {
    const before = fleet.map(({ index }) => index.size)
    revoked += 1
    const entry = tokenEntryOf(revoked, systemClock.nowSeconds() + 3_600)
    const beganMs = performance.now()
    const receipt = fleet[MEMBERS / 2]?.feed.revoke(entry)
    assert.equal(await receipt?.isSent, true)
    await promptly('all know it', SPREAD_MS_MAX, [redis.processId], () =>
      fleet.every(({ index }, place) => index.size > (before[place] ?? 0)),
    )
    return performance.now() - beganMs
  }

  it('is ready, every one of them, though all start at once', async (test) => {
    const beganMs = performance.now()
    fleet = Array.from({ length: MEMBERS }, (_, place) =>
      startMember(redis, {
        capacity: RECORDS + 1_000,
        forgets: place < LEARNERS ? nothing : filled,
      }),
    )
    const [spreadMs] = await Promise.all([
      spreadMeanwhile(),
      ...fleet.map(({ feed }) => feed.whenCaughtUp()),
    ])
    test.diagnostic(`a new one was known everywhere after ${Math.round(spreadMs)} ms`)
    test.diagnostic(`all ready after ${Math.round(performance.now() - beganMs)} ms`)
    test.diagnostic(`${Math.round((await traffic())[1])} MB`)
    await eventually('learners know all', () =>
      learners().every(({ index }) => index.size === revoked),
    )
  })

  it('asks for little as long as nothing is revoked', async (test) => {
    const before = await traffic()
    await new Promise((resolve) => setTimeout(resolve, REST_MS))
    const after = await traffic()
    const [commands = 0, bytes = 0] = after.map((value, place) => {
      return (value - (before[place] ?? 0)) / (MEMBERS * (REST_MS / 1_000))
    })
    const kilobytes = (1_000 * bytes).toFixed(1)
    test.diagnostic(`${commands.toFixed(1)} commands/s and ${kilobytes} kB/s an instance`)
    assert.ok(commands < 20, `${commands} commands in a second`)
    assert.ok(bytes < 0.01, `${bytes} megabytes in a second`)
  })

  it('knows a new revocation within a second', async (test) => {
    test.diagnostic(`known everywhere after ${Math.round(await spread())} ms`)
  })

  it('goes on where it was after Redis stood still, and reads nothing again', async (test) => {
    const pages = fleet.map((member) => member.pages)
    redis.freeze()
    await eventually('all notice', () =>
      fleet.every(({ feed }) => feed.status().state === 'unreachable'),
    )
    await new Promise((resolve) => setTimeout(resolve, STANDSTILL_MS))
    redis.thaw()
    await eventually('all are back', () =>
      fleet.every(({ feed }) => feed.status().state === 'caught_up'),
    )
    test.diagnostic(`known everywhere after ${Math.round(await spread())} ms`)
    assert.deepEqual(
      fleet.map((member) => member.pages),
      pages,
    )
  })

  it('makes a log whole again that was emptied, and spreads new ones meanwhile', async (test) => {
    await redis.command('FLUSHALL')
    const beganMs = performance.now()
    await eventually('all have noticed', () =>
      fleet.every(({ feed }) => feed.status().state !== 'caught_up'),
    )
    const spreadMs = Math.round(await spread())
    test.diagnostic(`a new one is known everywhere after ${spreadMs} ms`)
    const isWhole = async () =>
      Number(await redis.command('ZCOUNT', 'revocation:live', '-inf', 9e9)) >= revoked
    await eventually('the log is whole', isWhole, FLEET_MS_MAX)
    test.diagnostic(`whole after ${Math.round(performance.now() - beganMs)} ms`)
    await eventually(
      'all are caught up',
      () => fleet.every(({ feed }) => feed.status().state === 'caught_up'),
      FLEET_MS_MAX,
    )
    test.diagnostic(`all caught up after ${Math.round(performance.now() - beganMs)} ms`)
    test.diagnostic(`a new one is known everywhere after ${Math.round(await spread())} ms`)
  })
})
