/** One route of a listener thread: which credentials it takes, and what verifies them. */
import { identityFields } from '../config/sections/identity/identity-fields.ts'
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import { takesTokens } from '../config/sections/routes/takes-tokens.ts'
import type { SessionsConfiguration } from '../config/sections/sessions.ts'
import { tenantHeaders } from '../config/sections/tenant-headers.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { CredentialSource } from '../credentials/credential-source.ts'
import { CredentialExtractor, TOKEN_VALUES } from '../credentials/extract-credential.ts'
import { CredentialStripper } from '../credentials/strip-credential.ts'
import type { AuthenticationMethod, RouteTenants } from '../decision/revision.ts'
import { ClearedCookie } from '../gateway/cleared-cookie.ts'
import type { GatewayRoute } from '../gateway/gateway-route.ts'
import { LoginRedirect } from '../gateway/login-redirect.ts'
import { RefusalFormat } from '../gateway/refusal-format.ts'
import { NO_ROUTE, type RouteRefusals } from '../gateway/refusal-response.ts'
import { originListOf } from '../http/origin-list.ts'
import { type ListenerMetrics, NO_INDEX } from '../observability/listener-metrics.ts'
import { compileChallenges } from '../protocol/credential-challenges.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'
import { metadataUrl } from '../protocol/protected-resource-metadata.ts'
import { withholdField } from '../proxy/field-name-table.ts'
import type { ForwardLimits } from '../proxy/forward-request.ts'
import { editedLines, replacedNames, responseEditsOf } from '../proxy/header-edits.ts'
import { createRequestFilter, TRACE_FIELDS } from '../proxy/hop-by-hop-headers.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import { TenantResolver } from '../tenants/resolve-tenant.ts'
import type { TenantRegistry } from '../tenants/tenant-registry.ts'
import type { Authenticator } from '../verifiers/authenticator.ts'
import type { SharedVerdicts } from '../verifiers/bearer-token/shared-verdicts.ts'
import {
  type Introspector,
  TokenAuthenticator,
} from '../verifiers/bearer-token/token-authenticator.ts'
import { compileTokenProfile } from '../verifiers/bearer-token/verification-profile.ts'
import type { JwtIssuerPolicy, JwtProfile } from '../verifiers/jwt/jwt-verifier.ts'
import { SESSION_FORMATS } from '../verifiers/session/session-formats.ts'
import type { Verifier } from '../verifiers/verifier.ts'
import { composeCors } from './compose-cors.ts'
import type { ComposedIdentity } from './compose-identity.ts'
import type { ComposedLimits } from './compose-limits.ts'
import { composeRequirement } from './compose-requirement.ts'
import { apiKeyPlaces, tokenPlaces } from './credential-places.ts'

const REALM = 'sallyport'
const NO_ORIGINS: readonly string[] = []
const MS_PER_SECOND = 1_000
/** Ids of 128 characters, and what a signed cookie adds to them: a signature, percent-encoded. */
const COOKIE_BYTES_MAX = 512
/** What verifies which kind of credential; one set for all routes of a thread. */
export interface RouteAuthenticators {
  readonly verdicts: SharedVerdicts
  readonly jwt: Verifier<JwtProfile>
  readonly introspector: Introspector
  /** `null`: not configured. */
  readonly sessions: Authenticator | null
  /** The id in a session cookie that can be ours, else `null`. */
  readonly sessionIdOf: (cookieValue: string) => string | null
  readonly apiKeys: Authenticator | null
}

/** What the routes of a thread are made of. */
export interface RouteParts {
  readonly metrics: ListenerMetrics
  readonly upstreams: ReadonlyMap<string, UpstreamPool>
  readonly authenticators: RouteAuthenticators
  readonly tenants: TenantRegistry
  readonly identity: ComposedIdentity
  readonly limits: ComposedLimits
  /** What is kept of each credential's claims: see kept-paths.ts. */
  readonly keptPaths: readonly KeptPath[]
  /** By the name of the issuer. */
  readonly policies: ReadonlyMap<string, JwtIssuerPolicy>
}

