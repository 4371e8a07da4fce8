/**
 * What comes to the main port: the gateway's own endpoints, preflights, and requests that are
 * served for an upstream.
 *
 * Hot path.
 */
import type { ClientExchange } from '../http/exchange.ts'
import { answerPreflight, preflightAnswer } from './answer-preflight.ts'
import { handleCall } from './decision-endpoint/handle-call.ts'
import type { Gateway } from './gateway.ts'
import { RequestContext } from './request-context.ts'
import { requestIdOf, serveRequest } from './serve-request.ts'
import { sendUpstream } from './upstream-request.ts'

/** Handles one well-formed request to its end. Never throws for anything that a client sends. */
export function handleRequest(gateway: Gateway, exchange: ClientExchange): void {
  const { head } = exchange
  const { revision } = gateway
  for (const endpoint of revision.endpoints.at(head.path)) {
    if (!endpoint.takes(head)) continue
    if (endpoint.kind === 'own') endpoint.answer(exchange)
    else handleCall(gateway, endpoint, exchange)
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
  serveRequest(request, exchange, sendUpstream)
}
