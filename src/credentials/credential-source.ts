/** Where a route looks for a credential. */
import { parameterKey } from '../http/query-parameter.ts'

/** Whether a text is a credential of the kind that is looked for. */
export type CredentialForm = (text: string) => boolean

/**
 * - `header` with a scheme: `Authorization: Bearer …`, or any other field and scheme.
 * - `header` without one: the whole value is the token.
 * - `cookie`, `query`: the value of that name.
 *
 * `form` is there where credentials of another kind may be in the same place: what has another form
 * is none of this kind.
 */
export type CredentialSource =
  | {
      readonly kind: 'header'
      readonly name: string
      readonly scheme: string | null
      readonly form?: CredentialForm
    }
  | { readonly kind: 'cookie'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }

/** `Authorization` with the scheme `Bearer` (RFC 6750 §2.1). */
export const AUTHORIZATION_BEARER: CredentialSource = {
  kind: 'header',
  name: 'authorization',
  scheme: 'bearer',
}

/** The sources of one route, sorted by kind and in lower case, so that a request only compares. */
export interface CompiledSources {
  readonly headerNames: readonly string[]
  /** Scheme for the header name at the same place; `null` for none. */
  readonly headerSchemes: readonly (string | null)[]
  /** Form for the header name at the same place; `null`: all is of this kind. */
  readonly headerForms: readonly (CredentialForm | null)[]
  readonly cookieNames: readonly string[]
  readonly queryNames: readonly string[]
  /** In words, for operators. */
  readonly places: readonly string[]
}

/** Puts sources into the form that the hot path reads. Field names and schemes ignore case. */
export function compileSources(sources: readonly CredentialSource[]): CompiledSources {
  const headers = sources.filter((source) => source.kind === 'header')
  return {
    headerNames: headers.map((source) => source.name.toLowerCase()),
    headerSchemes: headers.map((source) => source.scheme?.toLowerCase() ?? null),
    headerForms: headers.map((source) => source.form ?? null),
    cookieNames: sources.filter(({ kind }) => kind === 'cookie').map(({ name }) => name),
    queryNames: distinctParameters(sources),
    places: sources.map(placeOf),
  }
}

function placeOf(source: CredentialSource): string {
  if (source.kind !== 'header') return `${source.kind} ${source.name}`
  const scheme = source.scheme === null ? '' : ` (${source.scheme})`
  return `header ${source.name.toLowerCase()}${scheme}`
}

/** Two spellings of one name would find each parameter twice. */
function distinctParameters(sources: readonly CredentialSource[]): string[] {
  const names = sources.filter(({ kind }) => kind === 'query').map(({ name }) => name)
  return [...new Map(names.map((name) => [parameterKey(name), name])).values()]
}
