/**
 * What a bearer token says of itself before anybody has verified it: only to decide who is to
 * verify it, and who must not even see it.
 */
import { parseClaims } from './claims.ts'
import { parseJsonObject } from './strict-json.ts'

export type ClaimedIssuer =
  /** No JWT, or one that does not say whose it is. */
  | { readonly kind: 'none' }
  /** A JWT without a signature (RFC 7518 §3.6): it has no issuer, whatever it claims. */
  | { readonly kind: 'unsecured' }
  | { readonly kind: 'issuer'; readonly issuer: string }

const NONE: ClaimedIssuer = Object.freeze({ kind: 'none' })
const UNSECURED: ClaimedIssuer = Object.freeze({ kind: 'unsecured' })

/**
 * The outer form of a JWS, read generously: also without a signature, and in the alphabet of plain
 * base64. A JWE has five segments and says nothing to us. Linear: no class contains the dot.
 */
const JWS_FORM = /^[A-Za-z0-9_+/-]+\.[A-Za-z0-9_+/-]+\.[A-Za-z0-9_+/-]*=*$/

/**
 * Reads `alg` and `iss`. Much that is no good JWT is read here as well, so that it is recognised.
 * Does *not* verify anything: a token that calls itself somebody's is not.
 */
export function claimedIssuer(token: string): ClaimedIssuer {
  if (!JWS_FORM.test(token)) return NONE
  const headerEnd = token.indexOf('.')
  const payloadEnd = token.indexOf('.', headerEnd + 1)
  const algorithm = parseJsonObject(token.slice(0, headerEnd))?.['alg']
  if (typeof algorithm !== 'string') return NONE
  const hasSignature = payloadEnd + 1 < token.length
  if (algorithm.toLowerCase() === 'none' || !hasSignature) return UNSECURED
  const issuer = parseClaims(token.slice(headerEnd + 1, payloadEnd))?.['iss']
  return typeof issuer === 'string' ? { kind: 'issuer', issuer } : NONE
}
