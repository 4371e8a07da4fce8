/**
 * How one thread fares with one introspection endpoint: every answer counted under a word, and told
 * when the endpoint begins to fail and when it is back. Never a line for each request.
 */
import { EventLimiter } from '../../observability/event-limiter.ts'
import {
  INTROSPECTION_RESULTS,
  type IntrospectionResult,
} from '../../observability/metrics/metric-words.ts'
import type { OutboundFailure } from '../../resilience/outbound-failure.ts'
import type { OutboundResult } from '../../resilience/outbound-http.ts'
import type { Clock } from '../../runtime/clock.ts'

export interface StandingParts {
  readonly clock: Clock
  readonly onFailed: (reason: IntrospectionResult, status: number | null) => void
  readonly onRecovered: () => void
}

/** Each reason is told again after so long. */
const TELL_EVERY_MS = 60_000
/** An endpoint that fails now and then has not recovered in between. */
const QUIET_MS = 10_000
const STATUS_SERVER_ERROR_MIN = 500

const BY_STATUS: ReadonlyMap<number, IntrospectionResult> = new Map([
  ...[401, 407].map((status) => [status, 'client_rejected'] as const),
  ...[404, 405, 410, 421].map((status) => [status, 'wrong_endpoint'] as const),
  ...[408, 425, 429].map((status) => [status, 'too_many_requests'] as const),
])

export class EndpointStanding {
  readonly #parts: StandingParts
  readonly #limiter = new EventLimiter(1, TELL_EVERY_MS)
  readonly #counts = new Map<IntrospectionResult, number>(
    INTROSPECTION_RESULTS.map((result) => [result, 0]),
  )
  #isTold = false
  #failedAtMs = 0

  constructor(parts: StandingParts) {
    this.#parts = parts
  }

  /** Since the start. Zeroes included. */
  get counts(): ReadonlyMap<IntrospectionResult, number> {
    return this.#counts
  }

  /** @param isDecided Whether the answer says if the token is active. */
  note(result: OutboundResult, isDecided: boolean): void {
    const word = isDecided ? 'decided' : failureOf(result)
    this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1)
    const { clock, onFailed, onRecovered } = this.#parts
    const nowMs = clock.monotonicMs()
    if (word === 'decided') {
      if (!this.#isTold || nowMs - this.#failedAtMs < QUIET_MS) return
      this.#isTold = false
      onRecovered()
      return
    }
    // One client can bring this about at will: it says nothing of the endpoint.
    if (word !== 'request_refused') this.#failedAtMs = nowMs
    if (this.#limiter.admit(word, nowMs) === null) return
    if (word !== 'request_refused') this.#isTold = true
    onFailed(word, result.status)
  }
}

function failureOf(result: OutboundResult): IntrospectionResult {
  if (result.ok) return 'malformed'
  return result.reason === 'status' ? byStatus(result.status) : (result.reason satisfies Words)
}

/** Every way in which a call can fail without an answer of interest has its word above. */
type Words = Exclude<OutboundFailure, 'status'> & IntrospectionResult

function byStatus(status: number | null): IntrospectionResult {
  if (status !== null && status >= STATUS_SERVER_ERROR_MIN) return 'server_error'
  return BY_STATUS.get(status ?? 0) ?? 'request_refused'
}
