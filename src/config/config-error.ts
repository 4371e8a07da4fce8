/** Everything that is wrong with a configuration, told at once. */

/** One problem. `path` is a place in the file, or the name of an environment variable. */
export interface ConfigProblem {
  /** `routes[0].match.path`; empty for the document as a whole. */
  readonly path: string
  /** Reads on from the path: `must be …`, `is required`. Holds no value found in the file. */
  readonly message: string
  /** Position in the file, counted from 1; `null` when the problem has no place in it. */
  readonly line: number | null
  readonly column: number | null
}

/** Thrown at start-up and on reload only. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]
  /**
   * The files that it was read from, and those that it names and that could not be read, by
   * absolute name: as they were then. When one of them changes, it may not be wrong any more.
   */
  readonly files: ReadonlyMap<string, string>

  constructor(problems: readonly ConfigProblem[], files: ReadonlyMap<string, string> = new Map()) {
    super(problems.map(describeProblem).join('\n'))
    this.problems = problems
    this.files = files
  }
}

/** One line for a terminal: position, path and what is wrong. */
export function describeProblem({ path, message, line, column }: ConfigProblem): string {
  const place = line === null ? '' : `${line}:${column ?? 1} `
  return path === '' ? `${place}${message}` : `${place}${path} ${message}`
}

export type ConfigPath = readonly (string | number)[]

/** `['routes', 0, 'match']` → `routes[0].match`. */
export function describePath(path: ConfigPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}

/** A problem that has not been given its position in the file yet. */
export interface SettingProblem {
  readonly path: ConfigPath
  readonly message: string
}

/** Takes one problem. */
export type ReportProblem = (path: ConfigPath, message: string) => void
