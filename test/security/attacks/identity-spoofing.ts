/**
 * Fields with which a client may try to say who it is, or where its request comes from (CWE-290,
 * CWE-348): they are no reason to refuse it, but nothing of them may reach an upstream.
 */

/** What an upstream might take for a statement about the caller. */
export const IDENTITY_NAMES = [
  ...['X-User-Id', 'X-User-Email', 'X-User-Roles', 'X-Tenant-Id', 'X-Org-Id', 'X-Tenant-Plan'],
  ...['X-Token-Issuer', 'X-Token-Scopes', 'X-Token-Expires', 'X-Session-Id', 'X-Auth-Status'],
  ...['X-Request-Id', 'X-Correlation-Id'],
]

/** What an upstream might take for a statement about the original request. */
export const ORIGIN_NAMES = [
  ...['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-User'],
  ...['X-Forwarded-Email', 'X-Forwarded-Prefix', 'Forwarded', 'X-Real-IP', 'True-Client-IP'],
  ...['CF-Connecting-IP', 'X-Original-URL', 'X-Rewrite-URL', 'X-Original-Host', 'X-Client-IP'],
  ...['Remote-User', 'X-Remote-User', 'X-Auth-Request-User', 'X-WEBAUTH-USER', 'Front-End-Https'],
  ...['X-Forwarded-Client-Cert', 'X-SSL-Client-Verify', 'X-Client-Cert', 'X-Consumer-Username'],
  ...['X-Middleware-Subrequest', 'Proxy'],
]

/** Every spelling that some upstream, or the gateway itself, might take for the name. */
export function spellings(name: string): readonly string[] {
  const underscored = name.replaceAll('-', '_')
  const alternating = Array.from(name, (character, index) =>
    index % 2 === 0 ? character.toLowerCase() : character.toUpperCase(),
  )
  return [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    alternating.join(''),
    underscored,
    underscored.toUpperCase(),
    name.replace('-', '_'),
    name.replaceAll('-', '.'),
  ]
}

/** Values of `Connection` that would take a name out again (RFC 9110 §7.6.1). */
export function connectionOptions(names: readonly string[]): readonly string[] {
  const all = names.join(', ')
  return [
    all,
    all.toLowerCase(),
    `keep-alive, ${all}`,
    'x-user-id',
    'close, X-User-Id',
    'X-User-Id,close',
    'close,\tX-User-Id\t, x_user_id',
    `close, ${all}`,
  ]
}

/** Beginnings of lines in which a field may hide from one parser and not from another. */
export const HIDING_PLACES: readonly string[] = [
  'X-Other: a\r\n X-User-Id: ',
  'X-Other: a\r\n\tX-User-Id: ',
  'X-User-Id : ',
  'X-User-Id\t: ',
  ' X-User-Id: ',
  'X-User-Id\0: ',
  '\0X-User-Id: ',
  'X-Other: a\rX-User-Id: ',
  'X-Other: a\nX-User-Id: ',
  ': a\r\nX-User-Id: ',
  'X-User\u00adId: ',
]

/** PROXY protocol, version 2: the native parser reads it from anyone, and it must mean nothing. */
export const PROXY_PREAMBLE =
  '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x06\x06\x06\x06\x07\x07\x07\x07\x01\x01\x02\x02'
