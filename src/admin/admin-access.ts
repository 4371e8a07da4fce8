/**
 * Who may talk to the admin listener: a `Host` that is really ours, no page but our own, and the
 * token where one is set.
 *
 * An operator's browser shows other pages too, and reaches the loopback interface for them:
 *
 *     through a name that a page re-points there (DNS rebinding)     its `Host` is that name
 *     a form, an image, a script, `fetch` with `no-cors`             `Origin`, `Sec-Fetch-Site`
 *
 * Browsers set these fields, and no page can change them. Programs that are no browsers send none
 * of them, or what they like: they are on this machine, or have the token.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isLoopbackHost } from '../http/http-url.ts'

export type AdminRefusal = 'bad_host' | 'foreign_page' | 'missing_token' | 'bad_token'

/** What an endpoint lets pass. */
export interface EndpointAccess {
  /** Whether the token is not demanded. */
  readonly isOpen: boolean
  /** Whether a link of another page may lead here. Such an answer must tell nothing. */
  readonly isLinked: boolean
}

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]']
const BEARER = /^bearer +(\S+)$/i
const HOST_AND_PORT = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::[0-9]{1,5})?$/
/** Two readers could take a different one of them. */
const SINGLE_FIELDS = ['host', 'origin', 'sec-fetch-site', 'authorization'] as const

export class AdminAccess {
  readonly #hostNames: ReadonlySet<string> | null
  readonly #tokenDigest: Buffer | null

  /**
   * @param host What the listener is bound to. Any name is answered when that is not loopback: a
   *   token is demanded there, which a foreign page does not have.
   * @param token `null`: none is demanded.
   */
  constructor(host: string, token: string | null) {
    const isLoopback = isLoopbackHost(host)
    const own = host.includes(':') ? `[${host}]` : host
    this.#hostNames =
      isLoopback || token === null ? new Set([...LOOPBACK_NAMES, own.toLowerCase()]) : null
    this.#tokenDigest = token === null ? null : digest(token)
  }

  /**
   * Does not check the port of `Host`: no page can make a browser name another than the one that it
   * connects to, and a tunnel to the listener has a port of its own.
   *
   * @returns `null` when the request may go on.
   */
  check(request: IncomingMessage, endpoint: EndpointAccess): AdminRefusal | null {
    if (!this.#isOwnHost(request)) return 'bad_host'
    if (!isFromOwnPage(request) && !(endpoint.isLinked && isNavigation(request))) {
      return 'foreign_page'
    }
    return endpoint.isOpen || this.#tokenDigest === null ? null : this.#checkToken(request)
  }

  #isOwnHost({ headers, headersDistinct }: IncomingMessage): boolean {
    if (SINGLE_FIELDS.some((name) => (headersDistinct[name]?.length ?? 0) > 1)) return false
    if (this.#hostNames === null) return true
    const name = HOST_AND_PORT.exec(headers.host?.toLowerCase() ?? '')?.[1]
    return name !== undefined && this.#hostNames.has(name)
  }

  #checkToken({ headers }: IncomingMessage): AdminRefusal | null {
    const { authorization } = headers
    if (authorization === undefined) return 'missing_token'
    const token = BEARER.exec(authorization)?.[1]
    if (token === undefined || this.#tokenDigest === null) return 'bad_token'
    // Digests have one length, so that not even the length of the token can be found by timing.
    return timingSafeEqual(digest(token), this.#tokenDigest) ? null : 'bad_token'
  }
}

/**
 * Whether no other page has sent it. `same-site` is another page: a site is a name without its
 * port, and other programs on this machine have pages on `localhost` as well.
 */
function isFromOwnPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  // `none`: typed in, or a bookmark.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const { origin, host = '' } = headers
  if (origin === undefined) return true
  const own = host.toLowerCase()
  // Something in front may have ended TLS, so that the scheme is not known here.
  return origin === `http://${own}` || origin === `https://${own}`
}

/** A link was followed, or a window opened: not a frame, an image, a script or a form. */
function isNavigation({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.origin === undefined &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  )
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
