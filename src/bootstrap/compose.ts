/** The object graph of one listener thread, on one screen: which object gets which. */
import { Authenticator } from '../authentication/authenticate.ts'
import {
  compileVerificationProfile,
  type VerificationProfile,
} from '../authentication/verification-profile.ts'
import type {
  GatewayConfiguration,
  IssuerConfiguration,
  RouteConfiguration,
  UpstreamConfiguration,
} from '../config/gateway-configuration.ts'
import { CredentialExtractor } from '../credentials/extract-credential.ts'
import { CredentialStripper } from '../credentials/strip-credential.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { GatewayRoute } from '../gateway/gateway-route.ts'
import type { Readiness } from '../gateway/health.ts'
import { TrustedPeers } from '../gateway/trusted-peers.ts'
import { reservedFieldNames } from '../identity/strip-identity-headers.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { AccessLog } from '../observability/access-log.ts'
import { ListenerMetrics, NO_INDEX } from '../observability/listener-metrics.ts'
import type { Logger } from '../observability/logger.ts'
import { RequestIds } from '../observability/request-id.ts'
import { TraceParents } from '../observability/trace-context.ts'
import { compileBearerChallenges } from '../protocol/bearer-challenge.ts'
import { createRequestFilter } from '../proxy/hop-by-hop-headers.ts'
import { UPSTREAM_POOL_DEFAULTS, UpstreamPool } from '../proxy/upstream-pool.ts'
import type { Clock } from '../resilience/clock.ts'
import { randomHex } from '../resilience/randomness.ts'
import { compileRoutes } from '../routing/compile-routes.ts'
import { KeyGenerations } from '../shared-memory/key-generations.ts'
import { InFlight } from '../token-cache/in-flight.ts'
import { RefusalCache } from '../token-cache/refusal-cache.ts'
import { MEMO_ENTRIES_DEFAULT, TokenCache } from '../token-cache/token-cache.ts'
import { type JwtIssuerPolicy, JwtVerifier } from '../verifiers/jwt/jwt-verifier.ts'
import { SignaturePool } from '../verifiers/jwt/signature-pool.ts'
import type { ListenerStart } from './thread-messages.ts'

const REALM = 'sallyport'
const MS_PER_SECOND = 1_000
/** Longest that a token waits for a verification thread, and a batch for its verdicts. */
const VERIFY_QUEUE_WAIT_MS = 2_000
const VERIFY_BATCH_DEADLINE_MS = 2_000
/** Fields that the gateway writes itself, beside the identity: see gateway/handle-request.ts. */
const TRACE_NAMES = ['traceparent', 'tracestate']

export interface ListenerParts {
  readonly gateway: Gateway
  readonly signatures: SignaturePool
  readonly upstreams: readonly UpstreamPool[]
}

export interface ListenerSurroundings {
  readonly keyRing: KeyRing
  readonly logger: Logger
  readonly clock: Clock
  readonly readiness: () => Readiness
}

