/**
 * Takes a session cookie away from a browser whose session has ended: only one that is certainly
 * ours. A name may be shared with another application, whose users would be logged out of it.
 */
import type { RefusalReason } from '../protocol/refusal-reason.ts'

/** The store was asked about an id of ours, and there is no such session any more. */
const ENDED: ReadonlySet<RefusalReason> = new Set(['session_not_found', 'session_expired'])
/** The cookie of that name holds no id of ours. */
const NO_ID: ReadonlySet<RefusalReason> = new Set([
  'session_cookie_malformed',
  'session_cookie_too_long',
])

/** Set by the very host that gets it, for all of its paths, and `Secure` (RFC 6265bis §4.1.3.2). */
const OF_THIS_HOST = '__Host-'
const SECURE_PREFIXES = [OF_THIS_HOST, '__Secure-']

/** As the login service sets it: a browser takes away what has the same name, domain and path. */
export interface SessionCookieSettings {
  readonly name: string
  readonly path: string
  /** `null`: of the host alone that set it. */
  readonly domain: string | null
  readonly sameSite: 'Lax' | 'Strict' | 'None'
  /** Whether nothing but the gateway reads cookies of this name: sessions of its own format. */
  readonly isOwnName: boolean
}

export class ClearedCookie {
  readonly #field: string
  readonly #isAlwaysSecure: boolean
  readonly #isOursAlone: boolean

  constructor({ name, path, domain, sameSite, isOwnName }: SessionCookieSettings) {
    const within = domain === null ? '' : `; Domain=${domain}`
    // RFC 6265bis §4.1: an empty value that has expired.
    this.#field = `${name}=; Path=${path}${within}; Max-Age=0; HttpOnly; SameSite=${sameSite}`
    // Browsers take cookies with these names, and for pages of other sites, only if they say so.
    this.#isAlwaysSecure =
      sameSite === 'None' || SECURE_PREFIXES.some((prefix) => name.startsWith(prefix))
    this.#isOursAlone = isOwnName && name.startsWith(OF_THIS_HOST)
  }

  /**
   * `Set-Cookie` for an answer with this refusal; `null`: the browser keeps what it has.
   *
   * @param scheme As the browser sees it: over http it would not take a `Secure` cookie.
   */
  fieldFor(reason: RefusalReason, scheme: 'http' | 'https'): string | null {
    if (!ENDED.has(reason) && !(this.#isOursAlone && NO_ID.has(reason))) return null
    return this.#isAlwaysSecure || scheme === 'https' ? `${this.#field}; Secure` : this.#field
  }
}
