/** Parses URLs that a route gives to clients. */
import { canonicalPath, isAcceptableQuery } from './canonical-path.ts'
import { httpUrl } from './http-url.ts'

/**
 * A resource identifier (RFC 9728 §1.2), as written, without a query; `null` when it is none. Its
 * path must be what a request for its metadata has once the gateway has read it.
 */
export function resourceUrl(value: string): string | null {
  const written = value.includes('?') ? null : httpUrl(value)
  if (written === null) return null
  const slash = written.indexOf('/', written.indexOf('//') + 2)
  const path = slash === -1 ? '/' : written.slice(slash)
  return new URL(written).pathname === path && canonicalPath(path) === path ? written : null
}

/** An absolute URL, or an absolute path with or without a query, as written. */
export function pageUrl(value: string): string | null {
  if (!value.startsWith('/')) return httpUrl(value)
  const mark = value.indexOf('?')
  const [path, query] = mark === -1 ? [value, ''] : [value.slice(0, mark), value.slice(mark + 1)]
  // Not a second slash: browsers would take what follows for a host.
  return canonicalPath(path) === path && isAcceptableQuery(query) ? value : null
}
