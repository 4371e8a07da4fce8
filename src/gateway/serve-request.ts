/**
 * What becomes of a request that has been read: decide → enforce → whatever follows a decision that
 * it may go on, which is an upstream, or an answer to the proxy that asked.
 *
 * Hot path: a credential whose verdict is cached is decided about, and goes on, in the same tick.
 */
import { decide } from '../decision/decide.ts'
import type { Decision, PassedDecision } from '../decision/decision.ts'
import type { AnsweredExchange } from '../http/exchange.ts'
import { fieldValue } from '../http/header-list.ts'
import { isAcceptableRequestId } from '../observability/request-id.ts'
import type { Identity } from '../protocol/verification.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { enforce } from './enforce.ts'
import type { Gateway } from './gateway.ts'
import type { GatewayRoute } from './gateway-route.ts'
import type { RequestContext } from './request-context.ts'
import { identityLines, NO_IDENTITY } from './upstream-request.ts'

/**
 * Takes a request on that may go on.
 *
 * @param identity From {@link identityLines}.
 * @param decision `null`: it was refused, on a route in shadow.
 */
export type GoOn<Exchange extends AnsweredExchange> = (
  request: RequestContext,
  exchange: Exchange,
  route: GatewayRoute,
  tenant: Tenant | null,
  identity: string,
  decision: PassedDecision<GatewayRoute> | null,
) => void

/** Serves one request to its end. Throws for a defect only, never for anything that was sent. */
export function serveRequest<Exchange extends AnsweredExchange>(
  request: RequestContext,
  exchange: Exchange,
  goOn: GoOn<Exchange>,
): void {
  try {
    const decision = decide(request.revision, exchange.head, request)
    if (decision instanceof Promise) waitAndConclude(request, exchange, decision, goOn)
    else conclude(request, exchange, decision, goOn)
  } catch (error) {
    request.leave()
    // A fault of ours: the server's edge catches it, and cuts this request alone.
    throw error
  }
}

function waitAndConclude<Exchange extends AnsweredExchange>(
  request: RequestContext,
  exchange: Exchange,
  pending: Promise<Decision<GatewayRoute>>,
  goOn: GoOn<Exchange>,
): void {
  pending
    .then((decision) => {
      request.noteDecided()
      conclude(request, exchange, decision, goOn)
    })
    // A fault of ours concerns this request alone, as it does where the server's edge catches it.
    .catch((error: unknown) => request.fail(error))
}

function conclude<Exchange extends AnsweredExchange>(
  request: RequestContext,
  exchange: Exchange,
  decision: Decision<GatewayRoute>,
  goOn: GoOn<Exchange>,
): void {
  const { tenant } = decision
  request.route = decision.route
  request.tenant = tenant
  if (request.revision.access.tellsUser) request.identity = identityOf(decision)
  if (decision.kind === 'passed') {
    request.gateway.refusalPace.notePassed()
    const identity = identityLines(request, decision)
    goOn(request, exchange, decision.route, tenant, identity, decision)
    return
  }
  const shadowRoute = enforce(request, decision)
  if (shadowRoute !== null) goOn(request, exchange, shadowRoute, tenant, NO_IDENTITY, null)
}

function identityOf(decision: Decision<GatewayRoute>): Identity | null {
  if (decision.kind === 'refused') return decision.identity
  return decision.established === null ? null : decision.established.verified.identity
}

/** A trusted proxy may have named the request; anybody else's name for it counts for nothing. */
export function requestIdOf(
  gateway: Gateway,
  { head }: AnsweredExchange,
  isPeerTrusted: boolean,
): string {
  const given = isPeerTrusted ? fieldValue(head.headers, 'x-request-id') : null
  if (given !== null && isAcceptableRequestId(given)) return given
  return gateway.requestIds.create(gateway.clock.wallMs())
}
