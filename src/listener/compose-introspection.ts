/** Introspection of one thread: a client for each issuer that has an endpoint. */
import type { IntrospectionConfiguration } from '../config/sections/issuers/introspection.ts'
import { type ClientAuthentication, createProofMaker } from '../protocol/client-authentication.ts'
import { CONNECTIONS_MIN, ConnectionTurns, strangersMax } from '../resilience/connection-turns.ts'
import type { Clock } from '../runtime/clock.ts'
import { randomHex } from '../runtime/randomness.ts'
import { breakerOf, crowdLimitOf, earlyProbesOf, pauseOf } from '../threads/introspection-memory.ts'
import type { ComposedStart } from '../threads/listener-start.ts'
import type { ResourceLease } from '../threads/resources.ts'
import { takeOutboundHttp } from '../threads/take-outbound-http.ts'
import type { Introspector } from '../verifiers/bearer-token/token-authenticator.ts'
import type { ClaimPathObserver } from '../verifiers/claim-path-watch.ts'
import {
  EndpointPauses,
  type EndpointPausesParts,
} from '../verifiers/introspection/endpoint-pauses.ts'
import { EndpointStanding } from '../verifiers/introspection/endpoint-standing.ts'
import { IntrospectionClient } from '../verifiers/introspection/introspection-client.ts'
import { IntrospectionVerifier } from '../verifiers/introspection/introspection-verifier.ts'
import type { ResourceSurroundings } from './resource-surroundings.ts'
import { shareOf } from './take-resources.ts'

const TOKEN_ID_BYTES = 16

/** A client owns nothing: what it sends by is a resource of its own. */
const NOTHING_TO_CLOSE = (): void => {}

export function composeIntrospection(
  start: ComposedStart,
  lease: ResourceLease,
  { clock, logger, memory }: ResourceSurroundings,
  claimPaths: ClaimPathObserver,
): Introspector {
  const { tuning, issuers } = start.configuration
  const share = shareOf(start.configuration, tuning.identityProviderConnections)
  const connections = Math.max(CONNECTIONS_MIN, share)
  const clients = new Map<string, IntrospectionClient>()
  for (const { name, introspection, path } of issuers) {
    if (introspection === null) continue
    const http = takeOutboundHttp(lease, connections, path)
    const { endpoint, timeoutMs, attempts, retryDelayMs } = introspection
    const turns = takeTurns(start, lease, new URL(endpoint).origin, connections, clock)
    const parts = {
      ...circuitsOf(start, name, introspection),
      http,
      turns,
      pauses: pausesOf(start, name, clock, (callers, seconds) =>
        logger.log({ event: 'introspection_paused', issuer: name, callers, seconds }),
      ),
      standing: new EndpointStanding({
        clock,
        onFailed: (reason, status) =>
          logger.security({ event: 'introspection_failed', issuer: name, reason, status }),
        onRecovered: () => logger.security({ event: 'introspection_recovered', issuer: name }),
      }),
      prove: createProofMaker(clientOf(introspection), endpoint, () => randomHex(TOKEN_ID_BYTES)),
      clock,
    }
    const client = lease.take(
      'introspection client',
      { ...introspection, issuer: name, connections, path },
      memory.introspectionResults.counted(
        name,
        memory.introspectionClients.counted({
          create: () =>
            new IntrospectionClient({ endpoint, timeoutMs, attempts, retryDelayMs }, parts),
          close: NOTHING_TO_CLOSE,
        }),
      ),
    )
    clients.set(name, client)
  }
  return new IntrospectionVerifier(clients, claimPaths)
}

/** One for each origin: issuers may share it. */
function takeTurns(
  { introspection, configuration, index: thread }: ComposedStart,
  lease: ResourceLease,
  origin: string,
  connections: number,
  clock: Clock,
): ConnectionTurns {
  const threads = configuration.tuning.listenerThreads
  const limits = { thread, threads, shareMax: strangersMax(connections) }
  return lease.take(
    'introspection turns',
    { origin, connections, ...limits },
    {
      create: () => {
        const crowd = crowdLimitOf(introspection, origin, limits)
        return new ConnectionTurns({ connections, crowd, clock })
      },
      close: NOTHING_TO_CLOSE,
    },
  )
}

function circuitsOf(
  { introspection: memory }: ComposedStart,
  issuer: string,
  introspection: IntrospectionConfiguration,
) {
  return {
    breaker: breakerOf(memory, issuer, 'all', introspection),
    knownBreaker: breakerOf(memory, issuer, 'known', introspection),
    probes: earlyProbesOf(memory, issuer, introspection),
    probeAnswers: introspection.circuitBreaker.halfOpenRequests,
  }
}

function pausesOf(
  { introspection: memory }: ComposedStart,
  issuer: string,
  clock: Clock,
  onPause: EndpointPausesParts['onPause'],
): EndpointPauses {
  return new EndpointPauses({
    clock,
    forAll: pauseOf(memory, issuer, 'all'),
    forUnknown: pauseOf(memory, issuer, 'unknown'),
    afterUnknown: pauseOf(memory, issuer, 'after_unknown'),
    onPause,
  })
}

function clientOf({ clientId, clientKey }: IntrospectionConfiguration): ClientAuthentication {
  return { clientId, ...clientKey }
}
