/** What a route requires of a caller beyond a good credential. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { ClaimRequirementSettings } from '../config/sections/routes/requirements.ts'
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import type { RouteRequirement } from '../decision/authorize.ts'
import {
  type ClaimComparison,
  compileClaimRule,
  type RequiredClaim,
} from '../decision/require-claims.ts'
import { issuersOf } from '../protocol/issuer-template.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'
import { pathParameters } from '../routing/route-grammar.ts'
import { placeOf } from './kept-paths.ts'

/** @param kept What is kept of each credential's claims. */
export function composeRequirement(
  { require, match }: RouteConfiguration,
  issuers: readonly IssuerConfiguration[],
  kept: readonly KeptPath[],
): RouteRequirement {
  const parameters = pathParameters(match.path)
  return {
    ...require,
    claims: require.claims.map((claim, index) => {
      const rule = { ...requiredClaim(claim, kept), ...comparison(claim, parameters) }
      return compileClaimRule(rule, `require.claims[${index}]`)
    }),
    issuers: issuers
      .filter(({ name }) => require.issuers.includes(name))
      .flatMap(({ issuer, placeholder }) => issuersOf(issuer, placeholder) ?? []),
  }
}

/** The configuration has made sure that there is exactly one of the two. */
function requiredClaim(
  { claim, path }: ClaimRequirementSettings,
  kept: readonly KeptPath[],
): RequiredClaim {
  if (claim !== null) return { claim }
  const name = path?.text ?? ''
  return { path: name, place: placeOf(kept, name) }
}

/**
 * The configuration has made sure that there is exactly one way.
 *
 * @param parameters Names of path parameters, by the places of their segments.
 */
function comparison(
  rule: ClaimRequirementSettings,
  parameters: readonly (string | null)[],
): ClaimComparison {
  const { equals, oneOf, contains, equalsHeader, equalsPathParameter } = rule
  if (equals !== null) return { equals }
  if (oneOf !== null) return { oneOf }
  if (contains !== null) return { contains }
  if (equalsHeader !== null) return { equalsHeader }
  if (equalsPathParameter === null) return { matches: rule.matches ?? '' }
  return { equalsSegment: parameters.indexOf(equalsPathParameter) }
}
