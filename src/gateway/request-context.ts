/**
 * Hot path: one request on its way through the gateway, and the one place where its end is counted.
 *
 * Every field is set in the constructor, in one order, so that all requests have one shape.
 */
import type { RequestOrigin } from '../decision/decision.ts'
import type { MethodRefusal } from '../decision/refuse-route.ts'
import { withCorsFields } from '../http/cors-fields.ts'
import type { AnsweredExchange, PeekedBody, PeekFailure } from '../http/exchange.ts'
import { type Forwarding, readForwarding } from '../http/forwarding.ts'
import { fieldValue, type HeaderList } from '../http/header-list.ts'
import { publicOrigin } from '../http/public-origin.ts'
import { NO_INDEX } from '../observability/listener-metrics.ts'
import { describeError } from '../observability/redact.ts'
import type { AuthErrorCode } from '../protocol/auth-error.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { type Identity, type Refused, refuse, refuseNaming } from '../protocol/verification.ts'
import type { ForwardEnd, ForwardObserver } from '../proxy/forward-request.ts'
import type { UpstreamCause } from '../proxy/upstream-cause.ts'
import type { UpstreamTarget } from '../proxy/upstream-target.ts'
import type { LimitRefusal } from '../rate-limit/limit-refusal.ts'
import { LimitedRequest } from '../rate-limit/limited-request.ts'
import type { RouteLimits } from '../rate-limit/route-limits.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { accessRecord } from './access-record.ts'
import { corsFields, corsFieldsOfAny } from './cors-answer.ts'
import type { Gateway, GatewayRevision } from './gateway.ts'
import type { GatewayRoute } from './gateway-route.ts'
import { NO_ROUTE, refusalResponse } from './refusal-response.ts'

const MICROS_PER_MS = 1_000
/** What the log says of a request that got no answer at all. */
const STATUS_NONE = 0
/** Of a request that another proxy may take on. */
const STATUS_PASSED = 200
const STATUS_FAILED_MIN = 500
/** As many as are a small integer on any platform. */
const ANSWERED_MICROS_MAX = 2 ** 30 - 1
const NO_REFUSAL = { code: null, reason: null, detail: null } as const
const OUTCOMES = {
  cut: 'upstream_failed',
  client_gone: 'client_gone',
  body_too_slow: 'body_too_slow',
  reader_stalled: 'reader_stalled',
} as const

export class RequestContext implements ForwardObserver, RequestOrigin {
  readonly gateway: Gateway
  /** What it began under, and is decided and sent by to its end. */
  readonly revision: GatewayRevision
  readonly exchange: AnsweredExchange
  readonly requestId: string
  /** Whether the peer is one of `server.trustedProxies`, or may ask what is decided. */
  readonly isPeerTrusted: boolean
  readonly startedAtMs: number
  /**
   * `null` until one is found. The decision itself is not kept: what lives as long as its request
   * is copied by each collection meanwhile.
   */
  route: GatewayRoute | null
  /** When it was decided; the start, when that took no time. */
  decidedAtMs: number
  /** For what is told of the request. A tenant lives as long as the process knows it. */
  tenant: Tenant | null
  /** Whose request it is; `null` unless the access log is to tell. */
  identity: Identity | null
  /** From the decision to the head of the upstream's answer, at least 1; 0: none has come. */
  answeredMicros: number
  /** What it was counted for; `null`: its route has no limits. */
  limited: LimitedRequest | null
  /** `null` until it is asked for, and where the peer is not trusted. */
  #forwarding: Forwarding | null
  #isOver: boolean

  constructor(
    gateway: Gateway,
    revision: GatewayRevision,
    exchange: AnsweredExchange,
    requestId: string,
    isPeerTrusted: boolean,
  ) {
    this.gateway = gateway
    this.revision = revision
    this.exchange = exchange
    this.requestId = requestId
    this.isPeerTrusted = isPeerTrusted
    this.startedAtMs = gateway.clock.monotonicMs()
    this.route = null
    this.decidedAtMs = this.startedAtMs
    this.tenant = null
    this.identity = null
    this.answeredMicros = 0
    this.limited = null
    this.#forwarding = null
    this.#isOver = false
    revision.use.begin()
  }

  // What the decision may ask for.