export function composeListener(start: ListenerStart, around: ListenerSurroundings): ListenerParts {
  const { configuration, buffers } = start
  const { tuning, identity, logging } = configuration
  const { clock, logger } = around
  const keys = new KeyGenerations(buffers.keyGenerations)
  const perThread = (processWide: number) =>
    Math.max(1, Math.ceil(processWide / tuning.listenerThreads))

  const signatures = new SignaturePool({
    threads: perThread(tuning.verifyThreads),
    batchMax: tuning.verifyBatchMax,
    queueMax: perThread(tuning.verifyQueueMax),
    queueWaitMaxMs: VERIFY_QUEUE_WAIT_MS,
    batchDeadlineMs: VERIFY_BATCH_DEADLINE_MS,
    clock,
  })
  const upstreams = configuration.upstreams.map(
    (upstream) => new UpstreamPool(upstreamOptions(upstream, configuration, perThread), clock),
  )
  const metrics = new ListenerMetrics({
    threadIndex: start.index,
    routeNames: configuration.routes.map(({ name }) => name),
    issuerNames: configuration.issuers.map(({ name }) => name),
    upstreamNames: configuration.upstreams.map(({ name }) => name),
  })
  const authenticator = new Authenticator({
    cache: new TokenCache({ buffer: buffers.tokenCache, keys, memoEntries: MEMO_ENTRIES_DEFAULT }),
    refusals: new RefusalCache({
      buffer: buffers.refusals,
      keys,
      ttlSeconds: Math.floor(configuration.cache.refusalTtlMs / MS_PER_SECOND),
    }),
    inFlight: new InFlight(buffers.inFlight),
    keys,
    verifier: new JwtVerifier({ keys: around.keyRing, signatures }),
    clock,
    lookups: metrics,
  })
  const gateway: Gateway = {
    routes: compileRoutes(
      configuration.routes.map((route, index) => ({
        match: route.match,
        target: composeRoute(route, index, configuration, upstreams),
      })),
    ),
    authenticator,
    identityNames: identity.headers,
    requestIdName: identity.headers.requestId,
    correlationIdName: identity.headers.correlationId,
    trustedPeers: new TrustedPeers(configuration.server.trustedProxies),
    metrics,
    accessLog: new AccessLog({
      sampledShare: logging.accessLog.enabled ? logging.accessLog.sampling : 0,
      failureSampledShare: logging.accessLog.enabled ? logging.accessLog.failureSampling : 0,
    }),
    logger,
    requestIds: new RequestIds(randomHex),
    traceParents: new TraceParents(randomHex),
    clock,
    readiness: around.readiness,
  }
  return { gateway, signatures, upstreams }
}

function composeRoute(
  route: RouteConfiguration,
  index: number,
  configuration: GatewayConfiguration,
  upstreams: readonly UpstreamPool[],
): GatewayRoute {
  const upstream = upstreams.find(({ name }) => name === route.upstream)
  if (upstream === undefined) throw new Error(`route ${route.name} has no upstream`)
  const { headers } = configuration.identity
  const onlyIssuer = route.issuers.length === 1 ? route.issuers[0] : null
  const isProtected = route.authenticate !== 'none'
  return {
    name: route.name,
    index,
    authentication: route.authenticate,
    upstream,
    extractor: new CredentialExtractor(route.credentials, configuration.server.limits.tokenBytes),
    stripper: new CredentialStripper(route.credentials),
    profile: composeProfile(route, configuration.issuers),
    requirement: { ...route.require, claims: [], issuers: [] },
    requestFilter: createRequestFilter([
      ...reservedFieldNames(Object.values(headers)),
      ...TRACE_NAMES,
    ]),
    challenges: isProtected
      ? compileBearerChallenges({
          realm: REALM,
          scopes: [...route.require.scopesAll, ...route.require.scopesAny],
          resourceMetadata: route.resourceMetadata,
        })
      : null,
    issuerIndex: onlyIssuer
      ? configuration.issuers.findIndex(({ name }) => name === onlyIssuer)
      : NO_INDEX,
  }
}

function composeProfile(
  route: RouteConfiguration,
  issuers: readonly IssuerConfiguration[],
): VerificationProfile {
  const accepted = issuers.filter(({ name }) => route.issuers.includes(name))
  return compileVerificationProfile(accepted.map(issuerPolicy))
}

function issuerPolicy(issuer: IssuerConfiguration): JwtIssuerPolicy {
  return {
    name: issuer.name,
    issuer: issuer.issuer,
    audiences: issuer.audiences,
    algorithms: issuer.algorithms,
    types: issuer.types,
    clockToleranceSeconds: issuer.clockToleranceSeconds,
    requiredClaims: issuer.requiredClaims,
    claimNames: issuer.claims,
  }
}

function upstreamOptions(
  upstream: UpstreamConfiguration,
  { tuning }: GatewayConfiguration,
  perThread: (processWide: number) => number,
) {
  return {
    ...UPSTREAM_POOL_DEFAULTS,
    name: upstream.name,
    targets: upstream.targets,
    connectionsPerTarget: perThread(tuning.upstreamConnections),
    connectTimeoutMs: upstream.connectTimeoutMs,
    responseTimeoutMs: upstream.responseTimeoutMs,
    bodyIdleTimeoutMs: upstream.idleTimeoutMs,
    ejectAfterFailures: upstream.ejectAfterFailures,
    ejectionMs: upstream.probeIntervalMs,
    retryPercent: upstream.retryBudget * 100,
  }
}
