/**
 * Sends a browser whose request was refused to a page where somebody can log in.
 *
 * The page gets the URL that was asked for and must not trust it: the author of a link to the
 * gateway chooses it, and the author of a link to the page chooses it freely.
 */
import type { CredentialStripper } from '../credentials/strip-credential.ts'
import { acceptsByName } from '../http/accept-field.ts'
import type { ClientExchange } from '../http/exchange.ts'
import type { Forwarding } from '../http/forwarding.ts'
import { joinedValues } from '../http/header-list.ts'

const HTML = 'text/html'

export interface LoginRedirectSettings {
  /** An absolute http or https URL, or an absolute path; no fragment, maybe with a query. */
  readonly url: string
  /** Letters, digits, dots, `_` and `-`. */
  readonly returnParameter: string
}

/** As much of a request as says whether and where it is redirected. */
export interface RefusedRequest {
  readonly exchange: Pick<ClientExchange, 'head' | 'scheme'>
  /** What the proxies in front say; `null`: there are none that are trusted. */
  readonly forwarding: Forwarding | null
}

/** The scheme of the URL that the browser asked for. */
export function seenScheme({ exchange, forwarding }: RefusedRequest): 'http' | 'https' {
  return forwarding?.scheme ?? exchange.scheme
}

export class LoginRedirect {
  readonly #prefix: string
  readonly #stripper: CredentialStripper

  /** @param stripper Takes credentials out of the query that the login page gets to see. */
  constructor({ url, returnParameter }: LoginRedirectSettings, stripper: CredentialStripper) {
    this.#prefix = `${url}${url.includes('?') ? '&' : '?'}${returnParameter}=`
    this.#stripper = stripper
  }

  /**
   * Where the request is sent; `null` when it gets the refusal itself: a method that changes
   * something cannot be repeated by a redirect, and programs do not log in.
   */
  locationFor(request: RefusedRequest): string | null {
    const { exchange, forwarding } = request
    const { head } = exchange
    if (head.method !== 'GET' && head.method !== 'HEAD') return null
    if (!acceptsByName(joinedValues(head.headers, 'accept'), HTML)) return null
    const query = this.#stripper.strippedQuery(head.query)
    const origin = `${seenScheme(request)}://${forwarding?.host ?? head.authority}`
    const path = `${forwarding?.prefix ?? ''}${head.path}`
    const asked = `${origin}${path}${query === '' ? '' : `?${query}`}`
    return `${this.#prefix}${encodeURIComponent(asked)}`
  }
}
