/**
 * Hot path: finds the one credential of a kind in a request, or says why there is no single one
 * (for bearer tokens RFC 6750 §2).
 *
 * All sources of a kind are looked at, because a second credential anywhere makes the request
 * ambiguous: the gateway would check one and the upstream might read the other.
 */
import { cookieValue, findCookiePair, pairEnd } from '../http/cookie-pair.ts'
import type { HeaderList } from '../http/header-list.ts'
import { findParameter, parameterEnd, parameterValue } from '../http/query-parameter.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { type Refused, refuse } from '../protocol/verification.ts'
import { hasScheme, textAfterScheme } from './bearer-token.ts'
import { type CompiledSources, type CredentialSource, compileSources } from './credential-source.ts'

/** A credential; `null` when the request carries none; or why it is refused. */
export type Extraction = string | null | Refused

const AMBIGUOUS = refuse('credential_repeated')
const EMPTY = refuse('credential_empty')
const PROOF_SCHEME = refuse('proof_scheme')
const AUTHORIZATION = 'authorization'
/** RFC 9449 §7.1. */
const DPOP = 'dpop'

/** Reads the credential of one kind from the places that a route names. Built at load. */
export class CredentialExtractor {
  readonly #sources: CompiledSources
  readonly #lengthMax: number
  readonly #tooLong: Refused

  /**
   * @param sources In any order: none has precedence.
   * @param lengthBytesMax Longer credentials are refused before anything reads them.
   * @param tooLong Why those are refused.
   */
  constructor(
    sources: readonly CredentialSource[],
    lengthBytesMax: number,
    tooLong: RefusalReason = 'token_too_long',
  ) {
    this.#sources = compileSources(sources)
    this.#lengthMax = lengthBytesMax
    this.#tooLong = refuse(tooLong)
  }

  /** Where it looks, in words. */
  get places(): readonly string[] {
    return this.#sources.places
  }

  /**
   * - None at any source, or another scheme in its place (`Basic …`): `null`.
   * - `DPoP` in the place of another scheme of `Authorization`: `proof_scheme`. It is a credential
   *   for this route, and one that must not be passed over for another or for none.
   * - Two of them, or a repeated `Authorization` of whatever scheme: `credential_repeated`.
   * - Nothing where a token is announced: `credential_empty`.
   * - One beyond the limit: the reason for that.
   *
   * An empty cookie counts as none: it is what browsers send after some log-outs.
   *
   * Does not check what a credential consists of: who has it verified does.
   *
   * @param query Raw, without `?`.
   */
  extract(headers: HeaderList, query: string): Extraction {
    let found: Extraction = null
    let authorizationCount = 0
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] ?? ''
      const value = headers[index + 1] ?? ''
      if (name === AUTHORIZATION) {
        authorizationCount += 1
        found = combine(found, this.#fromAuthorization(value))
      } else {
        found = combine(found, this.#fromField(name, value))
      }
    }
    if (authorizationCount > 1) return AMBIGUOUS
    return query === '' ? found : combine(found, this.#fromQuery(query))
  }

  /** Whether the credential comes from a cookie, which browsers send along by themselves. */
  isFromCookie(headers: HeaderList): boolean {
    const { cookieNames } = this.#sources
    if (cookieNames.length === 0) return false
    for (let index = 0; index < headers.length; index += 2) {
      if (headers[index] !== 'cookie') continue
      if (this.#fromCookies(headers[index + 1] ?? '') !== null) return true
    }
    return false
  }

  #fromField(name: string, value: string): Extraction {
    const { headerNames, headerSchemes, cookieNames } = this.#sources
    if (name === 'cookie' && cookieNames.length > 0) return this.#fromCookies(value)
    for (let index = 0; index < headerNames.length; index += 1) {
      if (headerNames[index] !== name) continue
      const scheme = headerSchemes[index] ?? null
      if (scheme === null) return value === '' ? null : this.#checked(value)
      if (hasScheme(value, scheme)) return this.#afterScheme(value, scheme.length)
    }
    return null
  }

  /** A field in which nothing is found is looked at once more, and no other. */
  #fromAuthorization(value: string): Extraction {
    const found = this.#fromField(AUTHORIZATION, value)
    if (found !== null || !hasScheme(value, DPOP)) return found
    return this.#sources.headerNames.includes(AUTHORIZATION) ? PROOF_SCHEME : null
  }

  #afterScheme(value: string, schemeLength: number): Extraction {
    // One character for the space that must be there; more of them count as token.
    if (value.length - schemeLength - 1 > this.#lengthMax) return this.#tooLong
    return textAfterScheme(value, schemeLength) ?? EMPTY
  }

  #fromCookies(field: string): Extraction {
    let found: Extraction = null
    for (const name of this.#sources.cookieNames) {
      let start = findCookiePair(field, name, 0)
      while (start !== -1) {
        const value = cookieValue(field, name, start)
        if (value !== '') found = combine(found, this.#checked(value))
        start = findCookiePair(field, name, pairEnd(field, start) + 1)
      }
    }
    return found
  }

  #fromQuery(query: string): Extraction {
    let found: Extraction = null
    for (const name of this.#sources.queryNames) {
      let start = findParameter(query, name, 0)
      while (start !== -1) {
        found = combine(found, this.#checked(parameterValue(query, start)))
        start = findParameter(query, name, parameterEnd(query, start) + 1)
      }
    }
    return found
  }

  #checked(token: string): Extraction {
    if (token.length > this.#lengthMax) return this.#tooLong
    return token === '' ? EMPTY : token
  }
}

/** The first refusal stays; a second token is one. */
function combine(found: Extraction, next: Extraction): Extraction {
  if (next === null) return found
  if (found === null) return next
  if (typeof found !== 'string') return found
  return typeof next === 'string' ? AMBIGUOUS : next
}
