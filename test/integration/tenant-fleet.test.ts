/**
 * What a hundred instances ask of the Redis that holds their tenants, and what that does to the
 * look-ups of sessions beside it.
 *
 * FLEET_TENANTS and FLEET_INSTANCES change the size, FLEET_SECONDS how long each part is measured;
 * FLEET_FIGURES=1 prints what was measured. docs/tenants.md has the figures of 100 000 tenants.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { RedisServer } from '../support/redis-server.ts'
import { watchStarvation } from '../support/starvation.ts'
import type { FleetOrder, FleetReport } from '../support/tenant-fleet-process.ts'

const TENANTS = Number(process.env['FLEET_TENANTS'] ?? 10_000)
const INSTANCES = Number(process.env['FLEET_INSTANCES'] ?? 100)
const MEASURED_MS = Number(process.env['FLEET_SECONDS'] ?? 8) * 1_000
const PROCESSES = 4
const READ_MS_MAX = 600_000
const CHANGES_PER_SECOND = 10
/** The `commandTimeout` of a gateway: a look-up that takes longer is answered with 503. */
const LATE_MS = 100
const PATIENT_MS = 30_000
const FILL_AT_ONCE = 1_000

const SUSPEND =
  "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) " +
  "return redis.call('XADD', KEYS[2], 'MAXLEN', '~', '10000', '*', 'name', ARGV[1])"

interface Traffic {
  readonly commands: number
  readonly bytes: number
}

let redis: RedisServer
let fleet: ChildProcess[]
const clients = new RedisClients()

async function ask(name: string): Promise<FleetReport> {
  const reports = await Promise.all(
    fleet.map(async (child) => {
      const answered = once(child, 'message') as Promise<[FleetReport]>
      child.send({ name } satisfies FleetOrder)
      return (await answered)[0]
    }),
  )
  const sum = (part: keyof FleetReport) => reports.reduce((total, it) => total + it[part], 0)
  return { complete: sum('complete'), suspended: sum('suspended') }
}

async function traffic(): Promise<Traffic> {
  const text = String(await redis.command('INFO', 'stats'))
  const of = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1])
  return {
    commands: of('total_commands_processed'),
    bytes: of('total_net_output_bytes') + of('total_net_input_bytes'),
  }
}

/** Looks sessions up, one after the other. @returns What each took, in order of size. */
async function lookUpSessions(): Promise<number[]> {
  const { redis: sessions } = await clients.connect([redis.node], { commandTimeoutMs: PATIENT_MS })
  const took: number[] = []
  const endMs = performance.now() + MEASURED_MS
  while (performance.now() < endMs) {
    // What the machine lets either of them wait is not the fleet's doing.
    const starvedMs = watchStarvation([process.pid, redis.processId])
    const startMs = performance.now()
    const reply = await sessions.getex('session', 1_000)
    assert.ok(reply.ok, 'the session was looked up')
    took.push(performance.now() - startMs - starvedMs())
    await delay(2)
  }
  return took.sort((one, other) => one - other)
}

/** @returns What an instance costs in a second, beside what looking up costs. */
async function measure(what: string, alongside: () => Promise<unknown>) {
  const before = await traffic()
  const [took] = await Promise.all([lookUpSessions(), alongside()])
  const after = await traffic()
  const per = INSTANCES * (MEASURED_MS / 1_000)
  const commands = (after.commands - before.commands - took.length) / per
  const bytes = (after.bytes - before.bytes) / per
  if (process.env['FLEET_FIGURES'] === '1') {
    const at = (part: number) => (took[Math.floor(part * (took.length - 1))] ?? 0).toFixed(2)
    console.log(
      `${what}: ${commands.toFixed(2)} commands/s and ${Math.round(bytes)} bytes/s an instance; ` +
        `${took.length} look-ups, ms: p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`,
    )
  }
  return { commands, bytes, late: took.filter((ms) => ms > LATE_MS).length }
}

describe(`a fleet whose tenants are in Redis`, () => {
  before(async () => {
    redis = await RedisServer.start()
    const record = JSON.stringify({ status: 'active', plan: 'enterprise', issuers: ['main'] })
    for (let at = 0; at < TENANTS; at += FILL_AT_ONCE) {
      const names = Array.from({ length: FILL_AT_ONCE }, (_, index) => `tenant-${at + index}`)
      await redis.command('HSET', 'tenants', ...names.flatMap((name) => [name, record]))
    }
    await redis.command('SET', 'session', '{"userId":"alice"}')
    const program = new URL('../support/tenant-fleet-process.js', import.meta.url)
    fleet = Array.from({ length: PROCESSES }, () =>
      fork(program, [String(redis.port), String(INSTANCES / PROCESSES)]),
    )
    const isComplete = async () => (await ask('')).complete === INSTANCES
    await eventually('all instances know all tenants', isComplete, READ_MS_MAX)
  })
  after(async () => {
    const ends = fleet.map((child) => {
      const end = once(child, 'exit')
      child.disconnect()
      return end
    })
    clients.closeAll()
    await Promise.all(ends)
    await redis.stop()
  })

  it('asks for next to nothing, and delays no session, as long as no tenant changes', async () => {
    const { commands, bytes, late } = await measure('at rest', () => Promise.resolve())
    assert.equal(late, 0, 'no look-up was late')
    // All tenants every five seconds would be ten times as much.
    assert.ok(bytes < 4_096 + 2 * TENANTS, `${bytes} bytes in a second`)
    assert.ok(commands < 20, `${commands} commands in a second`)
  })

  it('reads what changed, and delays no session, while ten tenants change in a second', async () => {
    const suspended = JSON.stringify({ status: 'suspended' })
    let changed = 0
    const change = async () => {
      const beganMs = performance.now()
      const endMs = beganMs + MEASURED_MS
      for (; performance.now() < endMs; changed += 1) {
        const keys = ['2', 'tenants', 'tenants:changes']
        await redis.command('EVAL', SUSPEND, ...keys, `tenant-${changed}`, suspended)
        const nextMs = beganMs + ((changed + 1) * 1_000) / CHANGES_PER_SECOND
        await delay(Math.max(0, nextMs - performance.now()))
      }
    }
    const { commands, bytes, late } = await measure('while tenants change', change)
    if (process.env['FLEET_FIGURES'] === '1') {
      console.log(`${((changed * 1_000) / MEASURED_MS).toFixed(1)} changes/s`)
    }
    assert.equal(late, 0, 'no look-up was late')
    assert.ok(bytes < 40_960 + 2 * TENANTS, `${bytes} bytes in a second`)
    assert.ok(commands < 8 * CHANGES_PER_SECOND, `${commands} commands in a second`)
    const last = `tenant-${changed - 1}`
    const isKnown = async () => (await ask(last)).suspended === INSTANCES
    await eventually('all instances know the last change', isKnown)
  })
})
