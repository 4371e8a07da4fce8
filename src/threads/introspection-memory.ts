/** What all threads know together about introspection endpoints. */
import type { IntrospectionConfiguration } from '../config/sections/issuers/introspection.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { CircuitBreaker, createCircuitBreakerBuffer } from '../resilience/circuit-breaker.ts'
import { CrowdLimit, createCrowdLimitBuffer } from '../resilience/crowd-limit.ts'
import { createEarlyProbesBuffer, EarlyProbes } from '../resilience/early-probes.ts'
import { createPauseBuffer, SharedPause } from '../resilience/shared-pause.ts'
import {
  createNamedBuffer,
  type NamedBuffer,
  placeOf,
  withNames,
} from '../shared-memory/named-places.ts'
import { PAUSED_CALLERS } from '../verifiers/introspection/endpoint-pauses.ts'

/** Room for issuers and origins that come while the process runs. */
const SPARE_ISSUERS = 64

/** On top of the time that an attempt may take: then its thread has died. */
const PROBE_EXPIRY_MARGIN_MS = 1_000

/**
 * Each issuer has two breakers, for all callers and for those whose token was active before: see
 * verifiers/introspection/introspection-client.ts. Also the labels under which they are exported.
 */
export const CALLERS = ['all', 'known'] as const

/** Each issuer has three: see verifiers/introspection/endpoint-pauses.ts. */
const PAUSES = [...PAUSED_CALLERS, 'after_unknown'] as const

type PauseName = (typeof PAUSES)[number]

export type Callers = (typeof CALLERS)[number]

export interface IntrospectionMemory {
  /** By issuer and callers. */
  readonly breakers: NamedBuffer
  /** By origin: issuers may share one. */
  readonly crowds: NamedBuffer
  /** When the gateway itself may ask, by issuer. */
  readonly probes: NamedBuffer
  /** By issuer and {@link PAUSES}. */
  readonly pauses: NamedBuffer
}

/** Names of all places that a configuration needs. */
function namesOf({ issuers }: GatewayConfiguration) {
  const introspected = issuers.flatMap(({ name, introspection }) =>
    introspection === null ? [] : [{ name, origin: new URL(introspection.endpoint).origin }],
  )
  const names = introspected.map(({ name }) => name)
  return {
    breakers: names.flatMap((name) => CALLERS.map((callers) => breakerName(name, callers))),
    crowds: introspected.map(({ origin }) => origin),
    probes: names,
    pauses: names.flatMap((name) => PAUSES.map((pause) => pauseName(name, pause))),
  }
}

export function createIntrospectionMemory(
  configuration: GatewayConfiguration,
): IntrospectionMemory {
  const names = namesOf(configuration)
  const { listenerThreads } = configuration.tuning
  const createCrowds = (count: number) => createCrowdLimitBuffer(count, listenerThreads)
  return {
    breakers: createNamedBuffer(
      names.breakers,
      createCircuitBreakerBuffer,
      SPARE_ISSUERS * CALLERS.length,
    ),
    crowds: createNamedBuffer(names.crowds, createCrowds, SPARE_ISSUERS),
    probes: createNamedBuffer(names.probes, createEarlyProbesBuffer, SPARE_ISSUERS),
    pauses: createNamedBuffer(names.pauses, createPauseBuffer, SPARE_ISSUERS * PAUSES.length),
  }
}

/** The same memory for another configuration; `null`: there is no room for its new issuers. */
export function withIssuersOf(
  memory: IntrospectionMemory,
  configuration: GatewayConfiguration,
): IntrospectionMemory | null {
  const names = namesOf(configuration)
  const breakers = withNames(memory.breakers, names.breakers)
  const crowds = withNames(memory.crowds, names.crowds)
  const probes = withNames(memory.probes, names.probes)
  const pauses = withNames(memory.pauses, names.pauses)
  if (breakers === null || crowds === null || probes === null || pauses === null) return null
  return { breakers, crowds, probes, pauses }
}

export function breakerOf(
  { breakers }: IntrospectionMemory,
  issuer: string,
  callers: Callers,
  { circuitBreaker, timeoutMs }: IntrospectionConfiguration,
): CircuitBreaker {
  const probeExpiryMs = timeoutMs + PROBE_EXPIRY_MARGIN_MS
  const place = placeOf(breakers, breakerName(issuer, callers))
  return new CircuitBreaker(breakers.buffer, place, { ...circuitBreaker, probeExpiryMs })
}

export function pauseOf(
  { pauses }: IntrospectionMemory,
  issuer: string,
  pause: PauseName,
): SharedPause {
  return new SharedPause(pauses.buffer, placeOf(pauses, pauseName(issuer, pause)))
}

export function earlyProbesOf(
  { probes }: IntrospectionMemory,
  issuer: string,
  { circuitBreaker }: IntrospectionConfiguration,
): EarlyProbes {
  const place = placeOf(probes, issuer)
  return new EarlyProbes(probes.buffer, place, circuitBreaker.recoveryTimeoutMs)
}

export function crowdLimitOf(
  { crowds }: IntrospectionMemory,
  origin: string,
  thread: { readonly thread: number; readonly threads: number; readonly shareMax: number },
): CrowdLimit {
  return new CrowdLimit(crowds.buffer, { index: placeOf(crowds, origin), ...thread })
}

function pauseName(issuer: string, pause: PauseName): string {
  return `${issuer} ${pause}`
}

function breakerName(issuer: string, callers: Callers): string {
  return `${issuer} ${callers}`
}
