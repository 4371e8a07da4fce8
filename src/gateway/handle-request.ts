/**
 * The life of a request, in order: route → credential → cache or verification → policy → identity →
 * upstream. Each phase either goes on to the next or ends in exactly one refusal.
 *
 * Hot path: a credential whose verdict is cached reaches the upstream's pool in the same tick.
 */

import { authorize } from '../authentication/authorize.ts'
import { IdentityNotes } from '../authentication/identity-notes.ts'
import type { Verdict } from '../authentication/verdict.ts'
import { isFromKnownSite, isUnsafeMethod } from '../credentials/cross-site-request.ts'
import type { ServedTenant } from '../identity/identity-headers.ts'
import { isAcceptableRequestId } from '../observability/request-id.ts'
import { isTraceparent } from '../observability/trace-context.ts'
import type { AuthErrorCode } from '../protocol/auth-error.ts'
import { fieldValue, type HeaderList } from '../protocol/header-list.ts'
import type { Identity } from '../protocol/verification.ts'
import type { ClientExchange } from '../proxy/client-exchange.ts'
import { forward } from '../proxy/forward.ts'
import { forwardedFields } from '../proxy/forwarded-headers.ts'
import { requestHeaders } from '../proxy/hop-by-hop-headers.ts'
import { splitRequestFields } from '../proxy/request-fields.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import { revocationKeysOf } from '../revocation/revocation-key.ts'
import { AMBIGUOUS_PATH, findRoute } from '../routing/match-route.ts'
import { subjectDigest } from '../tenants/match-token-tenant.ts'
import { answerHealth, isHealthPath } from './answer-health.ts'
import { answerJwks, JWKS_PATH } from './answer-jwks.ts'
import { answerWellKnown } from './answer-well-known.ts'
import type { Gateway } from './gateway.ts'
import type { AuthenticationMethod, GatewayRoute } from './gateway-route.ts'
import { RequestContext } from './request-context.ts'
import { requestedTenant, servedTenant } from './request-tenant.ts'

const MICROS_PER_MS = 1_000
const NO_IDENTITY = ''
/** In place of a tenant that the credential names and nobody has judged. */
const NO_TENANT: ServedTenant = { id: '', plan: null }
/** Tells the upstream that nobody could be asked who is calling. */
const UNVERIFIED_IDENTITY = '\r\nx-auth-status: unverified'

/** Handles one well-formed request to its end. Never throws for anything that a client sends. */
export function handleRequest(gateway: Gateway, exchange: ClientExchange): void {
  const { head } = exchange
  if (isHealthPath(head.path)) {
    answerHealth(exchange, gateway.readiness())
    return
  }
  if (gateway.signingKeys !== null && head.path === JWKS_PATH) {
    answerJwks(exchange, gateway.signingKeys())
    return
  }
  const document = gateway.wellKnown.find(head)
  if (document !== null) {
    answerWellKnown(exchange, document)
    return
  }
  const isPeerTrusted =
    !gateway.trustedPeers.isEmpty && gateway.trustedPeers.has(exchange.peerAddress)
  const requestId = requestIdOf(gateway, exchange, isPeerTrusted)
  const request = new RequestContext(gateway, exchange, requestId, isPeerTrusted)

  const route = findRoute(gateway.routes, head.method, head.path, head.host)
  if (route === null) {
    request.refuse('route_not_found')
    return
  }
  if (route === AMBIGUOUS_PATH) {
    request.refuse('invalid_request')
    return
  }
  request.route = route
  if (route.tenants !== null) {
    const tenant = requestedTenant(route.tenants, head)
    if (tenant !== null && 'code' in tenant) {
      refuseOrPass(request, route, tenant.code)
      return
    }
    request.tenant = tenant
  }
  if (route.authentication === 'none') {
    proxy(request, route, NO_IDENTITY)
    return
  }

  authenticate(request, route, 0, gateway.clock.nowSeconds())
}

/**
 * Looks for credentials in the order of the route: the first that is there decides.
 *
 * @param first Methods before this one have found none.
 */
function authenticate(
  request: RequestContext,
  route: GatewayRoute,
  first: number,
  nowSeconds: number,
): void {
  const { headers, query } = request.exchange.head
  for (let index = first; index < route.methods.length; index += 1) {
    const { extractor } = route.methods[index] as AuthenticationMethod
    const credential = extractor.extract(headers, query)
    if (credential === null) continue
    if (typeof credential !== 'string') refuseOrPass(request, route, credential.code)
    else if (isAmbiguousBehind(route, index, request)) {
      refuseOrPass(request, route, 'invalid_request')
    } else judge(request, route, index, credential, nowSeconds)
    return
  }
  if (route.authentication !== 'optional') refuseOrPass(request, route, route.absentCode)
  else if (request.tenant === null && route.tenants?.policy.required === true) {
    refuseOrPass(request, route, 'tenant_not_identified')
  } else proxy(request, route, NO_IDENTITY)
}

