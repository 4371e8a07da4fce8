/** The object graph of one listener thread, on one screen: which object gets which. */
import type { ApiKeysConfiguration } from '../config/sections/api-keys.ts'
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import type { SessionsConfiguration } from '../config/sections/sessions.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { healthEndpoints } from '../gateway/answer-health.ts'
import { jwksEndpoint } from '../gateway/answer-jwks.ts'
import type { Gateway, GatewayRevision } from '../gateway/gateway.ts'
import type { Readiness } from '../gateway/health.ts'
import type { MainEndpoint } from '../gateway/main-endpoint.ts'
import { createRefusalPace } from '../gateway/refusal-pace.ts'
import { RevisionUse } from '../gateway/revision-use.ts'
import { AddressRanges } from '../http/address-ranges.ts'
import { EMPTY_SEGMENTS, ENCODED_SLASHES, NO_FORMS } from '../http/canonical-path.ts'
import type { CorsPolicy } from '../http/cors-policy.ts'
import { EndpointTable } from '../http/endpoint-table.ts'
import type { InternalTokens } from '../identity/identity-strategy.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { RecentRefusals } from '../observability/recent-refusals.ts'
import { RequestIds } from '../observability/request-id.ts'
import { TraceParents } from '../observability/trace-context.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'
import type { RecordUse } from '../protocol/stored-user.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import type { RedisClient } from '../redis/redis-client.ts'
import { FirstSights } from '../revocation/first-sights.ts'
import { LearntRevocations } from '../revocation/learnt-revocations.ts'
import { RevocationReader } from '../revocation/revocation-reader.ts'
import { compileRoutes } from '../routing/compile-routes.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import type { Clock } from '../runtime/clock.ts'
import { randomHex } from '../runtime/randomness.ts'
import { TenantRegistry } from '../tenants/tenant-registry.ts'
import type { ComposedStart } from '../threads/listener-start.ts'
import type { ResourceLease } from '../threads/resources.ts'
import { MEMO_ENTRIES_DEFAULT, TokenCache } from '../token-cache/token-cache.ts'
import { ApiKeyAuthenticator } from '../verifiers/api-key/api-key-authenticator.ts'
import { ApiKeyList } from '../verifiers/api-key/api-key-list.ts'
import { ApiKeyVerifier } from '../verifiers/api-key/api-key-verifier.ts'
import type { Authenticator } from '../verifiers/authenticator.ts'
import { DatedIntrospector, DatedJwtVerifier } from '../verifiers/bearer-token/dated-tokens.ts'
import { LongLivedTokens } from '../verifiers/bearer-token/long-lived-tokens.ts'
import { RefusalDetails } from '../verifiers/bearer-token/refusal-details.ts'
import { SharedVerdicts } from '../verifiers/bearer-token/shared-verdicts.ts'
import type { TokenAuthenticatorParts } from '../verifiers/bearer-token/token-authenticator.ts'
import { ClaimPathWatch, type UnmetClaimPath } from '../verifiers/claim-path-watch.ts'
import { type JwtIssuerPolicy, JwtVerifier } from '../verifiers/jwt/jwt-verifier.ts'
import type { SignaturePool } from '../verifiers/jwt/signature-pool.ts'
import { SessionAuthenticator } from '../verifiers/session/session-authenticator.ts'
import { ownSessionId, type SessionFormat } from '../verifiers/session/session-format.ts'
import type { SessionReader } from '../verifiers/session/session-store.ts'
import { SessionVerifier } from '../verifiers/session/session-verifier.ts'
import { composeRecordUse } from './claim-sources.ts'
import { composeAccessLog } from './compose-access-log.ts'
import { composeDecision } from './compose-decision.ts'
import { takeIdentity, tellingSettings } from './compose-identity.ts'
import { composeIntrospection } from './compose-introspection.ts'
import { type ComposedLimits, composeLimits } from './compose-limits.ts'
import { composeRoute, type RouteAuthenticators, type RouteParts } from './compose-route.ts'
import { composeWellKnown } from './compose-well-known.ts'
import { configuredTenant } from './configured-tenant.ts'
import { composeIssuerPolicies } from './issuer-policies.ts'
import { keptPathsOf } from './kept-paths.ts'
import type { ResourceSurroundings } from './resource-surroundings.ts'
import { unreadableSessions } from './session-events.ts'
import { sessionFormat } from './session-format.ts'
import { takeRedis, takeSignatures, takeUpstreams } from './take-resources.ts'
import { tokenLives } from './token-lives.ts'
import { watchedPlacesOf } from './watched-places.ts'

