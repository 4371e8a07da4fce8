/** What is asked of `explain`, and what it answers: plain values that go between threads. */
import type { RecentRefusal } from '../observability/recent-refusals.ts'
import { AUTH_ERRORS, type AuthErrorCode } from '../protocol/auth-error.ts'
import { REFUSAL_ADVICE } from '../protocol/refusal-advice.ts'
import { REFUSAL_REASONS, type RefusalReason } from '../protocol/refusal-reason.ts'
import type { TraceStep } from '../protocol/trace.ts'

/** A request as it is described. Nothing of it is checked yet. */
export interface ExplainQuestion {
  readonly method: string
  /** Path and query, or an absolute URL. */
  readonly url: string
  /** `Host`; `null`: that of the URL. */
  readonly host: string | null
  /** Names and values of all other fields. */
  readonly headers: readonly string[]
  /** Of the peer, as text; `null`: a client on this machine. */
  readonly clientAddress: string | null
  /** `null`: the request has none. */
  readonly body: string | null
  /** Whether steps may show what a credential says. */
  readonly showValues: boolean
}

/** Goes up when a member changes its meaning or goes away; new ones may come at any time. */
export const EXPLANATION_VERSION = 1

export interface Explanation {
  readonly version: typeof EXPLANATION_VERSION
  /**
   * `passes`: the request would go upstream. `refused`: it would not. `answered`: the gateway
   * answers it by itself, as it does `/health/live`.
   */
  readonly outcome: 'passes' | 'refused' | 'answered'
  readonly request: {
    readonly method: string
    /** Without the query. */
    readonly path: string
    readonly host: string
    readonly clientAddress: string
  }
  /** `null`: none matched. */
  readonly route: string | null
  /** Whether the route only reports refusals: with `refusal` as well, the request passes. */
  readonly shadow: boolean
  readonly tenant: string | null
  /** Name of the upstream that would get it; `null` unless it passes. */
  readonly upstream: string | null
  /** Who is calling, as the decision sees it; `null` unless it passes by a decision. */
  readonly caller: 'established' | 'anonymous' | 'unverified' | null
  readonly refusal: ExplainedRefusal | null
  readonly steps: readonly TraceStep[]
}

export interface ExplainedRefusal {
  readonly reason: RefusalReason
  /** Which rule or claim it was, where the reason does not say; never a value. */
  readonly detail: string | null
  /** What the client is told. */
  readonly code: AuthErrorCode
  readonly status: number
  readonly meaning: string
  /** What to do about it. */
  readonly advice: string
  /** Of a limit; `null`: no limit refused it. */
  readonly retryAfterSeconds: number | null
}

/** A refusal that was answered, as the admin listener tells of it. */
export interface AnsweredRefusal extends Omit<RecentRefusal, 'atMs'> {
  /** An instant. */
  readonly at: string
  readonly meaning: string
  readonly advice: string
}

export function answeredRefusal({ atMs, ...refusal }: RecentRefusal): AnsweredRefusal {
  const { meaning, advice } = explainedRefusal(refusal)
  return { at: new Date(atMs).toISOString(), ...refusal, meaning, advice }
}

export function explainedRefusal(
  { reason, detail }: { readonly reason: RefusalReason; readonly detail: string | null },
  retryAfterSeconds: number | null = null,
): ExplainedRefusal {
  const { code, meaning } = REFUSAL_REASONS[reason]
  const { status } = AUTH_ERRORS[code]
  return {
    reason,
    detail,
    code,
    status,
    meaning,
    advice: REFUSAL_ADVICE[reason],
    retryAfterSeconds,
  }
}
