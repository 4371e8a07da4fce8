/** What a route accepts as proof, and the key under which verdicts about that are shared. */
import { type ProfileKey, profileKey } from '../token-cache/token-digest.ts'
import {
  compileJwtProfile,
  type JwtIssuerPolicy,
  type JwtProfile,
} from '../verifiers/jwt/jwt-verifier.ts'

export interface VerificationProfile {
  readonly key: ProfileKey
  readonly issuers: JwtProfile
}

/**
 * Compiles the issuers of a route. Routes that accept the same issuers under the same rules share
 * a key, and so do configurations before and after a reload: the key is made of all the rules, in
 * whatever order they were written.
 */
export function compileVerificationProfile(
  policies: readonly JwtIssuerPolicy[],
): VerificationProfile {
  const descriptions = policies.map((policy) => JSON.stringify(canonical(policy))).sort(byText)
  return {
    key: profileKey(JSON.stringify(descriptions)),
    issuers: compileJwtProfile(policies),
  }
}

/** Members by name, lists without order: for all settings of an issuer, order says nothing. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical).sort(byText)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => [name, canonical(member)] as const)
  return Object.fromEntries(members.sort(([left], [right]) => (left < right ? -1 : 1)))
}

function byText(left: unknown, right: unknown): number {
  return String(left) < String(right) ? -1 : 1
}