export function composeRoute(
  route: RouteConfiguration,
  configuration: GatewayConfiguration,
  parts: RouteParts,
): GatewayRoute {
  const { metrics, upstreams, tenants, identity: identities, limits } = parts
  const upstream = upstreams.get(route.upstream)
  if (upstream === undefined) throw new Error(`route ${route.name} has no upstream`)
  const methods = composeMethods(route, configuration, parts)
  const isShadow = route.mode === 'shadow'
  const stripper = new CredentialStripper(methods.flatMap(({ sources }) => sources))
  const identity = identities.strategies[route.identity]
  const keepsCredential = isShadow || route.authenticate === 'none' || identity.keepsCredential
  const onlyIssuer = route.issuers.length === 1 ? route.issuers[0] : null
  return {
    name: route.name,
    metricsIndex: metrics.routeIndex(route.name),
    authentication: route.authenticate,
    allowFrom: route.allowFrom,
    denyFrom: route.denyFrom,
    upstream,
    methods: methods.map(({ extractor, authenticator, isApiKey }) => ({
      extractor,
      authenticator,
      isApiKey,
    })),
    absent: route.authenticators[0] === 'session' ? 'session_absent' : 'credential_absent',
    stripper: keepsCredential ? null : stripper,
    isShadow,
    identity,
    cors: route.cors && composeCors(route.cors, route.errors.codeHeader),
    requirement: composeRequirement(route, configuration.issuers, parts.keptPaths),
    tenants: composeTenants(route, configuration, tenants),
    limits: route.rateLimit === null ? null : (limits.byName.get(route.rateLimit) ?? null),
    requiresNothing:
      route.tenant === 'none' &&
      route.audiences === null &&
      Object.values(route.require).every((list) => list.length === 0),
    allowedOrigins: originListOf(configuration.sessions?.allowedOrigins ?? NO_ORIGINS),
    checksSite: route.csrf === 'browsers',
    requestFilter: createRequestFilter([
      ...identityFields(configuration.identity.headers),
      ...identity.ownFieldNames,
      ...TRACE_FIELDS,
      // Upstreams hear of the tenant from the gateway alone.
      ...tenantHeaders(configuration.tenants),
      ...replacedNames(route.headers.request),
    ]),
    rewrite: route.rewrite,
    requestEdits: editedLines(route.headers.request),
    responseEdits: responseEditsOf(route.headers.response),
    forwardLimits: composeForwardLimits(route),
    refusals: composeRefusals(route, configuration, stripper),
    issuerIndex: onlyIssuer ? metrics.issuerIndex(onlyIssuer) : NO_INDEX,
  }
}

/** `null`: all is as the upstream says. */
function composeForwardLimits({
  responseTimeoutMs,
  bodyTimeoutMs,
  bodyBytes,
}: RouteConfiguration): ForwardLimits | null {
  if (responseTimeoutMs === null && bodyTimeoutMs === null && bodyBytes === null) return null
  return { responseTimeoutMs, bodyTimeoutMs, bodyBytesMax: bodyBytes }
}

function composeTenants(
  { tenant, authenticate }: RouteConfiguration,
  { tenants }: GatewayConfiguration,
  registry: TenantRegistry,
): RouteTenants | null {
  if (tenants === null || tenant === 'none') return null
  const resolver = new TenantResolver(tenants.resolve)
  return {
    resolver,
    registry,
    policy: {
      required: tenant === 'required',
      readsClaim: resolver.readsClaim && authenticate !== 'none',
      allowTokensWithoutTenant: tenants.allowTokensWithoutTenant,
    },
  }
}

interface ComposedMethod extends AuthenticationMethod {
  readonly sources: readonly CredentialSource[]
}

/** JWTs and opaque tokens are one kind of credential: they are found in the same places. */
function composeMethods(
  route: RouteConfiguration,
  configuration: GatewayConfiguration,
  parts: RouteParts,
): ComposedMethod[] {
  const { authenticators } = parts
  const methods: ComposedMethod[] = []
  let hasBearer = false
  for (const name of route.authenticators) {
    switch (name) {
      case 'session':
        methods.push(sessionMethod(configuration, authenticators))
        break
      case 'apiKey':
        methods.push(apiKeyMethod(route, configuration, authenticators))
        break
      case 'jwt':
      case 'introspection':
        if (!hasBearer) methods.push(bearerMethod(route, configuration, parts))
        hasBearer = true
        break
      default:
        // A name without a method would be a route that takes less than its configuration says.
        name satisfies never
    }
  }
  return methods
}

