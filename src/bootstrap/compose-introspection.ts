/** Introspection of one thread: a client for each issuer that has an endpoint. */
import type { Introspector } from '../authentication/token-authenticator.ts'
import type {
  GatewayConfiguration,
  IntrospectionConfiguration,
} from '../config/gateway-configuration.ts'
import type { Logger } from '../observability/logger.ts'
import {
  CircuitBreaker,
  type CircuitState,
  createCircuitBreakerBuffer,
} from '../resilience/circuit-breaker.ts'
import { type Clock, systemClock } from '../resilience/clock.ts'
import { CONNECTIONS_MIN, ConnectionTurns, strangersMax } from '../resilience/connection-turns.ts'
import { CrowdLimit, createCrowdLimitBuffer } from '../resilience/crowd-limit.ts'
import { createEarlyProbesBuffer, EarlyProbes } from '../resilience/early-probes.ts'
import { OutboundHttp } from '../resilience/outbound-http.ts'
import { randomHex } from '../resilience/randomness.ts'
import { createPauseBuffer, SharedPause } from '../resilience/shared-pause.ts'
import {
  type ClientAuthentication,
  createProofMaker,
} from '../verifiers/introspection/client-authentication.ts'
import {
  EndpointPauses,
  PAUSED_CALLERS,
  type PausedCallers,
} from '../verifiers/introspection/endpoint-pauses.ts'
import { IntrospectionClient } from '../verifiers/introspection/introspection-client.ts'
import { IntrospectionVerifier } from '../verifiers/introspection/introspection-verifier.ts'
import type { IntrospectionBuffers, ListenerStart } from './thread-messages.ts'

const MS_PER_SECOND = 1_000
const TOKEN_ID_BYTES = 16
/** On top of the time that an attempt may take: then its thread has died. */
const PROBE_EXPIRY_MARGIN_MS = 1_000

/** Each issuer has two breakers, side by side: see {@link IntrospectionClient}. */
const FOR_EVERYBODY = 0
const FOR_KNOWN = 1
/** And three pauses, the first for everybody: see {@link EndpointPauses}. */
const PAUSES = 3
const FOR_UNKNOWN = 1
const AFTER_UNKNOWN = 2

export interface ComposedIntrospection {
  readonly introspector: Introspector
  /** Requests sent to endpoints since the start. */
  attempts(): number
}

export function createIntrospectionBuffers({
  issuers,
  tuning,
}: GatewayConfiguration): IntrospectionBuffers {
  return {
    breakers: createCircuitBreakerBuffer(2 * issuers.length),
    probes: createEarlyProbesBuffer(issuers.length),
    crowds: createCrowdLimitBuffer(issuers.length, tuning.listenerThreads),
    pauses: createPauseBuffer(PAUSES * issuers.length),
  }
}

export function composeIntrospection(
  { configuration, buffers, index: thread }: ListenerStart,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): ComposedIntrospection {
  const { issuers, tuning } = configuration
  const { breakers, probes, crowds, pauses } = buffers.introspection
  const threads = tuning.listenerThreads
  const share = Math.ceil(tuning.identityProviderConnections / threads)
  const connections = Math.max(CONNECTIONS_MIN, share)
  const shareMax = strangersMax(connections)
  const http = new OutboundHttp({ connectionsPerOrigin: connections })
  const turns = new Map<string, ConnectionTurns>()
  const clients = new Map<string, IntrospectionClient>()
  issuers.forEach(({ name, introspection }, index) => {
    if (introspection === null) return
    const { endpoint, timeoutMs, attempts, retryDelayMs } = introspection
    const { origin } = new URL(endpoint)
    const crowdOptions = { index, thread, threads, shareMax }
    const ofOrigin =
      turns.get(origin) ??
      new ConnectionTurns({ connections, crowd: new CrowdLimit(crowds, crowdOptions), clock })
    turns.set(origin, ofOrigin)
    const client = new IntrospectionClient(
      { endpoint, timeoutMs, attempts, retryDelayMs },
      {
        http,
        turns: ofOrigin,
        breaker: breakerOf(introspection, breakers, FOR_EVERYBODY + 2 * index),
        probes: new EarlyProbes(probes, index, introspection.circuitBreaker.recoveryTimeoutMs),
        probeAnswers: introspection.circuitBreaker.halfOpenRequests,
        knownBreaker: breakerOf(introspection, breakers, FOR_KNOWN + 2 * index),
        pauses: new EndpointPauses({
          clock,
          forAll: new SharedPause(pauses, FOR_EVERYBODY + PAUSES * index),
          forUnknown: new SharedPause(pauses, FOR_UNKNOWN + PAUSES * index),
          afterUnknown: new SharedPause(pauses, AFTER_UNKNOWN + PAUSES * index),
          onPause: (callers, seconds) =>
            logger.log({ event: 'introspection_paused', issuer: name, callers, seconds }),
        }),
        prove: createProofMaker(clientOf(introspection), endpoint, () => randomHex(TOKEN_ID_BYTES)),
        clock,
      },
    )
    clients.set(name, client)
  })
  return {
    introspector: new IntrospectionVerifier(clients),
    attempts: () => [...clients.values()].reduce((sum, client) => sum + client.attemptCount, 0),
  }
}

/** For whom the breakers are, in their order: the labels under which they are exported. */
const CALLERS = ['all', 'known'] as const

export interface IntrospectionReading {
  readonly issuer: string
  readonly circuits: readonly {
    readonly callers: (typeof CALLERS)[number]
    readonly state: CircuitState
    readonly opened: number
  }[]
  readonly pauses: readonly {
    readonly callers: PausedCallers
    /** Until it ends; 0: there is none. */
    readonly seconds: number
    readonly begun: number
  }[]
}

/** For the supervisor, which looks at what the threads know of the endpoints. */
export function introspectionReader(
  { issuers }: GatewayConfiguration,
  { breakers, pauses }: IntrospectionBuffers,
): () => readonly IntrospectionReading[] {
  const endpoints = issuers.flatMap(({ name, introspection }, index) => {
    if (introspection === null) return []
    const kept = ([FOR_EVERYBODY, FOR_UNKNOWN] as const).map((which) => ({
      callers: PAUSED_CALLERS[which],
      pause: new SharedPause(pauses, which + PAUSES * index),
    }))
    const circuits = ([FOR_EVERYBODY, FOR_KNOWN] as const).map((which) => ({
      callers: CALLERS[which],
      breaker: breakerOf(introspection, breakers, which + 2 * index),
    }))
    return [{ issuer: name, circuits, kept }]
  })
  return () => {
    const nowMs = systemClock.wallMs()
    return endpoints.map(({ issuer, circuits, kept }) => ({
      issuer,
      circuits: circuits.map(({ callers, breaker }) => ({
        callers,
        state: breaker.state(nowMs),
        opened: breaker.openedCount,
      })),
      pauses: kept.map(({ callers, pause }) => ({
        callers,
        seconds: Math.ceil(pause.leftMs(nowMs) / MS_PER_SECOND),
        begun: pause.count,
      })),
    }))
  }
}

function breakerOf(
  { circuitBreaker, timeoutMs }: IntrospectionConfiguration,
  buffer: SharedArrayBuffer,
  index: number,
): CircuitBreaker {
  const probeExpiryMs = timeoutMs + PROBE_EXPIRY_MARGIN_MS
  return new CircuitBreaker(buffer, index, { ...circuitBreaker, probeExpiryMs })
}

function clientOf({ clientId, clientKey }: IntrospectionConfiguration): ClientAuthentication {
  return { clientId, ...clientKey }
}
