/** What every way of checking a credential looks like to those who ask for it. */
import type { Trace } from '../protocol/trace.ts'
import type { Verification } from '../protocol/verification.ts'

/**
 * Checks credentials of one kind.
 *
 * The profile says what is acceptable here (issuers, audiences); it is compiled from configuration
 * and passed in, so that a reload swaps profiles and keeps verifiers.
 */
export interface Verifier<Profile> {
  /**
   * Verifies one credential. Resolves in bounded time and never rejects: what cannot be decided is
   * `verifier_unavailable` or `overloaded`.
   *
   * The verdict holds at `nowSeconds`. A cache that keeps it checks `deadAtSeconds` and the key's
   * generation at each use.
   *
   * @param trace Where the request is only explained, `null` otherwise.
   */
  verify(
    credential: string,
    profile: Profile,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<Verification>
}
