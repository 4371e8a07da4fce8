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
import { tokenOfCookie, tokenOfParameter } from './token-value.ts'

/** A credential; `null` when the request carries none; or why it is refused. */
export type Extraction = string | null | Refused

const AMBIGUOUS = refuse('credential_repeated')
const EMPTY = refuse('credential_empty')
const PROOF_SCHEME = refuse('proof_scheme')
const AUTHORIZATION = 'authorization'
/** RFC 9449 §7.1. */
const DPOP = 'dpop'
/** As Python writes an empty cookie. */
const EMPTY_IN_QUOTES = '""'
/** Different cookies of one name that are looked at: more are refused without a look. */
const COOKIES_OF_ONE_NAME_MAX = 8

/** How the values of cookies and query parameters are read. */
export interface ValueReading {
  /** Tokens and API keys are decoded once, in cookies also without quotes and `Bearer`. */
  readonly isToken: boolean
  /**
   * What a cookie of ours comes to, the same text for each spelling of it; `null` for one that
   * cannot be ours. Asked only where a request has several different cookies of one name. `null`
   * in its place: nothing tells, so that several are refused.
   */
  readonly ownCookie: ((value: string) => string | null) | null
}

/** Values are what they are, and several are refused. */
const AS_WRITTEN: ValueReading = { isToken: false, ownCookie: null }
/** Of bearer tokens and API keys. */
export const TOKEN_VALUES: ValueReading = { isToken: true, ownCookie: null }

/** Reads the credential of one kind from the places that a route names. Built at load. */
export class CredentialExtractor {
  readonly #sources: CompiledSources
  readonly #lengthMax: number
  readonly #tooLong: Refused
  readonly #reading: ValueReading

  /**
   * @param sources In any order: none has precedence.
   * @param lengthBytesMax Longer credentials are refused before anything reads them.
   * @param tooLong Why those are refused.
   */
  constructor(
    sources: readonly CredentialSource[],
    lengthBytesMax: number,
    tooLong: RefusalReason = 'token_too_long',
    reading: ValueReading = AS_WRITTEN,
  ) {
    this.#sources = compileSources(sources)
    this.#lengthMax = lengthBytesMax
    this.#tooLong = refuse(tooLong)
    this.#reading = reading
  }

  /** Where it looks, in words. */
  get places(): readonly string[] {
    return this.#sources.places
  }

