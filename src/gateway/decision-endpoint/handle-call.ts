/**
 * A call of another proxy: the request that it asks about is decided about like any that comes to
 * the main port, and the answer says whether it may go on, and who is calling.
 */
import type { PassedDecision } from '../../decision/decision.ts'
import type { AnsweredExchange } from '../../http/exchange.ts'
import { type HeaderList, hasField } from '../../http/header-list.ts'
import { type Refused, refuse, refuseNaming } from '../../protocol/verification.ts'
import { assertInvariant } from '../../runtime/assert-invariant.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import { preflightAnswer } from '../answer-preflight.ts'
import type { Gateway, GatewayRevision } from '../gateway.ts'
import type { GatewayRoute } from '../gateway-route.ts'
import { RequestContext } from '../request-context.ts'
import { requestIdOf, serveRequest } from '../serve-request.ts'
import { AskedExchange } from './asked-exchange.ts'
import type { DecisionEndpoint } from './decision-endpoint.ts'

const OK = '200 OK'
const NOTHING_TOLD: HeaderList = []
const UNTRUSTED = refuse('decision_peer_untrusted')

/** The same for what comes to the port of the endpoint, where there is nothing else. */
export function handleOwnPort(gateway: Gateway, call: AnsweredExchange): void {
  const { decision } = gateway.revision
  assertInvariant(decision !== null, 'the port of the decision endpoint is open as long as it is')
  handleCall(gateway, decision, call)
}

/** Handles one well-formed call to its end. Never throws for anything that a caller sends. */
export function handleCall(
  gateway: Gateway,
  endpoint: DecisionEndpoint,
  call: AnsweredExchange,
): void {
  if (call.head.hasBody) call.body.discard()
  if (!endpoint.trustedPeers.has(call.peerAddress)) {
    refuseCall(gateway, call, UNTRUSTED)
    return
  }
  const { asked, folding } = endpoint.read(call, gateway.revision.routes)
  if (asked.kind === 'unreadable') {
    refuseCall(gateway, call, refuseNaming('decision_call_malformed', asked.field))
    return
  }
  if (asked.kind === 'refused') {
    const exchange = new AskedExchange(call, call, folding)
    refuseCall(gateway, exchange, refuse(asked.reason))
    return
  }
  const exchange = new AskedExchange(call, asked, folding)
  const { revision } = gateway
  if (revision.corsPolicies.length > 0 && isSharedPreflight(revision, exchange)) {
    // It brings no credential, and the service answers it.
    gateway.metrics.preflightCount += 1
    call.answer(OK, NOTHING_TOLD, '')
    return
  }
  const requestId = requestIdOf(gateway, exchange, true)
  const request = new RequestContext(gateway, revision, exchange, requestId, true)
  serveRequest(request, exchange, answerPassed)
}

/** Of a page that may read the answers; others have no business with the service. */
function isSharedPreflight({ routes }: GatewayRevision, { head }: AskedExchange): boolean {
  const preflight = preflightAnswer(routes, head)
  return preflight !== null && hasField(preflight.headers, 'access-control-allow-origin')
}

function refuseCall(gateway: Gateway, exchange: AnsweredExchange, refused: Refused): void {
  const requestId = requestIdOf(gateway, exchange, false)
  new RequestContext(gateway, gateway.revision, exchange, requestId, false).refuse(refused)
}

/** Nothing but the identity: some callers copy every field into the request that goes on. */
function answerPassed(
  request: RequestContext,
  exchange: AskedExchange,
  _route: GatewayRoute,
  _tenant: Tenant | null,
  identity: string,
  decision: PassedDecision<GatewayRoute> | null,
): void {
  const fields = fieldsOf(identity)
  const maxAge = request.revision.decision?.maxAgeSeconds ?? null
  if (maxAge !== null) {
    const seconds = keptForSeconds(decision, maxAge, request.gateway.clock.nowSeconds())
    fields.push('cache-control', `private, max-age=${seconds}`)
  }
  // First: the server forgets the address of the caller with the answer.
  request.notePassed()
  exchange.answer(OK, fields, '')
}

/** Not beyond the end of the credential, nor of the verdict about it; never in shadow. */
function keptForSeconds(
  decision: PassedDecision<GatewayRoute> | null,
  maxAge: number,
  nowSeconds: number,
): number {
  if (decision === null) return 0
  if (decision.established === null) return maxAge
  const { deadAtSeconds, identity } = decision.established.verified
  const endsAtSeconds = Math.min(deadAtSeconds, identity.expiresAtSeconds ?? deadAtSeconds)
  return Math.max(0, Math.min(maxAge, Math.floor(endsAtSeconds - nowSeconds)))
}

/** The fields of lines of a head, each of which begins with a line end. */
function fieldsOf(lines: string): string[] {
  const fields: string[] = []
  let start = 0
  while (start < lines.length) {
    const end = lines.indexOf('\r\n', start + 2)
    const line = lines.slice(start + 2, end === -1 ? lines.length : end)
    const colon = line.indexOf(': ')
    fields.push(line.slice(0, colon), line.slice(colon + 2))
    start = end === -1 ? lines.length : end
  }
  return fields
}
