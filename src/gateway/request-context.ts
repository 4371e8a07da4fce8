/**
 * Hot path: one request on its way through the gateway, and the one place where its end is counted.
 *
 * Every field is set in the constructor, in one order, so that all requests have one shape.
 */
import type { RequestOrigin } from '../decision/decision.ts'
import { clientAddress } from '../http/client-address.ts'
import type { ClientExchange, PeekedBody, PeekFailure } from '../http/exchange.ts'
import { NO_INDEX } from '../observability/listener-metrics.ts'
import type { Outcome } from '../observability/metrics/metric-words.ts'
import { describeError } from '../observability/redact.ts'
import type { AuthErrorCode } from '../protocol/auth-error.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { type Refused, refuse } from '../protocol/verification.ts'
import type { ForwardEnd, ForwardObserver } from '../proxy/forward-request.ts'
import type { LimitRefusal } from '../rate-limit/limit-refusal.ts'
import { LimitedRequest } from '../rate-limit/limited-request.ts'
import type { RouteLimits } from '../rate-limit/route-limits.ts'
import type { Gateway, GatewayRevision } from './gateway.ts'
import type { GatewayRoute } from './gateway-route.ts'
import { refusalResponse } from './refusal-response.ts'

const MICROS_PER_MS = 1_000
/** What the log says of a request that got no answer at all. */
const STATUS_NONE = 0

export class RequestContext implements ForwardObserver, RequestOrigin {
  readonly gateway: Gateway
  /** What it began under, and is decided and sent by to its end. */
  readonly revision: GatewayRevision
  readonly exchange: ClientExchange
  readonly requestId: string
  /** Whether the peer is one of `server.trustedProxies`. */
  readonly isPeerTrusted: boolean
  readonly startedAtMs: number
  /**
   * `null` until one is found. The decision itself is not kept: what lives as long as its request
   * is copied by each collection meanwhile.
   */
  route: GatewayRoute | null
  /** When it was decided; the start, when that took no time. */
  decidedAtMs: number
  /** What it was counted for; `null`: its route has no limits. */
  limited: LimitedRequest | null
  /** `null` until it is asked for, which most requests never do. */
  #clientAddress: string | null
  #isOver: boolean

  constructor(
    gateway: Gateway,
    revision: GatewayRevision,
    exchange: ClientExchange,
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
    this.limited = null
    this.#clientAddress = null
    this.#isOver = false
    revision.use.begin()
  }

  // What the decision may ask for.

  get clientAddress(): string {
    this.#clientAddress ??= clientAddress(
      this.exchange.peerAddress,
      this.exchange.head.headers,
      this.revision.trustedPeers,
    )
    return this.#clientAddress
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

  /** Answers with a refusal and counts it. Ignored by an exchange that is over. */
  refuse(refused: Refused | LimitRefusal): void {
    const { code, reason } = refused
    const { exchange, requestId, route } = this
    const isGone = exchange.closed
    const limit = 'retryAfterSeconds' in refused ? refused : null
    const response = refusalResponse(code, requestId, route?.refusals ?? null, this, limit)
    exchange.answer(response.status, response.headers, response.body)
    this.gateway.metrics.countRefusal(reason, route?.issuerIndex ?? NO_INDEX)
    if (isGone) this.#end('client_gone', STATUS_NONE, null)
    else this.#end(outcomeOfRefusal(code), response.statusCode, refused)
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

  // What the proxy reports.

  onRefusal(reason: RefusalReason): void {
    this.refuse(refuse(reason))
  }

  onAnswer(): void {
    const { metrics, clock } = this.gateway
    metrics.recordUpstream((clock.monotonicMs() - this.decidedAtMs) * MICROS_PER_MS)
  }

  onSettled(statusCode: number, end: ForwardEnd): void {
    if (this.limited !== null && isFailure(this.limited.limits, statusCode, end))
      this.limited.fail()
    if (end === 'complete') {
      this.gateway.metrics.countForwarded(this.route?.metricsIndex ?? NO_INDEX, statusCode)
      this.#finish(statusCode, null)
    } else {
      this.#end(end === 'client_gone' ? 'client_gone' : 'upstream_failed', statusCode, null)
    }
  }

  #end(outcome: Outcome, status: number, refused: Refused | null): void {
    this.gateway.metrics.countEnded(this.route?.metricsIndex ?? NO_INDEX, outcome)
    this.#finish(status, refused)
  }

  #finish(status: number, refused: Refused | null): void {
    const { metrics, clock, logger } = this.gateway
    const durationMicros = (clock.monotonicMs() - this.startedAtMs) * MICROS_PER_MS
    metrics.recordTotal(durationMicros)
    this.leave()
    if (!this.revision.accessLog.wants(status)) return
    logger.access({
      requestId: this.requestId,
      method: this.exchange.head.method,
      route: this.route?.name ?? 'none',
      status,
      code: refused?.code ?? null,
      reason: refused?.reason ?? null,
      durationMicros: Math.round(durationMicros),
    })
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
function outcomeOfRefusal(code: AuthErrorCode): Outcome {
  return code.startsWith('upstream_') ? 'upstream_failed' : 'refused'
}
