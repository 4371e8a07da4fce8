/** Introspection of one thread: a client for each issuer that has an endpoint. */
import type { Introspector } from '../authentication/token-authenticator.ts'
import type { IntrospectionConfiguration } from '../config/gateway-configuration.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../resilience/clock.ts'
import { CONNECTIONS_MIN, ConnectionTurns, strangersMax } from '../resilience/connection-turns.ts'
import { OutboundHttp } from '../resilience/outbound-http.ts'
import { randomHex } from '../resilience/randomness.ts'
import { breakerOf, crowdLimitOf, pauseOf } from '../threads/introspection-memory.ts'
import type { ListenerStart } from '../threads/listener-start.ts'
import {
  type ClientAuthentication,
  createProofMaker,
} from '../verifiers/introspection/client-authentication.ts'
import { IntrospectionClient } from '../verifiers/introspection/introspection-client.ts'
import { IntrospectionVerifier } from '../verifiers/introspection/introspection-verifier.ts'

const TOKEN_ID_BYTES = 16

export interface ComposedIntrospection {
  readonly introspector: Introspector
  /** Requests sent to endpoints since the start. */
  attempts(): number
}

export function composeIntrospection(
  { configuration, buffers, index: thread }: ListenerStart,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): ComposedIntrospection {
  const { issuers, tuning } = configuration
  const memory = buffers.introspection
  const threads = tuning.listenerThreads
  const share = Math.ceil(tuning.identityProviderConnections / threads)
  const connections = Math.max(CONNECTIONS_MIN, share)
  const shareMax = strangersMax(connections)
  const http = new OutboundHttp({ connectionsPerOrigin: connections })
  const turns = new Map<string, ConnectionTurns>()
  const turnsOf = (origin: string): ConnectionTurns => {
    const crowd = () => crowdLimitOf(memory, origin, { thread, threads, shareMax })
    const ofOrigin =
      turns.get(origin) ?? new ConnectionTurns({ connections, crowd: crowd(), clock })
    turns.set(origin, ofOrigin)
    return ofOrigin
  }
  const clients = new Map<string, IntrospectionClient>()
  for (const { name, introspection } of issuers) {
    if (introspection === null) continue
    const { endpoint, timeoutMs, attempts, retryDelayMs } = introspection
    const client = new IntrospectionClient(
      { endpoint, timeoutMs, attempts, retryDelayMs },
      {
        http,
        turns: turnsOf(new URL(endpoint).origin),
        breaker: breakerOf(memory, name, 'all', introspection),
        knownBreaker: breakerOf(memory, name, 'known', introspection),
        pause: pauseOf(memory, name),
        onPause: (seconds) => logger.log({ event: 'introspection_paused', issuer: name, seconds }),
        prove: createProofMaker(clientOf(introspection), endpoint, () => randomHex(TOKEN_ID_BYTES)),
        clock,
      },
    )
    clients.set(name, client)
  }
  return {
    introspector: new IntrospectionVerifier(clients),
    attempts: () => [...clients.values()].reduce((sum, client) => sum + client.attemptCount, 0),
  }
}

function clientOf({ clientId, clientKey }: IntrospectionConfiguration): ClientAuthentication {
  return { clientId, ...clientKey }
}
