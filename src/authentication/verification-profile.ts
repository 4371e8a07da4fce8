/** What a route accepts as a bearer token, and the key under which such verdicts are shared. */
import { profileKey } from '../token-cache/token-digest.ts'
import { compileJwtProfile, type JwtIssuerPolicy } from '../verifiers/jwt/jwt-verifier.ts'
import type { IntrospectionRule, TokenProfile } from './token-authenticator.ts'

export interface TokenRules {
  /** Issuers whose JWTs are verified here; `null`: JWTs are like any other token. */
  readonly jwt: readonly JwtIssuerPolicy[] | null
  readonly introspection: Omit<IntrospectionRule, 'staleKey' | 'knownKey'> | null
}

/**
 * Compiles the rules of a route. Routes that accept the same issuers under the same rules share
 * a key, and so do configurations before and after a reload: the key is made of all the rules, in
 * whatever order they were written.
 */
export function compileTokenProfile({ jwt, introspection }: TokenRules): TokenProfile {
  const description = JSON.stringify(canonical({ jwt, introspection }))
  return {
    key: profileKey(description),
    jwt: jwt === null ? null : compileJwtProfile(jwt),
    introspection: introspection && {
      ...introspection,
      staleKey: profileKey(`stale ${JSON.stringify(canonical(introspection))}`),
      knownKey: profileKey(`known ${JSON.stringify(canonical(introspection))}`),
    },
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
  const texts = [left, right].map((value) => JSON.stringify(value))
  return (texts[0] ?? '') < (texts[1] ?? '') ? -1 : 1
}
