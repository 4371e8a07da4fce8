/**
 * Decides whether an established identity may use a route. Runs on every request, cached verdict
 * or not: a cached decision is about the token, never about a route.
 */
import { type Identity, type Refused, refuse } from '../protocol/verification.ts'
import { type ClaimRequirement, type ComparedFacts, satisfiesClaim } from './require-claims.ts'

/** What a route requires. Empty lists require nothing. */
export interface RouteRequirement {
  readonly scopesAll: readonly string[]
  readonly scopesAny: readonly string[]
  readonly rolesAll: readonly string[]
  readonly rolesAny: readonly string[]
  /** Every one of these. */
  readonly claims: readonly ClaimRequirement[]
  /** `iss` values, one of which is needed. A session and an API key have none. */
  readonly issuers: readonly string[]
}

/**
 * Hot path: `null` when the identity satisfies the route, else why it does not. Scopes and
 * roles are compared exactly (RFC 6749 §3.3: case-sensitive), and so are issuers (RFC 7519 §4.1.1).
 */
export function authorize(
  identity: Identity,
  requirement: RouteRequirement,
  facts: ComparedFacts,
): Refused | null {
  const { scopes, roles, issuer } = identity
  const { scopesAll, scopesAny, rolesAll, rolesAny, issuers, claims } = requirement
  if (!hasAll(scopes, scopesAll) || !hasAny(scopes, scopesAny)) return refuse('scope_missing')
  if (!hasAll(roles, rolesAll) || !hasAny(roles, rolesAny)) return refuse('role_missing')
  if (!isOneOf(issuer, issuers)) return refuse('issuer_not_permitted')
  return unsatisfied(identity, claims, facts)
}

function hasAll(held: readonly string[], required: readonly string[]): boolean {
  for (let index = 0; index < required.length; index += 1) {
    if (!held.includes(required[index] ?? '')) return false
  }
  return true
}

function hasAny(held: readonly string[], accepted: readonly string[]): boolean {
  if (accepted.length === 0) return true
  for (let index = 0; index < accepted.length; index += 1) {
    if (held.includes(accepted[index] ?? '')) return true
  }
  return false
}

function isOneOf(value: string, accepted: readonly string[]): boolean {
  return accepted.length === 0 || accepted.includes(value)
}

/** The refusal of the first requirement that is not satisfied; `null`: all are. */
function unsatisfied(
  identity: Identity,
  requirements: readonly ClaimRequirement[],
  facts: ComparedFacts,
): Refused | null {
  for (let index = 0; index < requirements.length; index += 1) {
    const requirement = requirements[index] as ClaimRequirement
    if (!satisfiesClaim(identity, requirement, facts)) return requirement.refusal
  }
  return null
}
