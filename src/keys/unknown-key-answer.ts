/** What the owner of the keys tells a thread whose key set did not settle a token. */
import type { UnknownKeyOutcome } from './key-set.ts'

/** Structured-clone safe: it travels between threads. Durations, because instants do not. */
export interface UnknownKeyAnswer {
  readonly outcome: UnknownKeyOutcome
  /** Whether the set was fetched for this question: that settles every other one asked before. */
  readonly isFetched: boolean
  /** Whether the last fetch failed: what we lack may well be published. */
  readonly isFailing: boolean
  /**
   * For so long no fetch is allowed: a `kid` that was not asked about before, or a bad signature,
   * stays undecided unless a new key set arrives. A flood of them costs one message.
   */
  readonly quietForMs: number
  /** For so long this one `kid` is known to be unknown. */
  readonly keyQuietForMs: number
}
