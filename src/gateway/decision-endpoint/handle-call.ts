/**
 * A call of another proxy: the request that it asks about is decided about like any that comes to
 * the main port, and the answer says whether it may go on, and who is calling.
 */
import type { PassedDecision } from '../../decision/decision.ts'
import { admitsAddress } from '../../http/address-lists.ts'
import type { AnsweredExchange } from '../../http/exchange.ts'
import { type HeaderList, hasField } from '../../http/header-list.ts'
import { type Refused, refuse, refuseNaming } from '../../protocol/verification.ts'
import { assertInvariant } from '../../runtime/assert-invariant.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import { derivedOf } from '../../verifiers/derived-identity.ts'
import { preflightAnswer } from '../answer-preflight.ts'
import type { Gateway } from '../gateway.ts'
import type { GatewayRoute } from '../gateway-route.ts'
import { RequestContext } from '../request-context.ts'
import { requestIdOf, serveRequest } from '../serve-request.ts'
import { AskedExchange } from './asked-exchange.ts'
import type { RefusedRequestLine, UnreadableCall } from './asked-request.ts'
import type { DecisionEndpoint } from './decision-endpoint.ts'

const OK = '200 OK'
const NOTHING_TOLD: HeaderList = []
const UNTRUSTED = refuse('decision_peer_untrusted')

/** Handles one well-formed call to its end. Never throws for anything that a caller sends. */
export function handleCall(
  gateway: Gateway,
  endpoint: DecisionEndpoint,
  call: AnsweredExchange,
): void {
  if (call.head.hasBody) call.body.discard()
  if (!endpoint.trustedPeers.has(call.peerAddress)) {
    refuseCall(gateway, call, UNTRUSTED, false)
    return
  }
  const { asked, folding } = endpoint.read(call, gateway.revision.routes)
  if (asked.kind !== 'asked') {
    // A client can cause either: a proxy tells its Host.
    const exchange = new AskedExchange(call, call, folding)
    refuseCall(gateway, exchange, refusalOf(asked), true)
    return
  }
  const exchange = new AskedExchange(call, asked, folding)
  const { revision } = gateway
  const requestId = requestIdOf(gateway, exchange, true)
  const request = new RequestContext(gateway, revision, exchange, requestId, true)
  if (revision.corsPolicies.length > 0 && isSharedPreflight(request)) {
    // It brings no credential, and the service answers it.
    gateway.metrics.preflightCount += 1
    call.answer(OK, NOTHING_TOLD, '')
    request.leave()
    return
  }
  serveRequest(request, exchange, answerPassed)
}

/** The same for what comes to the port of the endpoint, where there is nothing else. */
export function handleOwnPort(gateway: Gateway, call: AnsweredExchange): void {
  const { decision } = gateway.revision
  assertInvariant(decision !== null, 'the port of the decision endpoint is open as long as it is')
  handleCall(gateway, decision, call)
}

/**
 * Of a page that may read the answers, from an address that the route admits; others have no
 * business with the service. Not checked: limits, and the addresses of tenants.
 */
function isSharedPreflight(request: RequestContext): boolean {
  const preflight = preflightAnswer(request.revision.routes, request.exchange.head)
  if (preflight === null) return false
  if (!hasField(preflight.headers, 'access-control-allow-origin')) return false
  return admitsAddress(preflight.route, request.clientAddress)
}

/** @param isTrusted Whether what the caller says of request and client counts. */
function refuseCall(
  gateway: Gateway,
  exchange: AnsweredExchange,
  refused: Refused,
  isTrusted: boolean,
): void {
  const requestId = requestIdOf(gateway, exchange, isTrusted)
  new RequestContext(gateway, gateway.revision, exchange, requestId, isTrusted).refuse(refused)
}

function refusalOf(asked: UnreadableCall | RefusedRequestLine): Refused {
  if (asked.kind === 'refused') return refuse(asked.reason)
  return refuseNaming('decision_call_malformed', asked.field)
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
    const nowSeconds = request.gateway.clock.nowSeconds()
    const seconds = keptForSeconds(decision, identity, maxAge, nowSeconds)
    fields.push('cache-control', `private, max-age=${seconds}`)
  }
  // First: the server forgets the address of the caller with the answer.
  request.notePassed()
  exchange.answer(OK, fields, '')
}

/**
 * Not beyond the end of the credential, of the verdict about it, or of the token that is told; not
 * at all in shadow, nor where the credential could not be verified.
 */
function keptForSeconds(
  decision: PassedDecision<GatewayRoute> | null,
  told: string,
  maxAge: number,
  nowSeconds: number,
): number {
  if (decision === null || decision.caller === 'unverified') return 0
  const { established } = decision
  if (established === null) return maxAge
  const { deadAtSeconds, identity } = established.verified
  const { minted } = derivedOf(established)
  const endsAtSeconds = Math.min(
    deadAtSeconds,
    identity.expiresAtSeconds ?? deadAtSeconds,
    minted?.lines === told ? minted.expiresAtSeconds : deadAtSeconds,
  )
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