function bearerMethod(
  route: RouteConfiguration,
  configuration: GatewayConfiguration,
  { authenticators: { verdicts, jwt, introspector }, policies }: RouteParts,
): ComposedMethod {
  const { issuers, server } = configuration
  const accepted = issuers.flatMap((issuer) => {
    const policy = policies.get(issuer.name)
    return policy !== undefined && route.issuers.includes(issuer.name) ? { ...issuer, policy } : []
  })
  const profile = compileTokenProfile({
    jwt: route.authenticators.includes('jwt')
      ? accepted.filter(({ keys }) => keys.kind !== 'none').map(({ policy }) => policy)
      : null,
    introspection: route.authenticators.includes('introspection')
      ? introspectionRule(accepted, route.introspectJwts)
      : null,
    // As long for its turn as for the answer.
    answerMsMax: Math.max(...accepted.map((it) => 2 * (it.introspection?.timeoutMs ?? 0)), 0),
  })
  const sources = tokenPlaces(route, configuration.apiKeys)
  return {
    sources,
    extractor: new CredentialExtractor(
      sources,
      server.limits.tokenBytes,
      'token_too_long',
      TOKEN_VALUES,
    ),
    authenticator: new TokenAuthenticator(
      { verdicts, jwt, introspector },
      profile,
      route.audiences,
    ),
    isApiKey: false,
  }
}

/** The configuration has made sure that there is exactly one. */
function introspectionRule(
  issuers: readonly (IssuerConfiguration & { readonly policy: JwtIssuerPolicy })[],
  asksAboutJwts: boolean,
) {
  const issuer = issuers.find(({ introspection }) => introspection !== null)
  if (issuer === undefined || issuer.introspection === null) return null
  const { endpoint, clientId, onOutage, ...times } = issuer.introspection
  const { cacheTtlMs, inactiveTtlMs, staleMaxAgeMs } = times
  return {
    asks: { endpoint, clientId },
    policy: {
      ...issuer.policy,
      requireAudience: issuer.introspection.requireAudience,
    },
    asksAboutJwts,
    onOutage,
    cacheTtlSeconds: cacheTtlMs / MS_PER_SECOND,
    inactiveTtlSeconds: inactiveTtlMs / MS_PER_SECOND,
    staleMaxAgeSeconds: staleMaxAgeMs / MS_PER_SECOND,
  }
}

function sessionMethod(
  { sessions }: GatewayConfiguration,
  authenticators: RouteAuthenticators,
): ComposedMethod {
  if (sessions === null || authenticators.sessions === null) throw new Error('no sessions')
  const sources: CredentialSource[] = [{ kind: 'cookie', name: sessions.cookie }]
  return {
    sources,
    extractor: new CredentialExtractor(sources, COOKIE_BYTES_MAX, 'session_cookie_too_long', {
      isToken: false,
      ownCookie: authenticators.sessionIdOf,
    }),
    authenticator: authenticators.sessions,
    isApiKey: false,
  }
}

function apiKeyMethod(
  route: RouteConfiguration,
  { apiKeys, server }: GatewayConfiguration,
  authenticators: RouteAuthenticators,
): ComposedMethod {
  if (apiKeys === null || authenticators.apiKeys === null) throw new Error('no API keys')
  const sources = apiKeyPlaces(route, apiKeys)
  return {
    sources,
    extractor: new CredentialExtractor(
      sources,
      server.limits.tokenBytes,
      'api_key_too_long',
      TOKEN_VALUES,
    ),
    authenticator: authenticators.apiKeys,
    isApiKey: true,
  }
}

function composeRefusals(
  route: RouteConfiguration,
  { sessions, apiKeys }: GatewayConfiguration,
  stripper: CredentialStripper,
): RouteRefusals {
  const format = new RefusalFormat(route.errors)
  if (format.codeHeader !== null) withholdField(format.codeHeader)
  if (route.authenticate === 'none') return { ...NO_ROUTE, format }
  const { authenticators, require, resource, resourceMetadata, loginRedirect } = route
  const hasSessions = authenticators.includes('session') && sessions !== null
  const hasApiKeys = authenticators.includes('apiKey') && apiKeys !== null
  return {
    challenges: compileChallenges({
      realm: REALM,
      scopes: [...require.scopesAll, ...require.scopesAny],
      resourceMetadata: resource === null ? resourceMetadata : metadataUrl(resource),
      bearer: takesTokens(authenticators),
      cookie: hasSessions ? sessions.cookie : null,
      apiKeyPlaces: hasApiKeys ? apiKeyPlaces(route, apiKeys) : [],
    }),
    login: loginRedirect && new LoginRedirect(loginRedirect, stripper),
    clearedCookie: hasSessions ? clearedCookie(sessions) : null,
    format,
  }
}

function clearedCookie(sessions: SessionsConfiguration): ClearedCookie {
  return new ClearedCookie({
    name: sessions.cookie,
    path: sessions.cookiePath,
    domain: sessions.cookieDomain,
    sameSite: sessions.cookieSameSite,
    isOwnName: SESSION_FORMATS[sessions.format].isOwn,
  })
}
