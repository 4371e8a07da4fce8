/**
 * Tells requests of pages of other sites, which a browser sends with the user's cookies, from
 * those that the user meant.
 *
 * `Sec-Fetch-Site` (Fetch Metadata) and `Origin` (RFC 6454 §7) are set by the browser and cannot be
 * changed by a page. Programs that are no browsers may send what they like, and are no danger: they
 * have no cookies of a user.
 */
import { fieldValue, type HeaderList } from './header-list.ts'
import { isUnsafeMethod } from './methods.ts'
import type { OriginList } from './origin-list.ts'
import { opensWebSocket } from './web-socket.ts'

/**
 * Whether it matters which page has made a browser send this with the cookies of its user: what may
 * change something, and what opens a web socket, which a page of any site may (RFC 6455 §10.2).
 */
export function isForKnownSites(method: string, headers: HeaderList): boolean {
  return isUnsafeMethod(method) || opensWebSocket(headers)
}

/**
 * Whether a request with an unsafe method and a cookie comes from where it may:
 *
 *     Sec-Fetch-Site   Origin                  passes
 *     same-origin      anything, once          yes
 *     anything else    one of `allowed`        yes
 *     anything else    absent, null, another   no
 *     repeated         or repeated             no
 *
 * A program without either is refused like a page that hides where it is: nothing tells them apart.
 *
 * `same-site` is not enough: a page of another team's sub-domain is another page. Origins are
 * compared whole, scheme and port included.
 */
export function isFromKnownSite(headers: HeaderList, allowed: OriginList): boolean {
  let site: string | null = null
  let origin: string | null = null
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index]
    const value = headers[index + 1] ?? ''
    if (name === 'sec-fetch-site') {
      if (site !== null) return false
      site = value
    } else if (name === 'origin') {
      if (origin !== null) return false
      origin = value
    }
  }
  return site === 'same-origin' || (origin !== null && allowed.has(origin))
}

/**
 * Whether it comes from a page of the very origin that it asks, by its `Origin`. For browsers that
 * do not say `Sec-Fetch-Site`: none does on plain http, but to this machine, nor does Safari before
 * 16.4. Where there is a `Sec-Fetch-Site`, that decides, whatever it says.
 *
 * @param ownOrigin As a browser writes it, scheme and port included.
 */
export function isFromOwnOrigin(headers: HeaderList, ownOrigin: string): boolean {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index] === 'sec-fetch-site') return false
  }
  return fieldValue(headers, 'origin') === ownOrigin
}
