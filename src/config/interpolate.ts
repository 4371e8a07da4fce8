/**
 * Puts environment variables into strings of a parsed document: `${NAME}`, `${NAME:-default}`, and
 * `$${` for a literal `${`.
 *
 * It works on the parsed document, not on its text, so that a value can never add a setting.
 */
import type { ConfigPath, SettingProblem } from './config-error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

interface Interpolation {
  readonly value: unknown
  readonly problems: readonly SettingProblem[]
  /** {@link pathKey} of every string that holds a value of a variable. */
  readonly interpolated: ReadonlySet<string>
}

/** A name for a path that is usable in a set. */
export function pathKey(path: ConfigPath): string {
  return JSON.stringify(path)
}

const MALFORMED = `has a reference that is neither \${NAME} nor \${NAME:-default}`

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g

const REFERENCE_BODY = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

/** As in a shell, the default stands in for a variable that is unset or empty. */
export function interpolate(document: unknown, environment: Environment): Interpolation {
  const problems: SettingProblem[] = []
  const interpolated = new Set<string>()

  const resolve = (body: string, path: ConfigPath): string => {
    const match = REFERENCE_BODY.exec(body)
    if (match === null) {
      // The body is not repeated: it may be a secret with a brace in it.
      problems.push({ path, message: MALFORMED })
      return ''
    }
    const [, name = '', fallback] = match
    const value = environment[name]
    if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
    if (value === undefined) {
      problems.push({ path, message: `needs the environment variable ${name}, which is not set` })
    }
    return value ?? ''
  }

  const visitText = (value: string, path: ConfigPath): string => {
    if (!value.includes('${')) return value
    interpolated.add(pathKey(path))
    return value.replace(REFERENCE, (whole, body: string | undefined, closing: string) => {
      if (whole === '$${') return '${'
      return resolve(closing === '}' ? (body ?? '') : '', path)
    })
  }

  const visit = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value === 'string') return visitText(value, path)
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]))
    if (typeof value !== 'object' || value === null) return value
    const copy: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(value)) {
      // The schema library passes this key over in silence.
      if (key === '__proto__') {
        problems.push({ path: [...path, key], message: 'is not a known setting' })
      } else {
        copy[key] = visit(item, [...path, key])
      }
    }
    return copy
  }

  return { value: visit(document, []), problems, interpolated }
}
