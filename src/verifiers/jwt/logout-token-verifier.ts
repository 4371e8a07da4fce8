/**
 * Verifies logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.6): form, header, claims, key,
 * signature. On the thread that asks: logouts are rare.
 *
 * Does *not* check whether the token was seen before: that is for whoever acts upon it.
 */
import type { KeySource } from '../../keys/key-set.ts'
import { parseClaims } from '../../protocol/claims.ts'
import { parseCompactJws } from '../../protocol/compact-jws.ts'
import type { JwsAlgorithm } from '../../protocol/jws-algorithms.ts'
import { type ProtectedHeader, parseProtectedHeader } from '../../protocol/protected-header.ts'
import {
  checkLogoutToken,
  type LogoutToken,
  type LogoutTokenPolicy,
  type LogoutTokenRefusal,
} from '../../revocation/logout-token.ts'
import { findKeys, hasFittingSignature, isUsable } from './jwt-verifier.ts'
import { createOpensslVerifier } from './openssl-backend.ts'

/** What one issuer's logout tokens must look like. */
export interface LogoutIssuer extends LogoutTokenPolicy {
  /** Name in the configuration: keys are found under it. */
  readonly name: string
  readonly algorithms: readonly JwsAlgorithm[]
}

/** - `keys_unavailable`: nothing can be decided now; the others stay true. */
export type LogoutRefusal =
  | LogoutTokenRefusal
  | 'malformed'
  | 'unknown_issuer'
  | 'wrong_algorithm'
  | 'wrong_type'
  | 'unknown_key'
  | 'bad_signature'
  | 'keys_unavailable'

export type LogoutVerification<Issuer extends LogoutIssuer> =
  | { readonly ok: true; readonly token: LogoutToken; readonly issuer: Issuer }
  | { readonly ok: false; readonly reason: LogoutRefusal }

/** §2.4 asks for `logout+jwt`, which older providers do not send. */
const TYPES: readonly (string | null)[] = ['logout+jwt', 'jwt', null]

export class LogoutTokenVerifier<Issuer extends LogoutIssuer> {
  readonly #issuers: ReadonlyMap<string, Issuer>
  readonly #keys: KeySource

  constructor(issuers: readonly Issuer[], keys: KeySource) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
    this.#keys = keys
  }

  async verify(text: string, nowSeconds: number): Promise<LogoutVerification<Issuer>> {
    const jws = parseCompactJws(text)
    const header = jws && parseProtectedHeader(jws.protectedHeader)
    if (jws === null || header === null) return refused('malformed')
    if (!hasFittingSignature(jws, header)) return refused('bad_signature')
    const claims = parseClaims(jws.payload)
    if (claims === null) return refused('malformed')
    // The unverified `iss` only selects who would have to have signed this.
    const named = claims['iss']
    const issuer = typeof named === 'string' ? this.#issuers.get(named) : undefined
    if (issuer === undefined) return refused('unknown_issuer')
    if (!issuer.algorithms.includes(header.algorithm)) return refused('wrong_algorithm')
    if (!TYPES.includes(header.type)) return refused('wrong_type')
    const token = checkLogoutToken(claims, issuer, nowSeconds)
    if (!token.ok) return token
    const reason = await this.#checkSignature(text, header, issuer.name)
    return reason === null ? { ok: true, token, issuer } : refused(reason)
  }

  /** @returns `null` when it is good. */
  async #checkSignature(
    text: string,
    header: ProtectedHeader,
    issuerName: string,
  ): Promise<LogoutRefusal | null> {
    let keySet = this.#keys.keySet(issuerName)
    if (!isUsable(keySet)) return 'keys_unavailable'
    let found = findKeys(keySet, header)
    if (found === null) {
      const outcome = await this.#keys.resolveUnknownKey(issuerName, header.keyId ?? '')
      if (outcome === 'unavailable') return 'keys_unavailable'
      keySet = this.#keys.keySet(issuerName)
      found = isUsable(keySet) ? findKeys(keySet, header) : null
    }
    if (found === null || !found.ok) return 'unknown_key'
    const isGood = found.keys.some(({ material }) => {
      const verifier = createOpensslVerifier({ ...material, algorithm: header.algorithm })
      return verifier.verify(text) === 'good'
    })
    return isGood ? null : 'bad_signature'
  }
}

function refused(reason: LogoutRefusal): { readonly ok: false; readonly reason: LogoutRefusal } {
  return { ok: false, reason }
}