  /** A real request is decided about without telling how. */
  get trace(): null {
    return null
  }

  get clientAddress(): string {
    return this.forwarding?.client ?? this.exchange.peerAddress
  }

  /** What the proxies in front say; `null`: the peer is not trusted. Read once. */
  get forwarding(): Forwarding | null {
    if (!this.isPeerTrusted) return null
    this.#forwarding ??= readForwarding(
      this.exchange.peerAddress,
      this.exchange.head.headers,
      this.revision.trustedPeers,
    )
    return this.#forwarding
  }

  get publicOrigin(): string {
    const { head, scheme } = this.exchange
    return publicOrigin({ authority: head.authority, scheme, forwarding: this.forwarding })
  }

  limitedBy(limits: RouteLimits): LimitedRequest {
    this.limited ??= new LimitedRequest(limits, this.revision.limiter, this.clientAddress)
    return this.limited
  }

  peekBody(bytesMax: number, timeoutMs: number): Promise<PeekedBody | PeekFailure> | null {
    const { exchange } = this
    if (!exchange.head.hasBody) return null
    return exchange.body.peek(bytesMax, timeoutMs).then((peeked) => {
      // The rest may never come: the next request could not be told from it.
      if (peeked === 'timed_out') exchange.closeAfterAnswer()
      return peeked
    })
  }

  /** The decision took time, and is there now. */
  noteDecided(): void {
    const { metrics, clock } = this.gateway
    this.decidedAtMs = clock.monotonicMs()
    metrics.recordAuthenticate((this.decidedAtMs - this.startedAtMs) * MICROS_PER_MS)
  }

  /**
   * Answers with a refusal and counts it. Ignored by an exchange that is over.
   *
   * @param target Of the upstream that was asked; `null`: none was.
   */
  refuse(
    refused: Refused | LimitRefusal | MethodRefusal,
    target: UpstreamTarget | null = null,
  ): void {
    const { code, reason, detail } = refused
    const { exchange, requestId, route } = this
    const { metrics, clock, logger } = this.gateway
    const isGone = exchange.closed
    const limit = 'retryAfterSeconds' in refused ? refused : null
    const response = refusalResponse(refused, requestId, route?.refusals ?? NO_ROUTE, this, limit)
    if ('allow' in refused) response.headers.push('allow', refused.allow)
    const outcome = isGone ? 'client_gone' : outcomeOfRefusal(code)
    const status = isGone ? STATUS_NONE : response.statusCode
    const nowMs = clock.monotonicMs()
    const durationMicros = (nowMs - this.startedAtMs) * MICROS_PER_MS
    const kind = status >= STATUS_FAILED_MIN ? 'failed' : 'refused'
    const named = isGone ? NO_REFUSAL : { code, reason, detail }
    // Both before the answer: the server forgets the address of the client with it.
    const record = this.revision.accessLog.wants(kind, nowMs)
      ? accessRecord(this, { outcome, status, ...named, target, bodyBytes: null, durationMicros })
      : null
    this.keepRefusal(refused, response.statusCode)
    const cors = this.#corsFields()
    const headers = cors === null ? response.headers : withCorsFields(response.headers, cors)
    exchange.answer(response.status, headers, response.body)
    metrics.countRefusal(reason, route?.issuerIndex ?? NO_INDEX)
    metrics.countEnded(route?.metricsIndex ?? NO_INDEX, outcome)
    metrics.recordTotal(durationMicros)
    this.leave()
    if (record !== null) logger.access(record)
  }

  /** So that a page can read what it was refused for; `null`: no route says anything of pages. */
  #corsFields(): HeaderList | null {
    const { route, tenant, revision } = this
    const { head } = this.exchange
    if (route !== null) return corsFields(route, tenant, head)
    return corsFieldsOfAny(revision.corsPolicies, fieldValue(head.headers, 'origin') ?? '')
  }

  /** For operators who look for the reason of an answer by its id. */
  keepRefusal({ code, reason, detail }: Refused, status: number): void {
    const { gateway, requestId, route, tenant, clientAddress: address } = this
    const { method, path } = this.exchange.head
    const refusal = {
      requestId,
      atMs: gateway.clock.wallMs(),
      method,
      path,
      route: route?.name ?? 'none',
      tenant: tenant?.id ?? null,
      clientAddress: address,
      shadow: route?.isShadow === true,
      status,
      code,
      reason,
      detail,
    }
    gateway.recentRefusals.keep(refusal, this.revision.access.paths)
  }

  /** It is refused, and its answer comes later. */
  holdBack(): void {
    if (this.exchange.head.hasBody) this.exchange.body.discard()
  }

  /** Ends a request that met a defect: the connection is cut, the thread lives on. */
  fail(error: unknown): void {
    this.gateway.logger.log({
      event: 'unexpected_failure',
      where: 'request',
      ...describeError(error),
    })
    this.exchange.destroy()
    this.leave()
  }

  /** The request is over: its revision may end. Later calls do nothing. */
  leave(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.revision.use.end()
  }

  /** It may go on, and the proxy that asked is about to be told so. */
  notePassed(): void {
    const { metrics, clock, logger } = this.gateway
    const isGone = this.exchange.closed
    const outcome = isGone ? 'client_gone' : 'passed'
    metrics.countEnded(this.route?.metricsIndex ?? NO_INDEX, outcome)
    const nowMs = clock.monotonicMs()
    const durationMicros = (nowMs - this.startedAtMs) * MICROS_PER_MS
    metrics.recordTotal(durationMicros)
    this.leave()
    if (!this.revision.accessLog.wants('answered', nowMs)) return
    const ended = { outcome, status: isGone ? STATUS_NONE : STATUS_PASSED, ...NO_REFUSAL } as const
    logger.access(accessRecord(this, { ...ended, target: null, bodyBytes: null, durationMicros }))
  }

  // What the proxy reports.

  onRefusal(
    reason: RefusalReason,
    target: UpstreamTarget | null,
    cause: UpstreamCause | null,
  ): void {
    this.refuse(cause === null ? refuse(reason) : refuseNaming(reason, cause), target)
  }

  onAnswer(): void {
    const { metrics, clock } = this.gateway
    const micros = (clock.monotonicMs() - this.decidedAtMs) * MICROS_PER_MS
    metrics.recordUpstream(micros)
    // A small integer: a fraction would be an object of its own.
    this.answeredMicros = Math.min(micros, ANSWERED_MICROS_MAX) | 1
  }

  onSettled(
    statusCode: number,
    end: ForwardEnd,
    target: UpstreamTarget | null,
    bodyBytes: number,
    cause: UpstreamCause | null,
  ): void {
    const { metrics, clock, logger } = this.gateway
    const routeIndex = this.route?.metricsIndex ?? NO_INDEX
    if (this.limited !== null && isFailure(this.limited.limits, statusCode, end))
      this.limited.fail()
    if (end === 'complete') metrics.countForwarded(routeIndex, statusCode)
    else metrics.countEnded(routeIndex, OUTCOMES[end])
    const nowMs = clock.monotonicMs()
    const durationMicros = (nowMs - this.startedAtMs) * MICROS_PER_MS
    metrics.recordTotal(durationMicros)
    this.leave()
    const kind = statusCode >= STATUS_FAILED_MIN || end === 'cut' ? 'failed' : 'answered'
    if (!this.revision.accessLog.wants(kind, nowMs)) return
    const outcome = end === 'complete' ? 'forwarded' : OUTCOMES[end]
    const ended = { outcome, status: statusCode, ...NO_REFUSAL, detail: cause } as const
    logger.access(accessRecord(this, { ...ended, target, bodyBytes, durationMicros }))
  }
}

/**
 * Whether the upstream says that the guess was wrong. A client that did not wait for the answer is
 * taken for one: it could guess without end otherwise, and see elsewhere whether it was right.
 */
function isFailure({ failedStatuses }: RouteLimits, statusCode: number, end: ForwardEnd): boolean {
  if (failedStatuses.length === 0) return false
  const isUnanswered = end === 'client_gone' && statusCode === STATUS_NONE
  return isUnanswered || failedStatuses.includes(statusCode)
}

/** A refusal that an upstream caused is the upstream's failure, not the caller's. */
function outcomeOfRefusal(code: AuthErrorCode): 'upstream_failed' | 'refused' {
  return code.startsWith('upstream_') ? 'upstream_failed' : 'refused'
}
