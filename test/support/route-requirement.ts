/** What a route requires of an identity, as the configuration gives it: nothing, unless said. */
import type { RouteRequirement } from '../../src/decision/authorize.ts'

export function requirementOf(part: Partial<RouteRequirement> = {}): RouteRequirement {
  return {
    scopesAll: [],
    scopesAny: [],
    rolesAll: [],
    rolesAny: [],
    claims: [],
    issuers: [],
    ...part,
  }
}
