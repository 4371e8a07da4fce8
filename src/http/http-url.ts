/** Reads http and https URLs and origins by their form. No name is ever looked up. */

/** Decimal numbers from 0 to 255 after the first one, which is that of loopback addresses. */
const LOOPBACK_IPV4 = /^127(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}$/

/** `http://host:port` without path, query, credentials or `*`, in its one spelling. */
export function httpOrigin(value: string): string | null {
  const url = httpUrl(value)
  if (url === null) return null
  const { pathname, search, origin } = new URL(url)
  const isBare = pathname === '/' && search === '' && !value.endsWith('?')
  return isBare && !value.includes('*') ? origin : null
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
  return LOOPBACK_IPV4.test(host) || host === '::1' || host === 'localhost'
}
