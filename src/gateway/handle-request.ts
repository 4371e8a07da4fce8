/**
 * The life of a request, in order: route → credential → cache or verification → policy → identity →
 * upstream. Each phase either goes on to the next or ends in exactly one refusal.
 *
 * Hot path: a credential whose verdict is cached reaches the upstream's pool in the same tick.
 */

import type { EstablishedIdentity } from '../authentication/authenticate.ts'
import { authorize } from '../authentication/authorize.ts'
import { renderIdentityHeaders } from '../identity/identity-headers.ts'
import { createRequestId, isAcceptableRequestId } from '../observability/request-id.ts'
import {
  continueTraceparent,
  isTraceparent,
  startTraceparent,
} from '../observability/trace-context.ts'
import { fieldValue } from '../protocol/header-list.ts'
import type { Refused } from '../protocol/verification.ts'
import type { ClientExchange } from '../proxy/client-exchange.ts'
import { forward } from '../proxy/forward.ts'
import { appendForwarded } from '../proxy/forwarded-headers.ts'
import { requestHeaders } from '../proxy/hop-by-hop-headers.ts'
import { matchRoute } from '../routing/match-route.ts'
import { tokenDigest } from '../token-cache/token-digest.ts'
import { answerHealth, isHealthPath } from './answer-health.ts'
import type { Gateway } from './gateway.ts'
import type { GatewayRoute } from './gateway-route.ts'
import { RequestContext } from './request-context.ts'

const MICROS_PER_MS = 1_000

/** Handles one well-formed request to its end. Never throws for anything that a client sends. */
export function handleRequest(gateway: Gateway, exchange: ClientExchange): void {
  const { head } = exchange
  if (isHealthPath(head.path)) {
    answerHealth(exchange, gateway.readiness())
    return
  }
  const isPeerTrusted =
    !gateway.trustedPeers.isEmpty && gateway.trustedPeers.has(exchange.peerAddress)
  const request = new RequestContext(
    gateway,
    exchange,
    requestIdOf(gateway, exchange, isPeerTrusted),
  )

  const route = matchRoute(gateway.routes, head.method, head.path, head.host)
  if (route === null) {
    request.refuse('route_not_found')
    return
  }
  request.route = route
  if (route.authentication === 'none') {
    proxy(request, route, null, isPeerTrusted)
    return
  }

  const token = route.extractor.extract(head.headers, head.query)
  if (token === null) {
    if (route.authentication === 'optional') proxy(request, route, null, isPeerTrusted)
    else request.refuse('missing_token')
    return
  }
  if (typeof token !== 'string') {
    request.refuse(token.code)
    return
  }

  const digest = tokenDigest(route.profile.key, token)
  const verdict = gateway.authenticator.recall(digest, gateway.clock.nowSeconds())
  if (verdict !== null) {
    conclude(request, route, verdict, isPeerTrusted)
    return
  }

  const missedAtMs = request.startedAtMs
  // Does not reject: what goes wrong is a verdict too.
  void gateway.authenticator.establish(token, digest, route.profile).then((established) => {
    const elapsedMs = gateway.clock.monotonicMs() - missedAtMs
    gateway.metrics.recordAuthenticate(elapsedMs * MICROS_PER_MS)
    conclude(request, route, established, isPeerTrusted)
  })
}

/** Policy, then identity. The policy is the route's, so it is never part of a cached verdict. */
function conclude(
  request: RequestContext,
  route: GatewayRoute,
  verdict: EstablishedIdentity | Refused,
  isPeerTrusted: boolean,
): void {
  if ('code' in verdict) {
    request.refuse(verdict.code)
    return
  }
  const { identity } = verdict.verified
  const refused = authorize(identity, route.requirement)
  if (refused !== null) {
    request.refuse(refused.code)
    return
  }
  verdict.rendered ??= renderIdentityHeaders(identity, request.gateway.identityNames)
  proxy(request, route, verdict.rendered, isPeerTrusted)
}

/**
 * Sends the request upstream: what the client sent, minus everything that only the gateway may say,
 * plus what the gateway says.
 */
function proxy(
  request: RequestContext,
  route: GatewayRoute,
  identity: readonly string[] | null,
  isPeerTrusted: boolean,
): void {
  const { gateway, exchange } = request
  const { head } = exchange
  let headers = requestHeaders(head.headers, route.requestFilter)
  let { query } = head
  if (route.authentication !== 'none') {
    headers = route.stripper.strippedHeaders(headers)
    query = route.stripper.strippedQuery(query)
  }
  if (identity !== null) {
    for (let index = 0; index < identity.length; index += 1) headers.push(identity[index] as string)
  }
  appendRequestIds(request, headers, isPeerTrusted)
  appendTrace(gateway, exchange, headers)
  const { peerAddress, scheme } = exchange
  appendForwarded(headers, head.headers, {
    peerAddress,
    scheme,
    authority: head.authority,
    trusted: isPeerTrusted,
  })

  request.forwardedAtMs = gateway.clock.monotonicMs()
  const target = query === '' ? head.path : `${head.path}?${query}`
  const answerHeaders = ['x-request-id', request.requestId]
  forward(
    exchange,
    route.upstream,
    { method: head.method, target, headers, answerHeaders },
    request,
  )
}

/** A trusted proxy may have named the request; anybody else's name for it counts for nothing. */
function requestIdOf(gateway: Gateway, exchange: ClientExchange, isPeerTrusted: boolean): string {
  const given = isPeerTrusted ? fieldValue(exchange.head.headers, 'x-request-id') : null
  if (given !== null && isAcceptableRequestId(given)) return given
  return createRequestId(gateway.clock.wallMs(), gateway.random)
}

function appendRequestIds(
  request: RequestContext,
  headers: string[],
  isPeerTrusted: boolean,
): void {
  const { requestIdName, correlationIdName } = request.gateway
  if (requestIdName !== null) headers.push(requestIdName, request.requestId)
  if (correlationIdName === null) return
  const received = request.exchange.head.headers
  const given = isPeerTrusted ? fieldValue(received, 'x-correlation-id') : null
  const isKept = given !== null && isAcceptableRequestId(given)
  headers.push(correlationIdName, isKept ? given : request.requestId)
}

/** `tracestate` goes on only with the `traceparent` that it belongs to (W3C §3.3.1.1). */
function appendTrace(gateway: Gateway, exchange: ClientExchange, headers: string[]): void {
  const received = exchange.head.headers
  const parent = fieldValue(received, 'traceparent')
  if (parent === null || !isTraceparent(parent)) {
    headers.push('traceparent', startTraceparent(false, gateway.random))
    return
  }
  headers.push('traceparent', continueTraceparent(parent, gateway.random))
  const state = fieldValue(received, 'tracestate')
  if (state !== null) headers.push('tracestate', state)
}