/** What follows from one configuration in one thread. */
export interface ListenerParts {
  readonly revision: GatewayRevision
  readonly tenants: TenantRegistry
  /** What counts nothing, for requests that are only explained. */
  readonly peeking: ComposedLimits['peeking']
  readonly signatures: SignaturePool
  readonly upstreams: ReadonlyMap<string, UpstreamPool>
  /** `null`: no route sends any. */
  readonly internalTokens: InternalTokens | null
  /** `null`: nothing uses Redis. */
  readonly redis: RedisClient | null
  /** Pools, connections and clients; released when no request needs them any longer. */
  readonly lease: ResourceLease
}

export interface ListenerSurroundings extends ResourceSurroundings {
  readonly keyRing: KeyRing
  readonly readiness: () => Readiness
  /** Sessions in the memory of the supervisor. */
  readonly memorySessions: SessionReader
  readonly onClaimPathUnmet: (path: UnmetClaimPath) => void
}

export function composeListener(start: ComposedStart, around: ListenerSurroundings): ListenerParts {
  const lease = around.memory.resources.lease()
  try {
    return composeWith(lease, start, around)
  } catch (error) {
    // Or what it has taken by then would be open for good.
    void lease.release()
    throw error
  }
}

function composeWith(
  lease: ResourceLease,
  start: ComposedStart,
  around: ListenerSurroundings,
): ListenerParts {
  const { configuration } = start
  const { memory } = around
  const signatures = takeSignatures(configuration, lease, around)
  const upstreams = takeUpstreams(configuration, lease, around)
  const redis = takeRedis(configuration, lease, around)
  const limits = composeLimits(configuration.rateLimits, redis, around)
  const keptPaths = keptPathsOf(configuration)
  const identity = takeIdentity(start, keptPaths, lease)
  const policies = composeIssuerPolicies(configuration, keptPaths)
  const claimPaths = watchClaimPaths(configuration, policies, around.onClaimPathUnmet)
  const authenticators = composeAuthenticators(start, redis, keptPaths, around, {
    verdicts: composeVerdicts(start, keptPaths, lease, around),
    jwt: new JwtVerifier({ keys: around.keyRing, signatures, claimPaths }),
    introspector: composeIntrospection(start, lease, around, claimPaths),
  })
  const tenants = takeTenants(start, lease)
  // Those of other revisions stay: what was counted under them is told on.
  for (const { name } of configuration.issuers) memory.metrics.issuerIndex(name)
  const revision = composeRevision(start, around.clock, {
    metrics: memory.metrics,
    upstreams,
    authenticators,
    tenants,
    identity,
    limits,
    keptPaths,
    policies,
    readiness: around.readiness,
  })
  return {
    revision,
    tenants,
    peeking: limits.peeking,
    signatures,
    upstreams,
    internalTokens: identity.internalTokens,
    redis,
    lease,
  }
}

function watchClaimPaths(
  configuration: GatewayConfiguration,
  policies: ReadonlyMap<string, JwtIssuerPolicy>,
  onUnmet: (path: UnmetClaimPath) => void,
): ClaimPathWatch {
  const watched = [...policies].map(([name, { sources }]) => {
    return [name, watchedPlacesOf(name, sources, configuration)] as const
  })
  return new ClaimPathWatch(new Map(watched), onUnmet)
}

