/** What native code must be able to do for us: check one signature with one key. */
import type { JwsAlgorithm } from '../../protocol/jws-algorithms.ts'

/**
 * - `good`, `bad`: the signature was checked.
 * - `failed`: it could not be checked (unusable key, an error inside native code): undecided.
 */
export type SignatureVerdict = 'good' | 'bad' | 'failed'

/** Checks signatures of one key with one algorithm; holds what native code keeps for it. */
export interface SignatureVerifier {
  /**
   * Checks the *signature only*: header and claims are the caller's business.
   *
   * @param token Compact serialization that compact-jws.ts accepted.
   */
  verify(token: string): SignatureVerdict
}

/** Native key text, and the one algorithm for which it may be used. Structured-clone safe. */
export type SignatureKey =
  | { readonly algorithm: JwsAlgorithm; readonly kind: 'public'; readonly spkiPem: string }
  | { readonly algorithm: JwsAlgorithm; readonly kind: 'secret'; readonly secret: Uint8Array }

/** The verdict of a verifier that could not be made: its key does not fit its algorithm. */
export const UNUSABLE_KEY: SignatureVerifier = { verify: () => 'failed' }