/**
 * Whether the request carries two credentials of a kind that does not decide. It is refused all the
 * same: what is behind us may read one of them.
 */
function isAmbiguousBehind(route: GatewayRoute, decided: number, request: RequestContext): boolean {
  const { headers, query } = request.exchange.head
  for (let index = decided + 1; index < route.methods.length; index += 1) {
    const other = route.methods[index]?.extractor.extract(headers, query) ?? null
    if (other !== null && typeof other !== 'string' && other.code === 'invalid_request') return true
  }
  return false
}

function judge(
  request: RequestContext,
  route: GatewayRoute,
  index: number,
  credential: string,
  nowSeconds: number,
): void {
  const { gateway, exchange, tenant } = request
  const { extractor, authenticator } = route.methods[index] as AuthenticationMethod
  const { method, headers } = exchange.head
  if (isUnsafeMethod(method) && extractor.isFromCookie(headers)) {
    const isKnown =
      isFromKnownSite(headers, route.allowedOrigins) ||
      (tenant !== null && isFromKnownSite(headers, new Set(tenant.allowedOrigins)))
    if (!isKnown) {
      refuseOrPass(request, route, 'csrf_rejected')
      return
    }
  }

  const verdict = authenticator.recall(credential, nowSeconds)
  if (verdict !== null) {
    conclude(request, route, index, verdict, nowSeconds)
    return
  }

  authenticator
    .establish(credential)
    .then((established) => {
      request.judgedAtMs = gateway.clock.monotonicMs()
      gateway.metrics.recordAuthenticate((request.judgedAtMs - request.startedAtMs) * MICROS_PER_MS)
      conclude(request, route, index, established, gateway.clock.nowSeconds())
    })
    // A fault of ours concerns this request alone, as it does where the server's edge catches it.
    .catch((error: unknown) => request.fail(error))
}

/** Policy, then identity. The policy is the route's, so it is never part of a cached verdict. */
function conclude(
  request: RequestContext,
  route: GatewayRoute,
  index: number,
  verdict: Verdict,
  nowSeconds: number,
): void {
  if ('code' in verdict) {
    refuseOrPass(request, route, verdict.code)
    return
  }
  if ('unverified' in verdict) {
    // A caller that nobody knows has no scope that a route could ask for.
    if (route.requiresNothing) proxy(request, route, UNVERIFIED_IDENTITY)
    else refuseOrPass(request, route, 'verifier_unavailable')
    return
  }
  if ('nobody' in verdict) {
    authenticate(request, route, index + 1, nowSeconds)
    return
  }
  const { identity } = verdict.verified
  verdict.notes ??= new IdentityNotes()
  if (isRevoked(request, identity, verdict.notes, nowSeconds)) {
    refuseOrPass(request, route, revocationCode(request, identity, verdict.notes, nowSeconds))
    return
  }
  if (!request.gateway.learntRevocations.areLearnt) {
    refuseOrPass(request, route, 'verifier_unavailable')
    return
  }
  if (route.tenants !== null) {
    const tenant = servedTenant(request, route.tenants, identity)
    if (tenant !== null && 'code' in tenant) {
      refuseOrPass(request, route, tenant.code)
      return
    }
    request.tenant = tenant
  }
  const refused = authorize(identity, route.requirement)
  if (refused !== null) {
    refuseOrPass(request, route, refused.code)
    return
  }
  const tenant = request.tenant ?? (request.gateway.hasTenants ? NO_TENANT : null)
  proxy(
    request,
    route,
    route.identity.linesFor(verdict.notes, verdict.verified, tenant, nowSeconds),
  )
}

/** Asked of every request, cached verdict or not; costs one load as long as nothing is new. */
function isRevoked(
  request: RequestContext,
  identity: Identity,
  notes: IdentityNotes,
  nowSeconds: number,
): boolean {
  notes.revocation ??= revocationKeysOf(identity)
  return request.gateway.revocations.isRevoked(notes.revocation, nowSeconds)
}

/**
 * What becomes of a revoked credential. A revocation of all before an instant decides nothing about
 * one that does not say when it was issued, as long as its first sight cannot be told.
 */
