/** What became of a call to another system, for people: which URL, which status, and why. */
import { PROXY_ERROR, PROXY_STATUS } from '../resilience/outbound-failure.ts'

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the port is closed',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'no answer in time',
  ECONNRESET: 'the connection was lost',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
}
const TLS_CAUSE = 'the TLS handshake failed or the certificate is not trusted'
const TLS_WORDS = /TLS|SSL|CERT|SIGN|EPROTO|UNABLE/
const CERTIFICATE_WANTED = /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE/

const STATUSES: Readonly<Record<number, string>> = {
  401: 'it wants credentials',
  403: 'it refuses this gateway, or a firewall before it does',
  404: 'there is nothing at this URL',
  407: 'a proxy wants credentials',
  429: 'it was asked too often',
}
const OTHER_CREDENTIALS = 'it wants other credentials (user and password in the URL of the proxy)'
const PROXY_STATUSES: Readonly<Record<number, string>> = {
  // Of Tinyproxy; others say 407.
  401: OTHER_CREDENTIALS,
  403: 'it does not let this host or port through',
  407: OTHER_CREDENTIALS,
  500: 'it does not reach the host',
  502: 'it does not reach the host',
  503: 'it does not reach the host',
  504: 'it gets no answer from the host',
}

/** In words that depend on nothing the other side says. */
interface FailedCall {
  /** One of a few words; what it says beyond a proxy, a status or a cause is for the caller. */
  readonly reason: string
  readonly status: number | null
  readonly cause: string | null
}

/** Why there was no answer of success. @param otherwise For what has no words of its own here. */
export function describeCall({ reason, status, cause }: FailedCall, otherwise: string): string {
  if (reason === 'proxy' && cause !== null) return describeProxy(cause)
  if (reason === 'status' && status !== null) return describeStatus(status)
  if (reason === 'redirect' && status !== null) return `answers with ${status}: ${otherwise}`
  if (cause !== null) return describeCause(cause)
  return otherwise
}

function describeStatus(status: number): string {
  const words = STATUSES[status] ?? (status >= 500 ? 'it has failed itself' : null)
  return words === null ? `answers with ${status}` : `answers with ${status}: ${words}`
}

/** The word for an error of the system or of TLS, as a sentence. */
export function describeCause(code: string): string {
  const words = CAUSES[code]
  if (words !== undefined) return words
  if (CERTIFICATE_WANTED.test(code)) {
    return `the server wants a certificate of this gateway (tls.certFile and tls.keyFile): ${code}`
  }
  return TLS_WORDS.test(code) ? `${TLS_CAUSE}: ${code}` : code
}

function describeProxy(cause: string): string {
  if (cause.startsWith(PROXY_STATUS)) {
    const status = Number(cause.slice(PROXY_STATUS.length))
    const words = PROXY_STATUSES[status] ?? 'it does not make the connection'
    return `the egress proxy answers with ${status}: ${words}`
  }
  const code = cause.slice(PROXY_ERROR.length)
  return `the egress proxy cannot be reached${code === '' ? '' : `: ${describeCause(code)}`}`
}
