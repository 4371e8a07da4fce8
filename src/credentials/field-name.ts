/** Names of fields and cookies that may hold a credential, a tenant or a part of the identity. */

const FIELD_NAME = /^[A-Za-z0-9-]{1,64}$/

/** Fields that frame or address a message: never a place for a credential or an identity. */
const MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-real-ip',
])

/** The name in lower case, or `null`. Fields with other names are dropped from requests. */
export function parseFieldName(value: string): string | null {
  const name = value.toLowerCase()
  return FIELD_NAME.test(value) && !MESSAGE_FIELDS.has(name) ? name : null
}

/** The name as written, or `null`. `Authorization` is for the credential of a client. */
export function parseIdentityFieldName(value: string): string | null {
  const name = parseFieldName(value)
  return name === null || name === 'authorization' || name === 'proxy-authorization' ? null : value
}

/** What is wrong with a name that both refuse. */
export const FIELD_NAME_PROBLEM =
  'must be a header name of letters, digits and - that HTTP itself has no use for'

/** A token (RFC 6265 §4.1.1), of a length that fits every browser. */
export const COOKIE_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/

export const COOKIE_NAME_PROBLEM = 'must be a cookie name (RFC 6265 §4.1.1)'
