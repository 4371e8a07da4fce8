/** The documents that a gateway serves at fixed paths, from its configuration. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { documentEndpoint } from '../gateway/answer-well-known.ts'
import type { MainEndpoint } from '../gateway/main-endpoint.ts'
import { issuersOf as concreteIssuers } from '../protocol/issuer-template.ts'
import {
  metadataPath,
  protectedResourceMetadata,
  resourceHost,
} from '../protocol/protected-resource-metadata.ts'

export function composeWellKnown(configuration: GatewayConfiguration): readonly MainEndpoint[] {
  const { routes, issuers } = configuration
  const resources = new Set(routes.flatMap(({ resource }) => (resource === null ? [] : [resource])))
  return [...resources].map((resource) => {
    const described = routes.filter((route) => route.resource === resource)
    const body = protectedResourceMetadata({
      resource,
      issuers: described.flatMap((route) => issuersOf(route, issuers)),
      scopes: described.flatMap(({ require }) => [...require.scopesAll, ...require.scopesAny]),
      sources: described.flatMap(({ credentials }) => credentials),
    })
    return documentEndpoint(metadataPath(resource), resourceHost(resource), body)
  })
}

/** Issuers whose tokens the route can verify, unless they are any of a provider. */
function issuersOf(
  { issuers: accepted, authenticators }: RouteConfiguration,
  issuers: readonly IssuerConfiguration[],
): readonly string[] {
  return issuers
    .filter(({ name }) => accepted.includes(name))
    .filter(({ keys, introspection }) => {
      const isVerified = authenticators.includes('jwt') && keys.kind !== 'none'
      return isVerified || (authenticators.includes('introspection') && introspection !== null)
    })
    .flatMap(({ issuer, placeholder }) => concreteIssuers(issuer, placeholder) ?? [])
}
