/** Tells a trace what a route requires of a caller that is known, and what that caller has. */
import { counted, listed, quoted, type Trace } from '../protocol/trace.ts'
import type { Identity } from '../protocol/verification.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { authorize, type RouteRequirement } from './authorize.ts'
import { type ClaimRequirement, type ComparedFacts, satisfiesClaim } from './require-claims.ts'

const NOTHING: RouteRequirement = {
  scopesAll: [],
  scopesAny: [],
  rolesAll: [],
  rolesAny: [],
  claims: [],
  issuers: [],
}

export function tellRevocation(trace: Trace, isRevoked: boolean): void {
  const text = isRevoked ? 'a revocation covers the credential' : 'not revoked, as far as is known'
  trace.tell('revocation', isRevoked ? 'no' : 'ok', text)
}

/** @param served The tenant to serve, once the credential is matched with it. */
export function tellPolicy(
  trace: Trace,
  identity: Identity,
  required: RouteRequirement,
  facts: ComparedFacts,
  served: Tenant | null,
): void {
  if (served !== null) trace.tell('tenant', 'ok', `serves ${quoted(served.id)}`)
  const { scopesAll, scopesAny, rolesAll, rolesAny, issuers, claims } = required
  const parts = [
    ['all scopes', scopesAll, identity.scopes, { scopesAll }],
    ['one of the scopes', scopesAny, identity.scopes, { scopesAny }],
    ['all roles', rolesAll, identity.roles, { rolesAll }],
    ['one of the roles', rolesAny, identity.roles, { rolesAny }],
    ['one of the issuers', issuers, [identity.issuer], { issuers }],
  ] as const
  let isAnyRequired = claims.length > 0
  for (const [what, needed, held, part] of parts) {
    if (needed.length === 0) continue
    isAnyRequired = true
    // The same check as that of requests, for this part alone.
    const isGood = authorize(identity, { ...NOTHING, ...part }, facts) === null
    const missing = needed.filter((name) => !held.includes(name))
    const lacks = isGood || missing.length === needed.length ? '' : `; lacks ${listed(missing)}`
    const text = `${what} ${listed(needed)}; held: ${heldText(trace, held)}${lacks}`
    trace.tell('policy', isGood ? 'ok' : 'no', text)
  }
  for (const claim of claims) {
    const isGood = satisfiesClaim(identity, claim, facts)
    const found = trace.shown(foundValue(identity, claim))
    trace.tell('policy', isGood ? 'ok' : 'no', `${ruleText(claim)}; found: ${found}`)
  }
  if (!isAnyRequired) trace.tell('policy', 'note', 'the route requires nothing of a known caller')
}

/** Of a list the count at least: none at all is what a missing claim mapping looks like. */
function heldText(trace: Trace, held: readonly string[]): string {
  if (held.length === 0) return 'none'
  const shown = trace.shown(held)
  return shown.startsWith('present') ? counted(held.length, 'value') : shown
}

/** What the rule compares: a list, one value, or nothing. */
function foundValue(identity: Identity, { claim, place }: ClaimRequirement): unknown {
  if (claim !== null) return identity[claim]
  const kept = identity.claims[place] ?? null
  if (kept === null) return undefined
  // An object is compared with nothing: that it is one is all that is told.
  if (kept.texts === null) return {}
  return kept.isList ? kept.texts : kept.texts[0]
}

function ruleText(rule: ClaimRequirement): string {
  const { name, values, pattern, header, segment } = rule
  if (pattern !== '') return `${name} like ${quoted(pattern)}`
  if (header !== '') return `${name} is that of the one header ${header}`
  if (values === null) return `${name} is segment ${segment + 1} of the path, spelled plainly`
  if (rule.isByWord) return `${name} contains ${listed(values)}`
  return `${name} ${values.length === 1 ? 'is' : 'is one of'} ${listed(values)}`
}
