/**
 * Hot path: takes the bearer token out of what goes upstream, from every place in which the route
 * would have looked for it.
 */
import { hasReadablePair, withoutCookie } from '../http/cookie-pair.ts'
import { withoutParameter } from '../http/query-parameter.ts'
import { hasScheme } from './bearer-token.ts'
import { type CompiledSources, type CredentialSource, compileSources } from './credential-source.ts'

/** Removes what {@link CredentialExtractor} of the same sources reads. Built at load. */
export class CredentialStripper {
  readonly #sources: CompiledSources

  constructor(sources: readonly CredentialSource[]) {
    this.#sources = compileSources(sources)
  }

  /**
   * What remains of one field: the same value, a shorter one (`Cookie` without that pair), or
   * `null` when the field goes. A field with another scheme stays: it is not our credential.
   *
   * @param name In lower case.
   */
  strippedValue(name: string, value: string): string | null {
    const { headerNames, headerSchemes, cookieNames } = this.#sources
    for (let index = 0; index < headerNames.length; index += 1) {
      if (headerNames[index] !== name) continue
      const scheme = headerSchemes[index] ?? null
      if (scheme === null || hasScheme(value, scheme)) return null
    }
    if (name !== 'cookie' || cookieNames.length === 0) return value
    let kept = value
    for (const cookieName of cookieNames) {
      if (hasReadablePair(kept, cookieName)) kept = withoutCookie(kept, cookieName)
    }
    return kept === '' ? null : kept
  }

  /** The raw query without the token. The same string when the route reads no query parameter. */
  strippedQuery(query: string): string {
    let kept = query
    for (const name of this.#sources.queryNames) kept = withoutParameter(kept, name)
    return kept
  }
}
