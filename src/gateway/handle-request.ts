/**
 * The life of a request: the gateway's own endpoints and preflights → decide → enforce → upstream.
 *
 * Hot path: a credential whose verdict is cached reaches the upstream's pool in the same tick.
 */
import { decide } from '../decision/decide.ts'
import type { Decision } from '../decision/decision.ts'
import type { ClientExchange } from '../http/exchange.ts'
import { fieldValue } from '../http/header-list.ts'
import { isAcceptableRequestId } from '../observability/request-id.ts'
import type { Identity } from '../protocol/verification.ts'
import { answerPreflight, preflightAnswer } from './answer-preflight.ts'
import { enforce } from './enforce.ts'
import type { Gateway } from './gateway.ts'
import type { GatewayRoute } from './gateway-route.ts'
import { RequestContext } from './request-context.ts'
import { identityLines, NO_IDENTITY, sendUpstream } from './upstream-request.ts'

/** Handles one well-formed request to its end. Never throws for anything that a client sends. */
export function handleRequest(gateway: Gateway, exchange: ClientExchange): void {
  const { head } = exchange
  const { revision } = gateway
  for (const endpoint of revision.endpoints.at(head.path)) {
    if (!endpoint.takes(head)) continue
    endpoint.answer(exchange)
    return
  }
  if (revision.corsPolicies.length > 0) {
    const preflight = preflightAnswer(revision.routes, head)
    if (preflight !== null) {
      gateway.metrics.preflightCount += 1
      answerPreflight(exchange, preflight.headers)
      return
    }
  }
  const isPeerTrusted =
    !revision.trustedPeers.isEmpty && revision.trustedPeers.has(exchange.peerAddress)
  const requestId = requestIdOf(gateway, exchange, isPeerTrusted)
  const request = new RequestContext(gateway, revision, exchange, requestId, isPeerTrusted)

  try {
    const decision = decide(revision, head, request)
    if (decision instanceof Promise) waitAndConclude(request, decision)
    else conclude(request, decision)
  } catch (error) {
    request.leave()
    // A fault of ours: the server's edge catches it, and cuts this request alone.
    throw error
  }
}

function waitAndConclude(request: RequestContext, pending: Promise<Decision<GatewayRoute>>): void {
  pending
    .then((decision) => {
      request.noteDecided()
      conclude(request, decision)
    })
    // A fault of ours concerns this request alone, as it does where the server's edge catches it.
    .catch((error: unknown) => request.fail(error))
}

function conclude(request: RequestContext, decision: Decision<GatewayRoute>): void {
  request.route = decision.route
  request.tenant = decision.tenant
  if (request.revision.access.tellsUser) request.identity = identityOf(decision)
  if (decision.kind === 'passed') {
    request.gateway.refusalPace.notePassed()
    sendUpstream(request, decision.route, decision.tenant, identityLines(request, decision))
    return
  }
  const shadowRoute = enforce(request, decision)
  if (shadowRoute !== null) sendUpstream(request, shadowRoute, decision.tenant, NO_IDENTITY)
}

function identityOf(decision: Decision<GatewayRoute>): Identity | null {
  if (decision.kind === 'refused') return decision.identity
  return decision.established === null ? null : decision.established.verified.identity
}

/** A trusted proxy may have named the request; anybody else's name for it counts for nothing. */
function requestIdOf(gateway: Gateway, exchange: ClientExchange, isPeerTrusted: boolean): string {
  const given = isPeerTrusted ? fieldValue(exchange.head.headers, 'x-request-id') : null
  if (given !== null && isAcceptableRequestId(given)) return given
  return gateway.requestIds.create(gateway.clock.wallMs())
}