/** The gateway of a thread, which begins with this revision. */
export function createGateway(
  revision: GatewayRevision,
  { memory, logger, clock }: ResourceSurroundings,
): Gateway {
  return {
    revision,
    metrics: memory.metrics,
    logger,
    requestIds: new RequestIds(randomHex),
    traceParents: new TraceParents(randomHex),
    recentRefusals: new RecentRefusals(),
    clock,
    refusalPace: createRefusalPace(clock),
  }
}

interface RevisionParts extends RouteParts {
  readonly readiness: () => Readiness
}

function composeRevision(
  { revisionId, configuration, buffers }: ComposedStart,
  clock: Clock,
  parts: RevisionParts,
): GatewayRevision {
  const { upstreams, identity, limits, readiness, metrics } = parts
  const { headers } = configuration.identity
  const decision = composeDecision(configuration)
  const onMainPort = configuration.decision?.port === null ? decision : null
  const endpoints = new EndpointTable([
    ...composeEndpoints(configuration, readiness, identity.internalTokens),
    ...(onMainPort === null ? [] : [onMainPort]),
  ])
  const routes = configuration.routes.map((route) => ({
    match: {
      ...route.match,
      isCaseSensitive: route.caseSensitive,
      keptForms: keptFormsOf(route.match),
      ...(route.isMoved && { strippedSegments: route.rewrite?.strippedSegments ?? 0 }),
    },
    target: composeRoute(route, configuration, parts),
  }))
  return Object.freeze<GatewayRevision>({
    id: revisionId,
    use: new RevisionUse(),
    routes: compileRoutes(routes, endpoints.paths),
    revocations: new RevocationReader(buffers.revocations),
    learntRevocations: new LearntRevocations(buffers.learntRevocations),
    clock,
    limiter: limits.limiter,
    endpoints,
    decision,
    corsPolicies: narrowestFirst(routes.flatMap(({ target }) => target.cors ?? [])),
    upstreams,
    hasTenants: configuration.tenants !== null,
    requestIdName: headers.requestId,
    correlationIdName: headers.correlationId,
    trustedPeers: new AddressRanges(configuration.server.trustedProxies),
    sendsForwarded: configuration.server.sendForwarded,
    ...composeAccessLog(configuration, metrics),
  })
}

/** Where several let a page read, the one counts with which it may send its cookies. */
function narrowestFirst(policies: readonly CorsPolicy[]): readonly CorsPolicy[] {
  const rank = ({ isForAll, hasCredentials }: CorsPolicy) =>
    Number(isForAll) - Number(hasCredentials)
  return policies.toSorted((one, other) => rank(one) - rank(other))
}

function keptFormsOf({ encodedSlash, emptySegments }: RouteConfiguration['match']): number {
  const slashes = encodedSlash === 'keep' ? ENCODED_SLASHES : NO_FORMS
  return emptySegments === 'keep' ? slashes | EMPTY_SEGMENTS : slashes
}

function composeEndpoints(
  configuration: GatewayConfiguration,
  readiness: () => Readiness,
  internalTokens: InternalTokens | null,
): readonly MainEndpoint[] {
  return [
    ...healthEndpoints(readiness),
    ...(internalTokens === null ? [] : [jwksEndpoint(() => internalTokens.published)]),
    ...composeWellKnown(configuration),
  ]
}

/** @param tokens What knows tokens that say when they were issued; here the others are added. */
function composeAuthenticators(
  { configuration, buffers }: ComposedStart,
  redis: RedisClient | null,
  keptPaths: readonly KeptPath[],
  around: ListenerSurroundings,
  { verdicts, jwt, introspector }: TokenAuthenticatorParts,
): RouteAuthenticators {
  const { sessions, apiKeys, issuers, revocation } = configuration
  const keyPrefix = `${revocation.keyPrefix}seen:`
  const firstSights = new FirstSights({ buffer: buffers.firstSights, store: redis, keyPrefix })
  const lives = new Map(issuers.map((it) => [it.name, it.credentialLifeMaxSeconds]))
  const store = redis ?? around.memorySessions
  const sessionUse = composeRecordUse('session', configuration, keptPaths)
  const keyUse = composeRecordUse('apiKey', configuration, keptPaths)
  const format = sessions && sessionFormat(sessions, sessionUse)
  return {
    verdicts,
    jwt: new DatedJwtVerifier(jwt, firstSights),
    introspector: new DatedIntrospector(introspector, firstSights, lives),
    sessions:
      sessions && format && composeSessions(sessions, store, { firstSights, format }, around),
    sessionIdOf: (cookieValue) => format && ownSessionId(format, cookieValue),
    apiKeys: apiKeys && composeApiKeys(apiKeys, redis, keyUse, around.clock),
  }
}

