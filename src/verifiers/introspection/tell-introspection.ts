/** Tells a trace what an introspection endpoint was asked, and what it answered. */
import type { RefusalReason } from '../../protocol/refusal-reason.ts'
import { quoted, type Trace, type TraceMark } from '../../protocol/trace.ts'
import type { OutboundFailure } from '../../resilience/outbound-failure.ts'
import type { OutboundResult } from '../../resilience/outbound-http.ts'

const UNASKED = {
  paused: 'was not asked: it has said that it is asked too often',
  circuit_open: 'was not asked: its circuit breaker is open after failures',
  crowded: 'was not asked: too many other tokens are being asked about',
} as const

const UNDECIDED = {
  circuit_open: UNASKED.circuit_open,
  paused: UNASKED.paused,
  unreachable: 'gave no answer that can be used: it must be 200 and JSON',
  request_refused: 'does not take this token',
  not_json: 'gave an answer that is not one strict JSON object',
  no_verdict: 'gave an answer in which "active" is not true or false',
  another_token: 'gave an answer about another token',
} as const

/** As the client of the endpoint sees it. */
type ToldOutcome =
  | { readonly kind: 'active' | 'overloaded' }
  | { readonly kind: 'refused'; readonly refused: { readonly reason: RefusalReason } }
  | { readonly kind: 'undecided'; readonly reason: keyof typeof UNDECIDED }

const FAILURES: Readonly<Partial<Record<OutboundFailure, string>>> = {
  timeout: 'no whole answer in time',
  unreachable: 'the host cannot be reached',
  proxy: 'the egress proxy does not connect',
  tls: 'the certificate is not trusted, or there is no TLS',
  connection_lost: 'the connection was lost',
  redirect: 'the answer is a redirect, which is not followed',
}

const STATUS_UNAUTHENTICATED = 401

export function tellUnasked(trace: Trace, endpoint: string, why: keyof typeof UNASKED): void {
  trace.tell('introspection', 'no', `${quoted(endpoint)} ${UNASKED[why]}`)
}

/** What a step says of an answer. */
export function answerText(
  endpoint: string,
  result: OutboundResult,
  outcome: ToldOutcome,
): readonly [TraceMark, string] {
  const text = `${quoted(endpoint)} ${meaningOf(outcome)}${detailOf(result)}`
  return [outcome.kind === 'active' ? 'ok' : 'no', text]
}

function meaningOf(outcome: ToldOutcome): string {
  switch (outcome.kind) {
    case 'active':
      return 'says that the token is active'
    case 'refused':
      return outcome.refused.reason === 'token_inactive'
        ? 'says that the token is not active'
        : 'says that the token is active, with claims that do not fit'
    case 'overloaded':
      return 'asks to be asked less often'
    case 'undecided':
      return UNDECIDED[outcome.reason]
  }
}

function detailOf(result: OutboundResult): string {
  const { status } = result
  if (status === STATUS_UNAUTHENTICATED) {
    return ' (status 401: it does not accept the client id and secret of the gateway)'
  }
  if (status !== null) return ` (status ${status})`
  return result.ok ? '' : ` (${FAILURES[result.reason] ?? result.reason})`
}
