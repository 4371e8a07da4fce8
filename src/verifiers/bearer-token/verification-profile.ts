/** What a route accepts as a bearer token, and the key under which such verdicts are shared. */
import { assertInvariant } from '../../runtime/assert-invariant.ts'
import { IN_FLIGHT_WAIT_MS_MAX } from '../../token-cache/in-flight.ts'
import { profileKey } from '../../token-cache/token-digest.ts'
import { compileJwtProfile, type JwtIssuerPolicy, type JwtProfile } from '../jwt/jwt-verifier.ts'
import type { IntrospectionRule, TokenProfile } from './token-authenticator.ts'

export interface TokenRules {
  /** Issuers whose JWTs are verified here; `null`: JWTs are like any other token. */
  readonly jwt: readonly JwtIssuerPolicy[] | null
  readonly introspection: IntrospectionRules | null
  /** Longest that the answer of an issuer takes, in ms; says nothing about what is accepted. */
  readonly answerMsMax: number
}

interface IntrospectionRules extends Omit<IntrospectionRule, 'staleKey' | 'knownKey' | 'signed'> {
  /** Whether JWTs of the issuer, which is one of `jwt`, are asked about as well. */
  readonly asksAboutJwts: boolean
}

/** On top of an answer's time: what a busy machine needs to take it in. */
const SETTLING_MS = 1_000

/**
 * Compiles the rules of a route. Routes that accept the same issuers under the same rules share
 * a key, and so do configurations before and after a reload: the key is made of all the rules, in
 * whatever order they were written.
 */
export function compileTokenProfile({ jwt, introspection, answerMsMax }: TokenRules): TokenProfile {
  const description = JSON.stringify(canonical({ jwt, introspection }))
  return {
    key: profileKey(description),
    jwt: jwt === null ? null : compileJwtProfile(jwt),
    introspection: introspection && {
      ...introspection,
      signed: introspection.asksAboutJwts ? signedProfile(jwt ?? [], introspection.policy) : null,
      staleKey: profileKey(`stale ${JSON.stringify(canonical(introspection))}`),
      knownKey: profileKey(`known ${JSON.stringify(canonical(introspection))}`),
    },
    settlesWithinMs: Math.max(IN_FLIGHT_WAIT_MS_MAX, answerMsMax + SETTLING_MS),
  }
}

/** What a JWT must be like for its issuer to be asked about it. */
function signedProfile(
  policies: readonly JwtIssuerPolicy[],
  { name }: { readonly name: string },
): JwtProfile {
  const own = policies.filter((policy) => policy.name === name)
  assertInvariant(own.length === 1, 'only JWTs that can be verified are asked about')
  return compileJwtProfile(own.map((policy) => ({ ...policy, isPartial: true })))
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
