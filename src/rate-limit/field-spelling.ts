/**
 * Which names of a body a service may take for the one that is counted. A name that is one of them
 * and not the very one makes the body doubtful, so it costs nothing to know too many.
 */
import { parameterKey } from '../http/query-parameter.ts'

/** What a body says about a field. */
export interface FoundField {
  /** How many of its names may be taken for that of the field. */
  readonly names: number
  /** Whether the last of them is the very name. */
  readonly isExact: boolean
  /** The value under it; `null` for one that services may read as different texts, or as none. */
  readonly text: string | null
}

export class FieldSpelling {
  readonly #folded: string
  readonly #key: string
  readonly #path: string

  constructor(field: string) {
    this.#folded = folded(field)
    this.#key = parameterKey(this.#folded)
    this.#path = path(this.#folded)
  }

  /** .NET, Go and Jackson can be blind to case, and parsers in C end a name at a NUL. */
  isInJson(name: string): boolean {
    return folded(name) === this.#folded
  }

  /**
   * Beside case, what PHP takes for `_` (http/query-parameter.ts), and names with brackets and
   * dots, of which PHP, Rails and qs take the beginning, and ASP.NET may take the end:
   * `username[0]`, `[username]`, `username.x`, `model.Username`.
   */
  isInForm(name: string): boolean {
    const text = folded(name)
    return parameterKey(text) === this.#key || path(text).includes(this.#path)
  }
}

/**
 * One form for names that are the same to a comparison that is blind to case. Those of Go and Java
 * take `ſ` and the Kelvin sign for `s` and `k`, and Java's takes `ı` and `İ` for `i`.
 */
function folded(name: string): string {
  const [visible = ''] = name.split('\0', 1)
  return visible.trim().toUpperCase().toLowerCase().replaceAll('i\u0307', 'i')
}

/** The parts of a nested name, each between two dots. */
function path(name: string): string {
  const parts = name.split(/[.[\]]/).filter((part) => part !== '')
  return `.${parts.join('.')}.`
}
