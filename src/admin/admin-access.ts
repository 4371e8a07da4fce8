/**
 * Who may talk to the admin listener: a `Host` that is really ours, and the token where one is set.
 *
 * The `Host` is checked because a page in an operator's browser can reach the loopback interface
 * through a name of its own that it re-points there (DNS rebinding); such a request carries that
 * name.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isLoopbackHost } from '../http/http-url.ts'

export type AdminRefusal = 'bad_host' | 'missing_token' | 'bad_token'

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]']
const BEARER = /^bearer +(\S+)$/i
const HOST_AND_PORT = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::[0-9]{1,5})?$/

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

  /** @returns `null` when the request may go on. */
  check(request: IncomingMessage): AdminRefusal | null {
    if (!this.#isOwnHost(request.headers.host)) return 'bad_host'
    if (this.#tokenDigest === null) return null
    const authorization = request.headers.authorization
    if (authorization === undefined) return 'missing_token'
    const token = BEARER.exec(authorization)?.[1]
    if (token === undefined) return 'bad_token'
    // Digests have one length, so that not even the length of the token can be found by timing.
    return timingSafeEqual(digest(token), this.#tokenDigest) ? null : 'bad_token'
  }

  #isOwnHost(host: string | undefined): boolean {
    if (this.#hostNames === null) return true
    const name = HOST_AND_PORT.exec(host?.toLowerCase() ?? '')?.[1]
    return name !== undefined && this.#hostNames.has(name)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
