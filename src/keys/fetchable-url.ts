/** Whether keys may be fetched from a URL at all: whoever can change them can forge any token. */

const IPV4_LOOPBACK = /^127(?:\.\d{1,3}){3}$/

/**
 * https anywhere; plain http on this machine, or anywhere with `allowInsecureHttp`. Says nothing
 * about who answers there.
 */
export function isFetchableUrl(text: string, allowInsecureHttp: boolean): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (allowInsecureHttp || isLoopback(url.hostname))
}

/** The URL parser has already turned every spelling of an IPv4 address into the dotted one. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || IPV4_LOOPBACK.test(hostname)
}
