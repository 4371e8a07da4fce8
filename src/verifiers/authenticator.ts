/** What is concluded about a credential, and how every way of concluding it is asked. */
import type { Trace } from '../protocol/trace.ts'
import type { Anonymous, Refused } from '../protocol/verification.ts'
import type { CachedVerified } from '../token-cache/token-cache.ts'
import type { DerivedIdentity } from './derived-identity.ts'

/**
 * A verdict, and what has been worked out from it. One object for all requests with the
 * credential, as long as the verdict is cached.
 */
export type EstablishedIdentity = CachedVerified<DerivedIdentity>

/**
 * The introspection endpoint could not be asked, and the operator has decided that such a request
 * goes on without an identity (`onOutage: pass-through`).
 */
export interface Unverified {
  readonly kind: 'unverified'
}

export const UNVERIFIED: Unverified = Object.freeze({ kind: 'unverified' })

export type Verdict = EstablishedIdentity | Refused | Unverified | Anonymous

/** Verifies the credentials of one kind on one route. Does not authorise: see authorize.ts. */
export interface Authenticator {
  /** Hot path: what is already known about the credential, or `null`: then {@link establish}. */
  recall(credential: string, nowSeconds: number): Verdict | null
  /** As {@link recall}, and counts nothing and marks nothing as used. */
  peek(credential: string, nowSeconds: number): Verdict | null
  /**
   * Finds out. Resolves in bounded time, and never rejects for anything that a client sends.
   *
   * @param trace Where the request is only explained: then the credential is verified anew,
   *   whatever is known, and nothing is kept, prolonged or ended. `null` otherwise.
   */
  establish(credential: string, trace: Trace | null): Promise<Verdict>
}
