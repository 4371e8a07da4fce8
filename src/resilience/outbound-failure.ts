/** What may go wrong with a call to another system, in words of our own. */

/**
 * - `bad_url`: not an absolute http or https URL, or one with credentials in it.
 * - `timeout`: the deadline passed.
 * - `unreachable`: no such name, no route, or a port without a listener.
 * - `proxy`: the egress proxy cannot be reached, or does not make the connection.
 * - `tls`: the certificate or the handshake is not acceptable.
 * - `connection_lost`: the connection ended before the answer did.
 * - `protocol`: not HTTP, or a body that is not in the encoding that it names.
 * - `too_large`: more header or body bytes than allowed, before or after decompression.
 * - `redirect`, `status`: answered, but not with 2xx.
 */
export type OutboundFailure =
  | 'bad_url'
  | 'timeout'
  | 'unreachable'
  | 'proxy'
  | 'tls'
  | 'connection_lost'
  | 'protocol'
  | 'too_large'
  | 'redirect'
  | 'status'

export interface FailedCall {
  readonly reason: OutboundFailure
  /**
   * What the system, OpenSSL or the door to the proxy calls it, such as `ECONNREFUSED` or
   * `CERT_HAS_EXPIRED`: one of a fixed set of words, never text of the other side. `null`: there
   * is nothing more to say.
   */
  readonly cause: string | null
}

/** Before the status with which a proxy refused, in {@link FailedCall.cause}. */
export const PROXY_STATUS = 'PROXY_STATUS_'
/** Before the word for why a proxy was not reached. */
export const PROXY_ERROR = 'PROXY_ERROR_'

/** The egress proxy was reached, and did not make the connection. */
export class ProxyRefusal extends Error {
  readonly code: string

  constructor(status: number) {
    super('the egress proxy does not make the connection')
    this.code = `${PROXY_STATUS}${status}`
  }
}

/** The egress proxy was not reached. */
export class ProxyUnreachable extends Error {
  readonly code: string

  constructor(error: unknown) {
    super('the egress proxy cannot be reached')
    this.code = `${PROXY_ERROR}${codeOf(error)}`
  }
}

const UNREACHABLE_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EACCES',
  'UND_ERR_MAX_ORIGINS_REACHED',
])
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
const LOST_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
])
const LARGE_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
])
/** How the codes of OpenSSL's and Node's errors about a certificate or a handshake begin. */
export const TLS_CODE =
  /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_|EPROTO)/
/** Of the others the code says no more. */
const HAVE_CAUSES: ReadonlySet<OutboundFailure> = new Set(['unreachable', 'proxy', 'tls'])
const CODE = /^[A-Z][A-Z0-9_]{0,80}$/

/** Maps what the client library throws to our own words: its messages may quote a URL. */
export function failureOf(error: unknown): FailedCall {
  const code = codeOf(error)
  const reason = reasonOf(code)
  return { reason, cause: HAVE_CAUSES.has(reason) && code !== '' ? code : null }
}

function reasonOf(code: string): OutboundFailure {
  if (LARGE_CODES.has(code)) return 'too_large'
  if (UNREACHABLE_CODES.has(code)) return 'unreachable'
  if (TIMEOUT_CODES.has(code)) return 'timeout'
  if (LOST_CODES.has(code)) return 'connection_lost'
  if (code.startsWith(PROXY_STATUS) || code.startsWith(PROXY_ERROR)) return 'proxy'
  return TLS_CODE.test(code) ? 'tls' : 'protocol'
}

/**
 * Of an error of Node or of the HTTP client; empty when there is none. Of several addresses that
 * were tried, the first tells.
 */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') {
    return CODE.test(error.code) ? error.code : ''
  }
  // Several addresses were tried, and each failed in its own way.
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return ''
}
