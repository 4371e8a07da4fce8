/** Loads a configuration for a command, or prints every problem with it. */
import { ConfigError, describeProblem } from '../config/config-error.ts'
import { configLoader, type LoadedConfig } from '../config/load-config.ts'
import type { Terminal } from './terminal.ts'

/**
 * @param load Reads the file.
 * @returns `null` when there were problems; they have been printed then, one a line.
 */
export function loadOrReport(
  file: string,
  terminal: Terminal,
  load: () => LoadedConfig = configLoader(file),
): LoadedConfig | null {
  try {
    return load()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) {
      const separator = problem.line === null ? ': ' : ':'
      terminal.printError(`${file}${separator}${describeProblem(problem)}`)
    }
    const { length } = error.problems
    terminal.printError(`${length} ${length === 1 ? 'problem' : 'problems'}; nothing was started`)
    return null
  }
}
