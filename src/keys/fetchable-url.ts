/** Whether keys may be fetched from a URL at all: anyone who can change them can forge tokens. */
import { isLoopbackHost } from '../http/http-url.ts'

/**
 * https anywhere; plain http on this machine, or anywhere with `allowInsecureHttp`. Says nothing
 * about who answers there.
 */
export function isFetchableUrl(text: string, allowInsecureHttp: boolean): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (allowInsecureHttp || isLoopbackHost(url.hostname))
}
