/** Judges addresses, hosts, origins and URLs by their form. No name is ever looked up. */
import { isIP } from 'node:net'

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

/** An address or a host name to listen on, in lower case; `null` when it is neither. */
export function listenHost(value: string): string | null {
  const host = value.toLowerCase()
  return isIP(host) !== 0 || HOST_NAME.test(host) ? host : null
}

/** A host to match, or `*.` and a host for every host below it; in lower case. */
export function hostPattern(value: string): string | null {
  const host = value.toLowerCase()
  return HOST_NAME.test(host.startsWith('*.') ? host.slice(2) : host) ? host : null
}

/** An address, or an address and a prefix length (RFC 4632 §3.1, RFC 4291 §2.3). */
export function addressRange(value: string): string | null {
  const slash = value.indexOf('/')
  const address = slash === -1 ? value : value.slice(0, slash)
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 0) return null
  if (slash === -1) return value
  const prefix = value.slice(slash + 1)
  const isPrefix = /^(0|[1-9][0-9]{0,2})$/.test(prefix)
  return isPrefix && Number(prefix) <= (version === 4 ? 32 : 128) ? value : null
}

/** A host or address and a port; `null` when it is not that. */
export function hostAndPort(
  value: string,
): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(value)
  const host = listenHost(match?.[1] ?? match?.[2] ?? '')
  const port = Number(match?.[3] ?? 0)
  return host === null || port < 1 || port > 65_535 ? null : { host, port }
}

/** `http://host:port` without path, query or credentials, in its one spelling. */
export function httpOrigin(value: string): string | null {
  const url = httpUrl(value)
  if (url === null) return null
  const { pathname, search, origin } = new URL(url)
  return pathname === '/' && search === '' && !value.endsWith('?') ? origin : null
}

/** An absolute http or https URL without credentials and fragment, as written. */
export function httpUrl(value: string): string | null {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return null
  const url = new URL(value)
  const isPlain = url.username === '' && url.password === '' && !value.includes('#')
  return isPlain && !value.includes('\\') && !value.includes(' ') ? value : null
}

/** Whether traffic to this URL stays on this machine or is encrypted. */
export function isConfidentialUrl(value: string): boolean {
  const url = new URL(value)
  return url.protocol === 'https:' || isLoopbackHost(url.hostname)
}

/** Loopback by form (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3, RFC 6761 §6.3). */
export function isLoopbackHost(value: string): boolean {
  const host = value.toLowerCase().replace(/^\[|\]$/g, '')
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host === 'localhost'
}
