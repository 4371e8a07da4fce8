/**
 * Request methods: which are taken without being named, which change nothing, and which may be
 * repeated. The one table, after the registry of RFC 9110 §16.1.
 *
 * Methods are case-sensitive (RFC 9110 §9.1): `get` is another one than `GET`.
 */

/** What a route takes that names no methods. */
export const STANDARD_METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
] as const

/** Registered as safe (RFC 9110 §9.2.1), QUERY by its own RFC. */
const SAFE: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'OPTIONS'],
  ...['PROPFIND', 'QUERY', 'REPORT', 'SEARCH'],
])

/** Registered as idempotent (RFC 9110 §9.2.2), beside the safe ones. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  ...SAFE,
  ...['DELETE', 'PUT', 'LINK', 'UNLINK'],
  ...['ACL', 'BASELINE-CONTROL', 'BIND', 'CHECKIN', 'CHECKOUT', 'COPY', 'LABEL', 'MERGE'],
  ...['MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MKREDIRECTREF', 'MKWORKSPACE', 'MOVE', 'ORDERPATCH'],
  ...['PROPPATCH', 'REBIND', 'UNBIND', 'UNCHECKOUT', 'UNLOCK', 'UPDATE', 'UPDATEREDIRECTREF'],
  'VERSION-CONTROL',
])

/** Those of the registry that are neither. `PURGE` is none, and in use all the same. */
const OTHERS = ['LOCK', 'PATCH', 'POST', 'PURGE']

/**
 * Never taken: a tunnel, an echo of all credentials (RFC 9110 §9.3.8), and the first word of HTTP/2
 * (RFC 9113 §11.6).
 */
const NEVER_TAKEN: ReadonlySet<string> = new Set(['CONNECT', 'PRI', 'TRACE'])

const STANDARD: ReadonlySet<string> = new Set(STANDARD_METHODS)
const KNOWN: ReadonlySet<string> = new Set([...IDEMPOTENT, ...OTHERS, ...NEVER_TAKEN])

/** A token (RFC 9110 §5.6.2); of a length beyond all that are in use. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/

export function isMethodToken(text: string): boolean {
  return TOKEN.test(text)
}

export function isStandardMethod(method: string): boolean {
  return STANDARD.has(method)
}

/** Whether a request of this method can change something, so that its origin matters. */
export function isUnsafeMethod(method: string): boolean {
  return !SAFE.has(method)
}

/** Whether a request of this method may be sent again when it is not known what became of it. */
export function isIdempotentMethod(method: string): boolean {
  return IDEMPOTENT.has(method)
}

/**
 * A method that a route may name, or `null`: any token, but those that are never taken, and another
 * case of a known one, which is a slip and would match nothing.
 */
export function parseMethod(value: string): string | null {
  if (!isMethodToken(value) || NEVER_TAKEN.has(value)) return null
  return KNOWN.has(value.toUpperCase()) && !KNOWN.has(value) ? null : value
}
