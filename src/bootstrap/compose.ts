/** The object graph of one listener thread, on one screen: which object gets which. */
import { ApiKeyAuthenticator } from '../authentication/api-key-authenticator.ts'
import { DatedIntrospector, DatedJwtVerifier } from '../authentication/dated-tokens.ts'
import { LongLivedTokens } from '../authentication/long-lived-tokens.ts'
import { SessionAuthenticator } from '../authentication/session-authenticator.ts'
import { SharedVerdicts } from '../authentication/shared-verdicts.ts'
import type { TokenAuthenticatorParts } from '../authentication/token-authenticator.ts'
import type { Authenticator } from '../authentication/verdict.ts'
import type { ApiKeysConfiguration } from '../config/sections/api-keys.ts'
import type { SessionsConfiguration } from '../config/sections/sessions.ts'
import type { UpstreamConfiguration } from '../config/sections/upstreams.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { HEALTH_PATHS } from '../gateway/answer-health.ts'
import { JWKS_PATH } from '../gateway/answer-jwks.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Readiness } from '../gateway/health.ts'
import { TrustedPeers } from '../gateway/trusted-peers.ts'
import type { InternalTokens } from '../identity/identity-strategy.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { AccessLog } from '../observability/access-log.ts'
import { ListenerMetrics } from '../observability/listener-metrics.ts'
import type { Logger } from '../observability/logger.ts'
import { RequestIds } from '../observability/request-id.ts'
import { TraceParents } from '../observability/trace-context.ts'
import { UPSTREAM_POOL_LIMITS, UpstreamPool } from '../proxy/upstream-pool.ts'
import type { Clock } from '../resilience/clock.ts'
import { randomFraction, randomHex } from '../resilience/randomness.ts'
import { RedisConnections } from '../resilience/redis-connections.ts'
import type { RedisState } from '../resilience/redis-pool.ts'
import { FirstSights } from '../revocation/first-sights.ts'
import { LearntRevocations } from '../revocation/learnt-revocations.ts'
import { RevocationReader } from '../revocation/revocation-reader.ts'
import { compileRoutes } from '../routing/compile-routes.ts'
import { KeyGenerations } from '../shared-memory/key-generations.ts'
import { TenantRegistry } from '../tenants/tenant-registry.ts'
import { InFlight } from '../token-cache/in-flight.ts'
import { RefusalCache } from '../token-cache/refusal-cache.ts'
import { MEMO_ENTRIES_DEFAULT, TokenCache } from '../token-cache/token-cache.ts'
import { ApiKeyList } from '../verifiers/api-key/api-key-list.ts'
import { ApiKeyVerifier } from '../verifiers/api-key/api-key-verifier.ts'
import { JwtVerifier } from '../verifiers/jwt/jwt-verifier.ts'
import { SignaturePool, type SignaturePoolOptions } from '../verifiers/jwt/signature-pool.ts'
import { SALLYPORT_POINTERS } from '../verifiers/session/session-record.ts'
import type { SessionReader } from '../verifiers/session/session-store.ts'
import { SessionVerifier } from '../verifiers/session/session-verifier.ts'
import { composeIdentity } from './compose-identity.ts'
import { type ComposedIntrospection, composeIntrospection } from './compose-introspection.ts'
import { composeRoute, type RouteAuthenticators } from './compose-route.ts'
import { composeWellKnown } from './compose-well-known.ts'
import type { ListenerStart } from './thread-messages.ts'
import { tokenLives } from './token-lives.ts'

const MS_PER_SECOND = 1_000
/** A connection to Redis beyond the minimum ends when it was not needed for so long. */
const REDIS_IDLE_MS = 30_000
/** Longest that a token waits for a verification thread, and a batch for its verdicts. */
const VERIFY_QUEUE_WAIT_MS = 2_000
const VERIFY_BATCH_DEADLINE_MS = 2_000

export interface ListenerParts {
  readonly gateway: Gateway
  readonly tenants: TenantRegistry
  readonly verdicts: SharedVerdicts
  readonly signatures: SignaturePool
  readonly upstreams: readonly UpstreamPool[]
  readonly introspection: ComposedIntrospection
  /** `null`: no route sends any. */
  readonly internalTokens: InternalTokens | null
  /** `null`: nothing uses Redis. */
  readonly redis: RedisConnections | null
}

export interface ListenerSurroundings {
  readonly keyRing: KeyRing
  readonly logger: Logger
  readonly clock: Clock
  readonly readiness: () => Readiness
  /** Sessions in the memory of the supervisor. */
  readonly memorySessions: SessionReader
  readonly onRedisState: (state: RedisState) => void
  readonly onWorkerProved: SignaturePoolOptions['onWorkerProved']
  readonly onWorkerLost: SignaturePoolOptions['onWorkerLost']
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
    onWorkerProved: around.onWorkerProved,
    onWorkerLost: around.onWorkerLost,
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
  const verdicts = composeVerdicts(start, keys, metrics, around)
  const redis = composeRedis(configuration, perThread, around)
  const introspection = composeIntrospection(start, around)
  const { strategies, internalTokens } = composeIdentity(configuration, start.signingKeys)
  const authenticators = composeAuthenticators(start, redis, around, {
    verdicts,
    jwt: new JwtVerifier({ keys: around.keyRing, signatures }),
    introspector: introspection.introspector,
  })
  const tenants = composeTenants(start)
  const wellKnown = composeWellKnown(configuration)
  const gateway: Gateway = {
    hasTenants: configuration.tenants !== null,
    revocations: new RevocationReader(buffers.revocations),
    learntRevocations: new LearntRevocations(buffers.learntRevocations),
    upstreams: new Map(upstreams.map((upstream) => [upstream.name, upstream])),
    routes: compileRoutes(
      configuration.routes.map((route, index) => ({
        match: { ...route.match, isCaseSensitive: route.caseSensitive },
        target: composeRoute(
          route,
          index,
          configuration,
          upstreams,
          authenticators,
          tenants,
          strategies,
        ),
      })),
      [...HEALTH_PATHS, ...(internalTokens === null ? [] : [JWKS_PATH]), ...wellKnown.paths],
    ),
    wellKnown,
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
    signingKeys: internalTokens && (() => internalTokens.published),
    readiness: around.readiness,
  }
  return { gateway, tenants, verdicts, signatures, upstreams, introspection, internalTokens, redis }
}

