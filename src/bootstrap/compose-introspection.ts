/** Introspection of one thread: a client for each issuer that has an endpoint. */
import type { Introspector } from '../authentication/token-authenticator.ts'
import type {
  GatewayConfiguration,
  IntrospectionConfiguration,
  IssuerConfiguration,
} from '../config/gateway-configuration.ts'
import { CircuitBreaker, type CircuitState } from '../resilience/circuit-breaker.ts'
import { type Clock, systemClock } from '../resilience/clock.ts'
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

export interface ComposedIntrospection {
  readonly introspector: Introspector
  /** Requests sent to endpoints since the start. */
  attempts(): number
}

export function composeIntrospection(
  { issuers, tuning }: GatewayConfiguration,
  breakers: SharedArrayBuffer,
  perThread: (processWide: number) => number,
  clock: Clock,
): ComposedIntrospection {
  const http = new OutboundHttp({
    connectionsPerOrigin: perThread(tuning.identityProviderConnections),
  })
  const clients = new Map<string, IntrospectionClient>()
  issuers.forEach(({ name, introspection }, index) => {
    if (introspection === null) return
    const { endpoint, timeoutMs, attempts, retryDelayMs } = introspection
    const client = new IntrospectionClient(
      { endpoint, timeoutMs, attempts, retryDelayMs },
      {
        http,
        breaker: breakerOf(introspection, breakers, index),
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
      : [{ issuer: name, breaker: breakerOf(introspection, buffer, index) }],
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
