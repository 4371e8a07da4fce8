/** The origin of the gateway as the browser names it, which a proxy in front may know better. */
import type { Forwarding } from './forwarding.ts'

/** As much of a request as tells under which URL it was asked for. */
export interface AskedUrl {
  /** `Host` as received. */
  readonly authority: string
  /** Of the connection. */
  readonly scheme: 'http' | 'https'
  /** What the proxies in front say; `null`: there are none that are trusted. */
  readonly forwarding: Pick<Forwarding, 'scheme' | 'host' | 'port'> | null
}

const PORT = /:[0-9]*$/
/** Proxies behind one that ends TLS often name their own: no page is at the port of the other. */
const USUAL_PORTS: ReadonlySet<string | null> = new Set([null, '80', '443'])
const DEFAULT_PORTS = { http: ':80', https: ':443' } as const

/**
 * Scheme, host and port as a browser writes them in `Origin` (RFC 6454 §6.2): in lower case, and
 * without the usual port of the scheme. Does not check that the host is one of ours: a browser
 * sends the cookies of a host to that host alone.
 */
export function publicOrigin({ authority, scheme, forwarding }: AskedUrl): string {
  if (forwarding === null) return written(scheme, authority)
  const host = forwarding.host ?? authority
  const port = PORT.test(host) ? null : forwarding.port
  const seenScheme = forwarding.scheme ?? scheme
  return written(seenScheme, USUAL_PORTS.has(port) ? host : `${host}:${port}`)
}

function written(scheme: 'http' | 'https', authority: string): string {
  const host = authority.toLowerCase()
  const port = DEFAULT_PORTS[scheme]
  return `${scheme}://${host.endsWith(port) ? host.slice(0, -port.length) : host}`
}
