/** What the owner of the keys tells a thread that has met an unknown `kid`. */
import type { UnknownKeyOutcome } from './key-set.ts'

/** Structured-clone safe: it travels between threads. Durations, because instants do not. */
export interface UnknownKeyAnswer {
  readonly outcome: UnknownKeyOutcome
  /**
   * For so long *every* unknown `kid` of this issuer may be given the same outcome without asking
   * again, unless a new key set arrives: a flood of random ones costs one message.
   */
  readonly quietForMs: number
  /** The same for this one `kid`. */
  readonly keyQuietForMs: number
}
