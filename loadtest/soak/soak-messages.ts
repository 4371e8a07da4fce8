/** What the soak tells its client process while it runs, and what that reports. */
import type { CredentialKind } from '../scenario.ts'
import type { AnswerCount, Phase } from './phases.ts'

export type SoakOrder =
  /** More credentials to send: each is sent soon, and later in turn with the others. */
  | { readonly type: 'credentials'; readonly kind: CredentialKind; readonly texts: string[] }
  /** Answers belong to this phase from now on. Reported at once. */
  | { readonly type: 'phase'; readonly phase: Phase }
  /** Requests that become due each second; `null`: the next as soon as an answer is there. */
  | { readonly type: 'rate'; readonly rate: number | null }
  /** The last: it reports once more, and ends. */
  | { readonly type: 'end' }

/** What was answered since the last report, in one phase. */
export interface SoakReport {
  readonly phase: Phase
  /** Since the last report. */
  readonly seconds: number
  readonly answers: readonly AnswerCount[]
  /** Of the phase in all of its occurrences so far. */
  readonly latency: PhaseLatency
  /** Requests that wait for a connection of the client. */
  readonly waiting: number
  /** Whether this answers an order of the type `phase`. */
  readonly isNewPhase: boolean
}

/** Of all answers, refusals too: from when the request was due, in ms. */
export interface PhaseLatency {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly worstMs: number
  /** The longest time in which the client itself did not run: it is part of the others. */
  readonly clientPauseMs: number
}
