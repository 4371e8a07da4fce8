/**
 * Asks one introspection endpoint (RFC 7662 §2.1): a few attempts within one deadline, each with
 * the leave of the circuit breaker.
 */
import {
  INTROSPECTION_BODY_BYTES_MAX,
  type IntrospectionAnswerPolicy,
  type IntrospectionJudgement,
  judgeIntrospectionResponse,
} from '../../protocol/introspection-response.ts'
import type { CircuitBreaker } from '../../resilience/circuit-breaker.ts'
import type { Clock } from '../../resilience/clock.ts'
import type { OutboundHttp, OutboundResult } from '../../resilience/outbound-http.ts'
import type { ProofMaker } from './client-authentication.ts'

export interface IntrospectionClientOptions {
  readonly endpoint: string
  /** All attempts together. */
  readonly timeoutMs: number
  readonly attempts: number
  readonly retryDelayMs: number
}

export interface IntrospectionClientParts {
  readonly http: OutboundHttp
  readonly breaker: CircuitBreaker
  readonly prove: ProofMaker
  readonly clock: Clock
}

/**
 * Besides what the judge of answers says: `unreachable` (no answer, a time-out, or an answer that
 * is not 200 and JSON), `circuit_open` (not asked), and `request_refused` (the endpoint does not
 * take this request, which a token can bring about: that says nothing about the endpoint).
 */
export type IntrospectionOutcome =
  | Exclude<IntrospectionJudgement, { kind: 'undecided' }>
  | { readonly kind: 'undecided'; readonly reason: UndecidedReason }

export type UndecidedReason =
  | 'circuit_open'
  | 'unreachable'
  | 'request_refused'
  | Extract<IntrospectionJudgement, { kind: 'undecided' }>['reason']

const CIRCUIT_OPEN = undecided('circuit_open')
const UNREACHABLE = undecided('unreachable')
const REQUEST_REFUSED = undecided('request_refused')
const STATUS_OK = 200
const STATUS_SERVER_ERROR_MIN = 500
/** What a token can bring about by what it is: bad, too long, too large, not understood. */
const REQUEST_REFUSED_STATUSES: ReadonlySet<number> = new Set([400, 413, 414, 422, 431])
const JSON_TYPES: ReadonlySet<string> = new Set([
  'application/json',
  'application/token-introspection+json',
])

export class IntrospectionClient {
  /** Requests sent since the start. */
  attemptCount = 0
  readonly #options: IntrospectionClientOptions
  readonly #parts: IntrospectionClientParts

  constructor(options: IntrospectionClientOptions, parts: IntrospectionClientParts) {
    this.#options = options
    this.#parts = parts
  }

  /**
   * Never rejects. An answer that decides nothing counts as a failure of the endpoint, like none at
   * all, except where the token may be the cause: one client must not open the breaker for all. A
   * status below 500 is not asked for again: the endpoint would say the same.
   */
  async introspect(
    token: string,
    policy: IntrospectionAnswerPolicy,
    nowSeconds: number,
  ): Promise<IntrospectionOutcome> {
    const { attempts, timeoutMs, retryDelayMs } = this.#options
    const { clock } = this.#parts
    const deadlineMs = clock.monotonicMs() + timeoutMs
    let last: IntrospectionOutcome = CIRCUIT_OPEN
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      if (attempt > 1) await pause(retryDelayMs)
      const leftMs = Math.floor(deadlineMs - clock.monotonicMs())
      if (leftMs < 1) return last
      const permit = this.#parts.breaker.tryAcquire(clock.wallMs())
      if (permit === null) return last
      const result = await this.#post(token, leftMs, nowSeconds)
      last = outcomeOf(result, token, policy, clock.nowSeconds())
      if (last.kind !== 'undecided') {
        this.#parts.breaker.succeeded(permit)
        return last
      }
      if (last === REQUEST_REFUSED) this.#parts.breaker.released(permit)
      else this.#parts.breaker.failed(permit, clock.wallMs())
      if (isFinal(result)) return last
    }
    return last
  }

  #post(token: string, timeoutMs: number, nowSeconds: number): Promise<OutboundResult> {
    const { http, prove } = this.#parts
    const { authorization, form } = prove(nowSeconds)
    this.attemptCount += 1
    return http.post({
      url: this.#options.endpoint,
      accept: 'application/json',
      contentType: 'application/x-www-form-urlencoded',
      headers: authorization === null ? {} : { authorization },
      body: new URLSearchParams({ token, token_type_hint: 'access_token', ...form }).toString(),
      bodyBytesMax: INTROSPECTION_BODY_BYTES_MAX,
      timeoutMs,
    })
  }
}

function outcomeOf(
  result: OutboundResult,
  token: string,
  policy: IntrospectionAnswerPolicy,
  nowSeconds: number,
): IntrospectionOutcome {
  if (result.status !== null && REQUEST_REFUSED_STATUSES.has(result.status)) return REQUEST_REFUSED
  if (!result.ok || result.status !== STATUS_OK) return UNREACHABLE
  if (result.mediaType === null || !JSON_TYPES.has(result.mediaType)) return UNREACHABLE
  return judgeIntrospectionResponse(result.body, token, policy, nowSeconds)
}

/** Whether the endpoint has said what it will say again. */
function isFinal(result: OutboundResult): boolean {
  const { status } = result
  return status !== null && status !== STATUS_OK && status < STATUS_SERVER_ERROR_MIN
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs)
  })
}

function undecided(
  reason: 'circuit_open' | 'unreachable' | 'request_refused',
): IntrospectionOutcome {
  return Object.freeze({ kind: 'undecided', reason })
}
