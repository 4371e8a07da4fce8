/** What tenants may be called, what they may name, and the patterns that find them. */

/**
 * Lower case only, and short enough for a label of a host name (RFC 1035 §2.3.4), so that a tenant
 * has one spelling wherever it is named.
 */
export const TENANT_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

export const TENANT_NAME_PROBLEM =
  'must start with a to z or 0 to 9 and consist of these, _ and -, 63 at most'

/** The name, or `null`. Upper case is refused, not folded: see resolve-tenant.ts. */
export function parseTenantName(value: string): string | null {
  return TENANT_NAME.test(value) ? value : null
}

/** Stands for the tenant in a pattern. */
export const TENANT_PLACE = '{tenant}'

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const SUBDOMAIN_PATTERN = new RegExp(`^\\{tenant\\}(?:\\.${LABEL})+$`)
/** A host name has at most 253 characters, of which a tenant may take 63. */
const SUBDOMAIN_SUFFIX_LENGTH_MAX = 190

export const SUBDOMAIN_PATTERN_PROBLEM =
  'must be {tenant}. and a host name without port, such as {tenant}.api.example.com'

/** The pattern with its host in lower case, or `null`. The tenant is one whole label, the first. */
export function parseSubdomainPattern(value: string): string | null {
  const pattern = value.startsWith(TENANT_PLACE) ? value.toLowerCase() : value
  if (pattern.length > TENANT_PLACE.length + SUBDOMAIN_SUFFIX_LENGTH_MAX) return null
  return SUBDOMAIN_PATTERN.test(pattern) ? pattern : null
}

/**
 * Whether a host of one pattern is read by the other as well, but as another tenant: with
 * `{tenant}.example.com` and `{tenant}.api.example.com` no host below the second would ever do.
 *
 * @param first A checked pattern, as the second.
 */
export function areSubdomainPatternsNested(first: string, second: string): boolean {
  const one = first.slice(TENANT_PLACE.length)
  const other = second.slice(TENANT_PLACE.length)
  return one !== other && (one.endsWith(other) || other.endsWith(one))
}

/** Unreserved (RFC 3986 §2.3): these have one spelling in a canonical path. `*`: one segment. */
const PATH_SEGMENT = /^(?:[A-Za-z0-9\-._~]+|\*)$/
const DOTS_ONLY = /^\.{1,2}$/
const PATH_PATTERN_END = `/${TENANT_PLACE}/*`
const PATH_PATTERN_LENGTH_MAX = 1_024

export const PATH_PATTERN_PROBLEM =
  'must start with / and end in /{tenant}/*, such as /tenants/{tenant}/*; segments before that ' +
  'are letters, digits and -._~, or * for any one'

/**
 * The pattern, or `null`. Nothing may follow the tenant but the rest of the path: a pattern for
 * only some paths below a tenant would leave it to the upstream to find the tenant in the others.
 */
export function parsePathPattern(value: string): string | null {
  if (value.length > PATH_PATTERN_LENGTH_MAX || !value.endsWith(PATH_PATTERN_END)) return null
  const before = value.slice(0, -PATH_PATTERN_END.length)
  if (before === '') return value
  if (!before.startsWith('/')) return null
  const segments = before.slice(1).split('/')
  const isGood = segments.every((segment) => PATH_SEGMENT.test(segment) && !DOTS_ONLY.test(segment))
  return isGood ? value : null
}

/** What a tenant may name: an issuer or an upstream of the configuration. */
export const CONFIGURED_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