function revocationCode(
  { gateway, route, requestId }: RequestContext,
  identity: Identity,
  notes: IdentityNotes,
  nowSeconds: number,
): AuthErrorCode {
  // An API key has none of the three, and is revoked with its user whenever it was made.
  const { issuedAtSeconds, issuer, sessionId } = identity
  const isUndated = issuedAtSeconds === null && (issuer !== '' || sessionId !== null)
  const keys = notes.revocation
  if (isUndated && keys !== null && !gateway.revocations.isRevokedWhenever(keys, nowSeconds)) {
    return 'verifier_unavailable'
  }
  gateway.logger.security({
    event: 'revoked_token_used',
    requestId,
    route: route?.name ?? 'none',
    subjectDigest: subjectDigest(identity),
  })
  return 'token_revoked'
}

/**
 * The one place where a refusal about the caller takes effect: everything that is decided after
 * the route was found ends here. On a route in shadow it is only reported, and the request goes on
 * as if nobody had been asked: without identity, with its credential, for the upstream to judge.
 *
 * Not for what the hard shell or the upstream refuses: that is `request.refuse` on every route.
 */
function refuseOrPass(request: RequestContext, route: GatewayRoute, code: AuthErrorCode): void {
  if (!route.isShadow) {
    request.refuse(code)
    return
  }
  request.reportShadowed(route, code)
  proxy(request, route, NO_IDENTITY)
}

/**
 * Sends the request upstream: what the client sent, minus everything that only the gateway may say,
 * plus what the gateway says.
 *
 * @param identity Lines of the established identity; empty when there is none.
 */
function proxy(request: RequestContext, route: GatewayRoute, identity: string): void {
  const { gateway, exchange } = request
  const { head, peerAddress, scheme } = exchange
  const credential = route.stripper
  const { framing, lines } = splitRequestFields(
    requestHeaders(head.headers, route.requestFilter, credential),
  )
  const query = credential === null ? head.query : credential.strippedQuery(head.query)
  const forwarded = forwardedFields(head.headers, {
    peerAddress,
    scheme,
    authority: head.authority,
    trusted: request.isPeerTrusted,
  })
  const ids = idLines(request)
  const trace = traceLines(gateway, head.headers)

  forward(
    exchange,
    upstreamOf(request, route),
    {
      method: head.method,
      target: query === '' ? head.path : `${head.path}?${query}`,
      headers: framing,
      // Ours come last: what is read twice by mistake is mostly read from the end.
      ownFields: `${forwarded}${lines}${ids}${trace}${identity}`,
      answerHeaders: ['x-request-id', request.requestId],
    },
    request,
  )
}

/** A tenant may have an upstream of its own; who named it has made sure that there is one. */
function upstreamOf({ gateway, tenant }: RequestContext, route: GatewayRoute): UpstreamPool {
  if (tenant === null || tenant.upstream === null) return route.upstream
  return gateway.upstreams.get(tenant.upstream) ?? route.upstream
}

/** A trusted proxy may have named the request; anybody else's name for it counts for nothing. */
function requestIdOf(gateway: Gateway, exchange: ClientExchange, isPeerTrusted: boolean): string {
  const given = isPeerTrusted ? fieldValue(exchange.head.headers, 'x-request-id') : null
  if (given !== null && isAcceptableRequestId(given)) return given
  return gateway.requestIds.create(gateway.clock.wallMs())
}

function idLines(request: RequestContext): string {
  const { requestId } = request
  const { requestIdName, correlationIdName } = request.gateway
  const requestLine = requestIdName === null ? '' : `\r\n${requestIdName}: ${requestId}`
  if (correlationIdName === null) return requestLine
  const given = request.isPeerTrusted
    ? fieldValue(request.exchange.head.headers, 'x-correlation-id')
    : null
  const isKept = given !== null && isAcceptableRequestId(given)
  return `${requestLine}\r\n${correlationIdName}: ${isKept ? given : requestId}`
}

/**
 * `tracestate` goes on only with the one `traceparent` that it belongs to (W3C §3.3.1.1). Repeated
 * fields of it are one list.
 */
function traceLines(gateway: Gateway, received: HeaderList): string {
  const parent = fieldValue(received, 'traceparent')
  if (parent === null || !isTraceparent(parent)) {
    return `\r\ntraceparent: ${gateway.traceParents.start(false)}`
  }
  let lines = `\r\ntraceparent: ${gateway.traceParents.continue(parent)}`
  for (let index = 0; index < received.length; index += 2) {
    if (received[index] === 'tracestate') lines += `\r\ntracestate: ${received[index + 1]}`
  }
  return lines
}
