/** Introspection of one thread: a client for each issuer that has an endpoint. */
import type { Introspector } from '../authentication/token-authenticator.ts'
import type {
  GatewayConfiguration,
  IntrospectionConfiguration,
  IssuerConfiguration,
} from '../config/gateway-configuration.ts'
import {
  CircuitBreaker,
  type CircuitState,
  createCircuitBreakerBuffer,
} from '../resilience/circuit-breaker.ts'
import { type Clock, systemClock } from '../resilience/clock.ts'
import { CONNECTIONS_MIN, ConnectionTurns } from '../resilience/connection-turns.ts'
import { OutboundHttp } from '../resilience/outbound-http.ts'
import { randomHex } from '../resilience/randomness.ts'
import {
  type ClientAuthentication,
  createProofMaker,
} from '../verifiers/introspection/client-authentication.ts'
import { IntrospectionClient } from '../verifiers/introspection/introspection-client.ts'
import { IntrospectionVerifier } from '../verifiers/introspection/introspection-verifier.ts'

const TOKEN_ID_BYTES = 16
/** On top of the time that an attempt may take: then its thread has died. */
const PROBE_EXPIRY_MARGIN_MS = 1_000

/** Each issuer has two breakers, side by side: see {@link IntrospectionClient}. */
const FOR_EVERYBODY = 0
const FOR_KNOWN = 1

export interface ComposedIntrospection {
  readonly introspector: Introspector
  /** Requests sent to endpoints since the start. */
  attempts(): number
}

export function createIntrospectionBreakers(issuerCount: number): SharedArrayBuffer {
  return createCircuitBreakerBuffer(2 * issuerCount)
}

export function composeIntrospection(
  { issuers, tuning }: GatewayConfiguration,
  breakers: SharedArrayBuffer,
  perThread: (processWide: number) => number,
  clock: Clock,
): ComposedIntrospection {
  const share = perThread(tuning.identityProviderConnections)
  const connections = Math.max(CONNECTIONS_MIN, share)
  const http = new OutboundHttp({ connectionsPerOrigin: connections })
  const turns = new Map<string, ConnectionTurns>()
  const clients = new Map<string, IntrospectionClient>()
  issuers.forEach(({ name, introspection }, index) => {
    if (introspection === null) return
    const { endpoint, timeoutMs, attempts, retryDelayMs } = introspection
    const { origin } = new URL(endpoint)
    const ofOrigin = turns.get(origin) ?? new ConnectionTurns({ connections, clock })
    turns.set(origin, ofOrigin)
    const client = new IntrospectionClient(
      { endpoint, timeoutMs, attempts, retryDelayMs },
      {
        http,
        turns: ofOrigin,
        breaker: breakerOf(introspection, breakers, FOR_EVERYBODY + 2 * index),
        knownBreaker: breakerOf(introspection, breakers, FOR_KNOWN + 2 * index),
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

/** The breaker of an issuer's endpoint, as the supervisor looks at it. */
export interface IssuerBreaker {
  readonly issuer: string
  readonly breaker: CircuitBreaker
}

export function issuerBreakers(
  { issuers }: GatewayConfiguration,
  buffer: SharedArrayBuffer,
): IssuerBreaker[] {
  return issuers.flatMap(({ name, introspection }: IssuerConfiguration, index) =>
    introspection === null
      ? []
      : [{ issuer: name, breaker: breakerOf(introspection, buffer, FOR_EVERYBODY + 2 * index) }],
  )
}

export function circuitReadings(
  breakers: readonly IssuerBreaker[],
): { readonly issuer: string; readonly state: CircuitState; readonly opened: number }[] {
  return breakers.map(({ issuer, breaker }) => ({
    issuer,
    state: breaker.state(systemClock.wallMs()),
    opened: breaker.openedCount,
  }))
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