  /**
   * - None at any source, or another scheme or form in its place (`Basic …`): `null`.
   * - `DPoP` in the place of another scheme of `Authorization`: `proof_scheme`. It is a credential
   *   for this route, and one that must not be passed over for another or for none.
   * - Two of them, or a repeated `Authorization` of whatever scheme: `credential_repeated`.
   * - Nothing where a token is announced: `credential_empty`.
   * - One beyond the limit: the reason for that.
   *
   * An empty cookie counts as none: it is what browsers send after some log-outs. Cookies of one
   * name are what browsers send where two paths or domains have set it: equal ones are one. Of
   * different ones the only one that can be ours is taken; two that can be ours are ambiguous.
   *
   * Does not check what a credential consists of: who has it verified does.
   *
   * @param query Raw, without `?`.
   */
  extract(headers: HeaderList, query: string): Extraction {
    let found: Extraction = null
    let authorizationCount = 0
    let hasCookies = false
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] ?? ''
      const value = headers[index + 1] ?? ''
      if (name === AUTHORIZATION) {
        authorizationCount += 1
        found = combine(found, this.#fromAuthorization(value))
      } else if (name === 'cookie') {
        // All fields of the name at once: a cookie may be there twice.
        if (!hasCookies) found = combine(found, this.#fromCookies(headers))
        hasCookies = true
      } else {
        found = combine(found, this.#fromField(name, value))
      }
    }
    if (authorizationCount > 1) return AMBIGUOUS
    return query === '' ? found : combine(found, this.#fromQuery(query))
  }

  /** Whether any credential could come from a cookie. */
  get readsCookies(): boolean {
    return this.#sources.cookieNames.length > 0
  }

  /** Whether the credential comes from a cookie, which browsers send along by themselves. */
  isFromCookie(headers: HeaderList): boolean {
    return this.#fromCookies(headers) !== null
  }

  #fromField(name: string, value: string): Extraction {
    const { headerNames } = this.#sources
    for (let index = 0; index < headerNames.length; index += 1) {
      if (headerNames[index] !== name) continue
      const found = this.#fromHeader(index, value)
      if (found !== null) return found
    }
    return null
  }

  /** @param index Of the source among those in headers. */
  #fromHeader(index: number, value: string): Extraction {
    const { headerSchemes, headerForms } = this.#sources
    const scheme = headerSchemes[index] ?? null
    if (scheme === null) return value === '' ? null : this.#checked(value)
    if (!hasScheme(value, scheme)) return null
    const found = this.#afterScheme(value, scheme.length)
    const form = headerForms[index] ?? null
    return form === null || typeof found !== 'string' || form(found) ? found : null
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

  #fromCookies(headers: HeaderList): Extraction {
    let found: Extraction = null
    const { cookieNames } = this.#sources
    for (let index = 0; index < cookieNames.length; index += 1) {
      found = combine(found, this.#fromCookie(headers, cookieNames[index] as string))
    }
    return found
  }

  #fromCookie(headers: HeaderList, name: string): Extraction {
    let values: CookieValues = null
    for (let index = 0; index < headers.length; index += 2) {
      if (headers[index] === 'cookie') values = this.#gather(values, headers[index + 1] ?? '', name)
    }
    if (values === null) return null
    return typeof values === 'string' ? this.#checked(values) : this.#soleOwn(values)
  }

  #gather(before: CookieValues, field: string, name: string): CookieValues {
    let values = before
    let start = findCookiePair(field, name, 0)
    while (start !== -1) {
      const value = cookieValue(field, name, start)
      if (value !== '' && value !== EMPTY_IN_QUOTES) {
        values = withValue(values, this.#reading.isToken ? tokenOfCookie(value) : value)
      }
      start = findCookiePair(field, name, pairEnd(field, start) + 1)
    }
    return values
  }

  /** Of different cookies of one name. Where none can be ours, the first is refused as it is. */
  #soleOwn(values: readonly string[]): Extraction {
    const { ownCookie } = this.#reading
    if (ownCookie === null || values.length > COOKIES_OF_ONE_NAME_MAX) return AMBIGUOUS
    let found: string | null = null
    let foundId: string | null = null
    for (const value of values) {
      const id = value.length > this.#lengthMax ? null : ownCookie(value)
      if (id === null || id === foundId) continue
      if (foundId !== null) return AMBIGUOUS
      found = value
      foundId = id
    }
    return found ?? this.#checked(values[0] as string)
  }

  #fromQuery(query: string): Extraction {
    let found: Extraction = null
    for (const name of this.#sources.queryNames) {
      let start = findParameter(query, name, 0)
      while (start !== -1) {
        const value = parameterValue(query, start)
        found = combine(
          found,
          this.#checked(this.#reading.isToken ? tokenOfParameter(value) : value),
        )
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

/** What the cookies of one name say: nothing, one thing, or several different ones. */
type CookieValues = string | readonly string[] | null

/** Stops at one more than are looked at: a field has room for thousands. */
function withValue(values: CookieValues, value: string): CookieValues {
  if (values === null || values === value) return value
  if (typeof values === 'string') return [values, value]
  if (values.length > COOKIES_OF_ONE_NAME_MAX || values.includes(value)) return values
  return [...values, value]
}

/** The first refusal stays; a second token is one. */
function combine(found: Extraction, next: Extraction): Extraction {
  if (next === null) return found
  if (found === null) return next
  if (typeof found !== 'string') return found
  return typeof next === 'string' ? AMBIGUOUS : next
}
