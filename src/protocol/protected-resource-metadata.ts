/** The metadata of a protected resource (RFC 9728): where it is found, and what it says. */

const WELL_KNOWN_PATH = '/.well-known/oauth-protected-resource'

/** Where credentials are looked for; names of headers are lower case. */
export type BearerSource =
  | { readonly kind: 'header'; readonly name: string; readonly scheme: string | null }
  | { readonly kind: 'cookie'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }

export interface ProtectedResource {
  /** The resource identifier: an absolute URL without query and fragment. */
  readonly resource: string
  /** Issuer identifiers. */
  readonly issuers: readonly string[]
  readonly scopes: readonly string[]
  readonly sources: readonly BearerSource[]
}

/**
 * The path of the metadata (§3.1): the well-known one goes between the host and the path of the
 * resource, and a slash that follows the host goes.
 *
 * @param resource An absolute URL.
 */
export function metadataPath(resource: string): string {
  const { pathname } = new URL(resource)
  return pathname === '/' ? WELL_KNOWN_PATH : `${WELL_KNOWN_PATH}${pathname}`
}

/** The URL of the metadata, for challenges (§5.1). */
export function metadataUrl(resource: string): string {
  return `${new URL(resource).origin}${metadataPath(resource)}`
}

/** The host of the resource as requests name it: in lower case, without port and final dot. */
export function resourceHost(resource: string): string {
  return new URL(resource).hostname.replace(/\.$/, '')
}

/**
 * Renders the document (§2, §3.2). What would be an empty list is left out, as §3.2 asks.
 *
 * Authorization servers are found by their URL (RFC 8414 §3): an issuer whose name is none is left
 * out. Bearer methods are those of RFC 6750 §2 alone, because a client knows no name but theirs: a
 * header or a parameter of another name is not announced.
 */
export function protectedResourceMetadata(described: ProtectedResource): string {
  const { resource, issuers, scopes, sources } = described
  const members: Readonly<Record<string, readonly string[]>> = {
    authorization_servers: distinct(issuers.filter((issuer) => /^https?:\/\//i.test(issuer))),
    scopes_supported: distinct(scopes),
    bearer_methods_supported: distinct(sources.flatMap(bearerMethod)),
  }
  const there = Object.entries(members).filter(([, list]) => list.length > 0)
  return JSON.stringify({ resource, ...Object.fromEntries(there) })
}

function bearerMethod(source: BearerSource): readonly string[] {
  if (source.kind === 'query') return source.name === 'access_token' ? ['query'] : []
  const isStandard =
    source.kind === 'header' &&
    source.name === 'authorization' &&
    source.scheme?.toLowerCase() === 'bearer'
  return isStandard ? ['header'] : []
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
