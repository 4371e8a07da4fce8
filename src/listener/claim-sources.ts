/** Which parts of an identity a configuration uses, and where each issuer has them. */
import type { ClaimsConfiguration } from '../config/sections/issuers/claims.ts'
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import { takesTokens } from '../config/sections/routes/takes-tokens.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { type ClaimSources, claimSource, type SourcedPart } from '../protocol/claim-source.ts'
import { byPart, IDENTITY_PARTS, type PartName } from '../protocol/identity-parts.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'
import type { RecordUse } from '../protocol/stored-user.ts'
import { keptPathsFor } from './kept-paths.ts'

const ROLES_HEADER = IDENTITY_PARTS.find(({ name }) => name === 'roles')?.header

/** Where the tokens of an issuer have what, and which of it is used. */
export function composeClaimSources(
  { name, claims }: IssuerConfiguration,
  configuration: GatewayConfiguration,
): ClaimSources {
  const routes = configuration.routes.filter((route) => takesTokensOf(name, route))
  const sourceOf = (part: SourcedPart) => {
    const found: ClaimsConfiguration[SourcedPart] = claims[part]
    if (found === null) return null
    return claimSource(part, found.places, {
      isUsed: routes.some(({ identity }) => isTold(part, identity, configuration)),
      isExpected: !found.isDefault || routes.some((route) => isRequired(part, route)),
    })
  }
  return {
    subject: claimSource('subject', claims.subject.places, { isUsed: true, isExpected: true }),
    clientId: sourceOf('clientId'),
    ...byPart(({ name: part }) => sourceOf(part)),
  }
}

/**
 * The same for records, of the routes that take such a credential. A part is used as well where the
 * configuration names another place of it than the default.
 */
export function composeRecordUse(
  kind: 'session' | 'apiKey',
  configuration: GatewayConfiguration,
  keptPaths: readonly KeptPath[],
): RecordUse {
  const { sessions } = configuration
  const hasPointers = kind === 'session' && sessions?.format === 'express-session'
  const takes = ({ authenticators }: RouteConfiguration) => authenticators.includes(kind)
  const routes = configuration.routes.filter(takes)
  return {
    parts: byPart(({ name, record }) => {
      const isPlaced = hasPointers && sessions.pointers[name] !== `/${record}`
      return isPlaced || routes.some((route) => isNeeded(name, route, configuration))
    }),
    keptPaths: keptPathsFor(keptPaths, configuration, takes),
  }
}

function isNeeded(
  part: PartName,
  route: RouteConfiguration,
  configuration: GatewayConfiguration,
): boolean {
  return isRequired(part, route) || isTold(part, route.identity, configuration)
}

/**
 * The issuers of a list, as a set: with a thousand issuers and as many routes, a search of each
 * list for each issuer takes seconds. Routes that take all issuers have one list.
 */
const issuerSets = new WeakMap<readonly string[], ReadonlySet<string>>()

/** Whether tokens of the issuer, by its name, are credentials on the route. */
export function takesTokensOf(
  issuer: string,
  { authenticators, issuers }: Pick<RouteConfiguration, 'authenticators' | 'issuers'>,
): boolean {
  const names = issuerSets.get(issuers) ?? new Set(issuers)
  issuerSets.set(issuers, names)
  return names.has(issuer) && takesTokens(authenticators)
}

/** Whether a rule of the route, or its tenant, rests on a part. */
function isRequired(part: SourcedPart, { require, tenant }: RouteConfiguration): boolean {
  if (require.claims.some(({ claim }) => claim === part)) return true
  if (part === 'scopes') return require.scopesAll.length + require.scopesAny.length > 0
  if (part === 'roles') return require.rolesAll.length + require.rolesAny.length > 0
  return part === 'tenant' && tenant !== 'none'
}

/**
 * Whether the upstream relies on being told of a part. Not of roles that only the defaults send:
 * issuers write them in every shape, and no right follows from having none.
 */
function isTold(
  part: SourcedPart,
  strategy: RouteConfiguration['identity'],
  { identity: { headers } }: GatewayConfiguration,
): boolean {
  if (part === 'subject') return true
  if (strategy === 'pass-through') return false
  const header = headers[part]
  if (part === 'roles') {
    return strategy === 'headers' && header !== null && header !== ROLES_HEADER
  }
  return strategy === 'internal-token' || header !== null
}
