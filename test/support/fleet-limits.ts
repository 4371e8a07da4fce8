/** Limits of a fleet in tests: instances with connections of their own, and what Redis holds. */
import { hash } from 'node:crypto'
import { FleetLimits, type FleetQuestion } from '../../src/rate-limit/fleet-limits.ts'
import type { RedisClient } from '../../src/redis/redis-client.ts'
import type { RedisClientOptions, RedisNode } from '../../src/redis/redis-options.ts'
import type { RedisClients } from './redis-clients.ts'
import { PATIENT } from './redis-options.ts'
import type { RedisServer } from './redis-server.ts'
import { watchStarvation } from './starvation.ts'

export const KEY_PREFIX = 'limits:'
/** Long enough to stand still while a test runs. */
export const HOUR_MICROS = 3_600_000_000

export interface FleetInstance {
  readonly fleet: FleetLimits
  readonly redis: RedisClient
}

export async function openFleet(
  clients: RedisClients,
  nodes: readonly RedisNode[],
  changes: Partial<RedisClientOptions> = PATIENT,
): Promise<FleetInstance> {
  const { redis } = await clients.connect(nodes, changes)
  return { redis, fleet: new FleetLimits(redis, KEY_PREFIX) }
}

export function take(key: string, emissionMicros: number, burst: number): FleetQuestion {
  return { kind: 'take', key, rate: { emissionMicros, burst } }
}

export function locked(key: string): FleetQuestion {
  return { kind: 'locked', key }
}

export function fail(
  key: string,
  threshold: number,
  windowMicros: number,
  lockoutMicros: number,
): FleetQuestion {
  return { kind: 'fail', key, rule: { threshold, windowMicros, lockoutMicros } }
}

/** The first answer; fails when there is none. */
export async function answerTo(fleet: FleetLimits, question: FleetQuestion): Promise<number> {
  const answers = await fleet.ask([question])
  if (answers?.[0] === undefined) throw new Error('Redis did not answer')
  return answers[0]
}

export function redisKey(holds: 'rate' | 'lock', key: string): string {
  return `${KEY_PREFIX}${holds}:${hash('sha256', key, 'base64url')}`
}

/** By the clock that counts. */
export async function microsOf(server: RedisServer): Promise<number> {
  const [seconds, micros] = (await server.command('time')) as [string, string]
  return Number(seconds) * 1_000_000 + Number(micros)
}

/** How often a server has run a command since its statistics were reset. */
export async function callsOf(server: RedisServer, name: string): Promise<number> {
  const text = String(await server.command('info', 'commandstats'))
  return Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(text)?.[1] ?? 0)
}

/** @returns The answers, and their time without that in which the machine let this process wait. */
export async function timedAsk(fleet: FleetLimits, questions: readonly FleetQuestion[]) {
  const startMs = performance.now()
  const starvedMs = watchStarvation()
  const answers = await fleet.ask(questions)
  return { answers, durationMs: performance.now() - startMs - starvedMs() }
}
