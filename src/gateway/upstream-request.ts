/**
 * What goes upstream: what the client sent, minus everything that only the gateway may say, plus
 * what the gateway says.
 */
import type { PassedDecision } from '../decision/decision.ts'
import type { ClientExchange, RequestHead } from '../http/exchange.ts'
import { fieldValue, type HeaderList } from '../http/header-list.ts'
import type { ServedTenant } from '../identity/identity-headers.ts'
import { isAcceptableRequestId } from '../observability/request-id.ts'
import { isTraceparent } from '../observability/trace-context.ts'
import { forward } from '../proxy/forward.ts'
import { forwardedFields } from '../proxy/forwarded-headers.ts'
import { requestHeaders } from '../proxy/hop-by-hop-headers.ts'
import { splitRequestFields } from '../proxy/request-fields.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import { rewrittenPath, strippedPrefix } from '../routing/path-rewrite.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { derivedOf } from '../verifiers/derived-identity.ts'
import { corsFields } from './cors-answer.ts'
import type { Gateway, GatewayRevision } from './gateway.ts'
import type { GatewayRoute } from './gateway-route.ts'
import type { RequestContext } from './request-context.ts'

/** The upstream is told of no caller. */
export const NO_IDENTITY = ''
/** In place of a tenant that the credential names and that no route has checked. */
const NO_TENANT: ServedTenant = { id: '', plan: null }
/** Tells the upstream that a credential came that could not be verified. */
const UNVERIFIED_IDENTITY = '\r\nx-auth-status: unverified'

/** Lines of the request head that say who is calling; {@link NO_IDENTITY} for an anonymous one. */
export function identityLines(
  { revision }: RequestContext,
  { route, tenant, caller, established, decidedAtSeconds }: PassedDecision<GatewayRoute>,
): string {
  if (established === null) return caller === 'unverified' ? UNVERIFIED_IDENTITY : NO_IDENTITY
  const told = tenant ?? (revision.hasTenants ? NO_TENANT : null)
  return route.identity.linesFor(
    derivedOf(established),
    established.verified,
    told,
    decidedAtSeconds,
  )
}

/** @param identity From {@link identityLines}. */
export function sendUpstream(
  request: RequestContext,
  exchange: ClientExchange,
  route: GatewayRoute,
  tenant: Tenant | null,
  identity: string,
): void {
  const { gateway, revision } = request
  const { head, peerAddress, scheme } = exchange
  const credential = route.stripper
  const pool = upstreamOf(revision, route, tenant)
  const { framing, lines } = splitRequestFields(
    requestHeaders(head.headers, route.requestFilter, credential),
    pool.host,
  )
  const query = credential === null ? head.query : credential.strippedQuery(head.query)
  const forwarded = forwardedFields({
    peerAddress,
    scheme,
    authority: head.authority,
    forwarding: request.forwarding,
    sendsForwarded: revision.sendsForwarded,
    strippedPrefix: route.rewrite === null ? '' : strippedPrefix(head.path, route.rewrite),
  })
  const ids = idLines(request)
  const trace = traceLines(gateway, head.headers)
  const path =
    route.rewrite === null && pool.basePath === ''
      ? head.path
      : rewrittenPath(head.path, route.rewrite, pool.basePath)

  forward(
    exchange,
    pool,
    {
      method: head.method,
      target: query === '' ? emptyTarget(head, path) : `${path}?${query}`,
      headers: framing,
      // Ours come last: what is read twice by mistake is mostly read from the end. Added up: a
      // template asks of each part whether it is a text.
      gatewayFields: forwarded + lines + route.requestEdits + ids + trace + identity,
      answerHeaders: answerHeaders(request),
      answerCors: route.cors?.replacesUpstream === true ? corsFields(route, tenant, head) : null,
      responseEdits: route.responseEdits,
      limits: route.forwardLimits,
      withheldField: route.refusals.format.codeHeader,
    },
    request,
  )
}

/**
 * `/a?` stays what it is: a signature may be made over it.
 *
 * @param path What the service gets in place of that of the head.
 */
function emptyTarget({ query, hasQuery }: RequestHead, path: string): string {
  return hasQuery && query === '' ? `${path}?` : path
}

function answerHeaders({ requestId, limited }: RequestContext): string[] {
  if (limited === null) return ['x-request-id', requestId]
  return ['x-request-id', requestId, ...limited.fields]
}

/** A tenant may have an upstream of its own; who named it has made sure that there is one. */
export function upstreamOf(
  revision: GatewayRevision,
  route: GatewayRoute,
  tenant: Tenant | null,
): UpstreamPool {
  if (tenant === null || tenant.upstream === null) return route.upstream
  return revision.upstreams.get(tenant.upstream) ?? route.upstream
}

function idLines(request: RequestContext): string {
  const { requestId } = request
  const { requestIdName, correlationIdName } = request.revision
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