function composeVerdicts(
  { buffers, configuration }: ComposedStart,
  keptPaths: readonly KeptPath[],
  lease: ResourceLease,
  { clock, logger, memory }: ListenerSurroundings,
): SharedVerdicts {
  const { keys, refusals, inFlight, metrics: lookups } = memory
  // Beside a verdict it keeps what the upstream is told of it, which depends on these settings.
  const cache = lease.take(
    'token cache',
    tellingSettings(configuration, keptPaths),
    memory.tokenCaches.counted({
      create: () =>
        new TokenCache({ buffer: buffers.tokenCache, keys, memoEntries: MEMO_ENTRIES_DEFAULT }),
      close: () => {},
    }),
  )
  const longLived = new LongLivedTokens(tokenLives(configuration), logger)
  const details = new RefusalDetails(keptPaths.map(({ path }) => path.text))
  return new SharedVerdicts({ cache, refusals, inFlight, keys, clock, lookups, longLived, details })
}

/** One for all revisions with the same issuers: there may be a quarter of a million tenants. */
function takeTenants(
  { configuration, tenants }: ComposedStart,
  lease: ResourceLease,
): TenantRegistry {
  const issuers = configuration.issuers.map(({ name, issuer, placeholder }) => {
    return { name, issuer, placeholder }
  })
  const configured = (configuration.tenants?.registry ?? []).map(configuredTenant)
  return lease.take(
    'tenants',
    { issuers, configured },
    {
      create: () => {
        assertInvariant(tenants !== null, 'tenants are told to a thread that does not have them')
        const registry = new TenantRegistry(issuers, configured, true)
        registry.apply(tenants)
        return registry
      },
      close: () => {},
    },
  )
}

interface SessionParts {
  readonly firstSights: FirstSights
  readonly format: SessionFormat
}

function composeSessions(
  sessions: SessionsConfiguration,
  store: SessionReader,
  { firstSights, format }: SessionParts,
  { clock, logger, memorySessions }: ListenerSurroundings,
): Authenticator {
  const { keyPrefix, keyHash, ttlSeconds, absoluteTtlSeconds } = sessions
  const reader = sessions.store === 'memory' ? memorySessions : store
  const rules = {
    format,
    keyPrefix,
    keyHash,
    ttlSeconds,
    absoluteTtlSeconds,
    keepsAbsoluteTtl: sessions.keepsAbsoluteTtl,
  }
  const onUnreadable = unreadableSessions(logger, clock)
  const verifier = new SessionVerifier(reader, firstSights, rules, onUnreadable)
  return new SessionAuthenticator(verifier, clock)
}

function composeApiKeys(
  { keys, redis: isInRedis, keyPrefix }: ApiKeysConfiguration,
  redis: RedisClient | null,
  use: RecordUse,
  clock: Clock,
): Authenticator {
  const records = keys.map(
    ({ sha256, expiresAt, rateLimit, ...record }) =>
      [sha256, { ...record, expiresAtSeconds: expiresAt, rate: rateLimit }] as const,
  )
  const lookup = isInRedis && redis !== null ? new ApiKeyVerifier(redis, keyPrefix, use) : null
  return new ApiKeyAuthenticator(new ApiKeyList(new Map(records), use.keptPaths), lookup, clock)
}
