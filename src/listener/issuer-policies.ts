/** What tokens of each issuer of a configuration must be like. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { ClaimSources } from '../protocol/claim-source.ts'
import { createIssuerTemplate } from '../protocol/issuer-template.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'
import { keySourceOf } from '../threads/key-source.ts'
import type { JwtIssuerPolicy } from '../verifiers/jwt/jwt-verifier.ts'
import { composeClaimSources, takesTokensOf } from './claim-sources.ts'
import { keptPathsFor } from './kept-paths.ts'

/** The same for all routes, so that they share verdicts. By the name of the issuer. */
export function composeIssuerPolicies(
  configuration: GatewayConfiguration,
  keptPaths: readonly KeptPath[],
): ReadonlyMap<string, JwtIssuerPolicy> {
  const { issuers, routes } = configuration
  const isWrittenOut = ({ placeholder }: IssuerConfiguration) => placeholder === null
  const writtenOut = issuers.filter(isWrittenOut).map(({ issuer }) => issuer)
  const keptAudiences = [...new Set(routes.flatMap(({ audiences }) => audiences ?? []))].sort()
  return new Map(
    issuers.map((issuer) => {
      const sources = composeClaimSources(issuer, configuration)
      const takes = (route: RouteConfiguration) => takesTokensOf(issuer.name, route)
      const asked = keptPathsFor(keptPaths, configuration, takes)
      const around = { sources, writtenOut, keptAudiences, keptPaths: asked }
      return [issuer.name, policyOf(issuer, around)]
    }),
  )
}

/** What a policy has from the rest of the configuration. */
interface PolicySurroundings {
  readonly sources: ClaimSources
  /** Issuers without a placeholder: their tokens are never those of another. */
  readonly writtenOut: readonly string[]
  readonly keptAudiences: readonly string[]
  readonly keptPaths: readonly KeptPath[]
}

function policyOf(
  issuer: IssuerConfiguration,
  { sources, writtenOut, keptAudiences, keptPaths }: PolicySurroundings,
): JwtIssuerPolicy {
  return {
    name: issuer.name,
    keySourceId: keySourceOf(issuer),
    issuer: issuer.issuer,
    template: createIssuerTemplate(issuer.issuer, issuer.placeholder, writtenOut),
    audiences: issuer.audiences,
    clientIds: issuer.clientIds,
    keptAudiences,
    acceptsBound: issuer.acceptsBound,
    isPartial: false,
    algorithms: issuer.algorithms,
    types: issuer.types,
    clockToleranceSeconds: issuer.clockToleranceSeconds,
    requiredClaims: issuer.requiredClaims,
    sources,
    acceptsUnverifiedEmail: issuer.acceptsUnverifiedEmail,
    keptPaths,
  }
}