/** @param tokens What knows tokens that say when they were issued; here the others are added. */
function composeAuthenticators(
  { configuration, buffers }: ListenerStart,
  redis: RedisConnections | null,
  around: ListenerSurroundings,
  { verdicts, jwt, introspector }: TokenAuthenticatorParts,
): RouteAuthenticators {
  const { sessions, apiKeys, issuers, revocation } = configuration
  const keyPrefix = `${revocation.keyPrefix}seen:`
  const firstSights = new FirstSights({ buffer: buffers.firstSights, store: redis, keyPrefix })
  const lives = new Map(issuers.map((it) => [it.name, it.credentialLifeMaxSeconds]))
  const store = redis ?? around.memorySessions
  return {
    verdicts,
    jwt: new DatedJwtVerifier(jwt, firstSights),
    introspector: new DatedIntrospector(introspector, firstSights, lives),
    sessions: sessions && composeSessions(sessions, store, firstSights, around),
    apiKeys: apiKeys && composeApiKeys(apiKeys, redis, around.clock),
  }
}

function composeVerdicts(
  { buffers, configuration }: ListenerStart,
  keys: KeyGenerations,
  lookups: ListenerMetrics,
  { clock, logger }: ListenerSurroundings,
): SharedVerdicts {
  return new SharedVerdicts({
    cache: new TokenCache({ buffer: buffers.tokenCache, keys, memoEntries: MEMO_ENTRIES_DEFAULT }),
    refusals: new RefusalCache({
      buffer: buffers.refusals,
      keys,
      ttlSeconds: Math.floor(configuration.cache.refusalTtlMs / MS_PER_SECOND),
    }),
    inFlight: new InFlight(buffers.inFlight),
    keys,
    clock,
    lookups,
    longLived: new LongLivedTokens(tokenLives(configuration), logger),
  })
}

function composeTenants({ configuration, tenants }: ListenerStart): TenantRegistry {
  const registry = new TenantRegistry(configuration.issuers, [])
  registry.apply(tenants)
  return registry
}

function composeRedis(
  { redis, sessions, apiKeys, revocation, tuning }: GatewayConfiguration,
  perThread: (processWide: number) => number,
  { onRedisState, logger }: ListenerSurroundings,
): RedisConnections | null {
  const isUsed = sessions?.store === 'redis' || apiKeys?.redis === true || revocation.redis
  if (redis === null || !isUsed) return null
  const options = {
    ...redis,
    connectionsMin: perThread(tuning.redisConnectionsMin),
    connectionsMax: perThread(tuning.redisConnectionsMax),
    idleMs: REDIS_IDLE_MS,
    // Nothing else is read from replicas: without API keys their connections would be idle.
    readFromReplicas: redis.readFromReplicas && apiKeys?.redis === true,
  }
  return new RedisConnections(options, {
    random: randomFraction,
    onState: onRedisState,
    onOversizedRecord: () => logger.log({ event: 'redis_record_too_large' }),
  })
}

function composeSessions(
  sessions: SessionsConfiguration,
  store: SessionReader,
  firstSights: FirstSights,
  { clock, memorySessions }: ListenerSurroundings,
): Authenticator {
  const isExpress = sessions.format === 'express-session'
  const { keyPrefix, keyHash, ttlSeconds, absoluteTtlSeconds, pointers, secrets } = sessions
  const reader = sessions.store === 'memory' ? memorySessions : store
  const verifier = new SessionVerifier(reader, firstSights, {
    cookieSecrets: isExpress ? secrets : null,
    keyPrefix,
    keyHash,
    pointers: isExpress
      ? { ...pointers, hasVersion: false, hasNumberedUsers: true, expiresAt: null }
      : SALLYPORT_POINTERS,
    ttlSeconds,
    isLifeForeign: isExpress,
    absoluteTtlSeconds,
    keepsAbsoluteTtl: sessions.keepsAbsoluteTtl,
  })
  return new SessionAuthenticator(verifier, clock)
}

function composeApiKeys(
  { keys, redis: isInRedis, keyPrefix }: ApiKeysConfiguration,
  redis: RedisConnections | null,
  clock: Clock,
): Authenticator {
  const records = keys.map(
    ({ sha256, expiresAt, ...record }) =>
      [sha256, { ...record, expiresAtSeconds: expiresAt }] as const,
  )
  const lookup = isInRedis && redis !== null ? new ApiKeyVerifier(redis, keyPrefix) : null
  return new ApiKeyAuthenticator(new ApiKeyList(new Map(records)), lookup, clock)
}

function upstreamOptions(
  upstream: UpstreamConfiguration,
  { tuning }: GatewayConfiguration,
  perThread: (processWide: number) => number,
) {
  return {
    ...UPSTREAM_POOL_LIMITS,
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
