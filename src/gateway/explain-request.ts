/**
 * Explains a request: has it decided about by the same `decide` as real ones, with a trace. Nothing
 * is counted, kept, prolonged or sent upstream.
 */
import { decide } from '../decision/decide.ts'
import type { Decision, RequestOrigin } from '../decision/decision.ts'
import type { PeekedBody, PeekFailure, RequestHead } from '../http/exchange.ts'
import { forwardingFrom } from '../http/forwarding.ts'
import { fieldValue } from '../http/header-list.ts'
import { publicOrigin } from '../http/public-origin.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { quoted, RecordedTrace, type Trace } from '../protocol/trace.ts'
import { refuse } from '../protocol/verification.ts'
import { LimitedRequest } from '../rate-limit/limited-request.ts'
import type { Limiter } from '../rate-limit/limiter.ts'
import type { RouteLimits } from '../rate-limit/route-limits.ts'
import { type Preflight, preflightAnswer } from './answer-preflight.ts'
import {
  EXPLANATION_VERSION,
  type ExplainQuestion,
  type Explanation,
  explainedRefusal,
} from './explanation.ts'
import type { GatewayRevision } from './gateway.ts'
import type { GatewayRoute } from './gateway-route.ts'
import { upstreamOf } from './upstream-request.ts'

const LOOPBACK = '127.0.0.1'
/** A URL without a scheme is taken for one of http. */
const HTTPS = /^https:/i

/** A described request, as the server would have read it. */
export interface ReadQuestion {
  readonly question: ExplainQuestion
  readonly head: RequestHead | RefusalReason
  /** Why the server does not take it; `null`: it does, or nothing more is known. */
  readonly problem: string | null
}

/**
 * Settles in bounded time: as a request does that has to wait for what it depends on.
 *
 * @param peeking Makes a limiter that counts nothing and tells the trace.
 */
export async function explainRequest(
  revision: GatewayRevision,
  { question, head, problem }: ReadQuestion,
  peeking: (trace: Trace) => Limiter,
): Promise<Explanation> {
  const trace = new RecordedTrace(question.showValues)
  const described = describe(question, head)
  if (typeof head === 'string') {
    trace.tell('request', 'no', problem ?? 'the server does not take it')
    return { ...described, refusal: explainedRefusal(refuse(head)), steps: trace.steps }
  }
  if (revision.endpoints.at(head.path).some((endpoint) => endpoint.takes(head))) {
    trace.tell('request', 'ok', `the gateway itself answers ${quoted(head.path)}`)
    return { ...described, outcome: 'answered', steps: trace.steps }
  }
  const preflight = preflightAnswer(revision.routes, head)
  if (preflight !== null) {
    trace.tell('request', 'ok', toldPreflight(preflight, head))
    const route = preflight.route.name
    return { ...described, outcome: 'answered', route, steps: trace.steps }
  }
  const limiter = peeking(trace)
  const origin = new ExplainedOrigin(question, head, revision, limiter, trace)
  const decision = await decide({ ...revision, limiter }, head, origin)
  return { ...described, ...concluded(revision, decision), steps: trace.steps }
}

/** What the browser will make of it depends on these two, and on nothing that is decided here. */
function toldPreflight({ headers }: Preflight<GatewayRoute>, head: RequestHead): string {
  const origin = quoted(fieldValue(head.headers, 'origin') ?? '')
  const mayRead = headers.includes('access-control-allow-origin')
  const verdict = mayRead ? 'may read answers' : 'is not in its cors.origins'
  return `the gateway itself answers the preflight, by cors of the route: ${origin} ${verdict}`
}

type Described = Omit<Explanation, 'steps'>

function describe(question: ExplainQuestion, head: RequestHead | RefusalReason): Described {
  const isRead = typeof head !== 'string'
  return {
    version: EXPLANATION_VERSION,
    outcome: 'refused',
    request: {
      method: question.method,
      path: isRead ? head.path : (question.url.split(/[?#]/)[0] ?? ''),
      host: isRead ? head.host : (question.host ?? ''),
      clientAddress: question.clientAddress ?? LOOPBACK,
    },
    route: null,
    shadow: false,
    tenant: null,
    upstream: null,
    caller: null,
    refusal: null,
  }
}

function concluded(
  revision: GatewayRevision,
  decision: Decision<GatewayRoute>,
): Omit<Described, 'version' | 'request'> {
  const { route, tenant } = decision
  const shadow = route?.isShadow === true
  const passes = route !== null && (decision.kind === 'passed' || shadow)
  const { refusal } = decision.kind === 'refused' ? decision : { refusal: null }
  const wait = refusal !== null && 'retryAfterSeconds' in refusal ? refusal : null
  return {
    outcome: passes ? 'passes' : 'refused',
    route: route?.name ?? null,
    shadow,
    tenant: tenant?.id ?? null,
    upstream: passes ? upstreamOf(revision, route, tenant).name : null,
    caller: decision.kind === 'passed' ? decision.caller : null,
    refusal: refusal && explainedRefusal(refusal, wait?.retryAfterSeconds ?? null),
  }
}

class ExplainedOrigin implements RequestOrigin {
  readonly trace: Trace
  readonly clientAddress: string
  readonly publicOrigin: string
  readonly #body: Buffer | null
  readonly #limiter: Limiter
  #limited: LimitedRequest | null = null

  constructor(
    { body, clientAddress: peer, url }: ExplainQuestion,
    { headers, authority }: RequestHead,
    { trustedPeers }: GatewayRevision,
    limiter: Limiter,
    trace: Trace,
  ) {
    this.trace = trace
    const from = peer ?? LOOPBACK
    const forwarding = forwardingFrom(from, headers, trustedPeers)
    this.clientAddress = forwarding?.client ?? from
    const scheme = HTTPS.test(url) ? 'https' : 'http'
    this.publicOrigin = publicOrigin({ authority, scheme, forwarding })
    this.#body = body === null ? null : Buffer.from(body)
    this.#limiter = limiter
  }

  limitedBy(limits: RouteLimits): LimitedRequest {
    this.#limited ??= new LimitedRequest(limits, this.#limiter, this.clientAddress)
    return this.#limited
  }

  peekBody(bytesMax: number): Promise<PeekedBody | PeekFailure> | null {
    const body = this.#body
    if (body === null) return null
    const isWhole = body.length <= bytesMax
    return Promise.resolve({ bytes: body.subarray(0, bytesMax), isWhole })
  }
}
