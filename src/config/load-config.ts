/**
 * Reads the configuration file: YAML, then variables, then the schema, then all that is between.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import {
  ConfigError,
  type ConfigProblem,
  describePath,
  type SettingProblem,
} from './config-error.ts'
import { processEnvironment, readEnvironment } from './environment.ts'
import { fileState } from './file-state.ts'
import { type Environment, interpolate, pathKey } from './interpolate.ts'
import { type MachineLimits, machineLimits } from './machine-limits.ts'
import { describeIssues } from './schema-problems.ts'
import {
  checkSections,
  configurationSchema,
  type GatewayConfiguration,
  readSections,
  resolveSections,
} from './sections.ts'
import { READING } from './setting.ts'
import { FILE_BYTES_MAX, readYaml, type YamlDocument } from './yaml-document.ts'

interface ConfigSurroundings {
  readonly environment: Environment
  readonly machine: MachineLimits
  /** Relative names of files in the configuration start here. */
  readonly directory: string
}

/** A configuration, and the files that it was read from. */
export interface LoadedConfig {
  readonly configuration: GatewayConfiguration
  /**
   * The file itself and those with secrets that its settings name, by absolute name: as they were
   * when they were read.
   */
  readonly files: ReadonlyMap<string, string>
}

/**
 * Loads a file, with the environment of this process, as often as it is asked to. The machine
 * counts as it was at first: sizes that follow from it are those that the process has.
 *
 * @returns Loads it. Throws ConfigError with every problem at once.
 */
export function configLoader(file: string): () => LoadedConfig {
  const surroundings = {
    environment: processEnvironment(),
    machine: machineLimits(),
    directory: dirname(resolve(file)),
  }
  return () => {
    const { text, state } = readConfigFile(file)
    return parse(text, surroundings, new Map([[resolve(file), state]]))
  }
}

/**
 * Loads a configuration from its text. Opens the files that it names; looks up no host name.
 *
 * @throws ConfigError with every problem at once.
 */
export function parseConfig(text: string, surroundings: ConfigSurroundings): GatewayConfiguration {
  return parse(text, surroundings).configuration
}

/** @param own The file that the text is from, if it is. */
function parse(
  text: string,
  surroundings: ConfigSurroundings,
  own: ReadonlyMap<string, string> = new Map(),
): LoadedConfig {
  const reading = readYaml(text)
  if (!reading.ok) throw new ConfigError(reading.problems, own)

  const filled = interpolate(reading.document.value, surroundings.environment)
  const value = withTypesOfVariables(filled.value, filled.interpolated)
  const parsed = configurationSchema.safeParse(value, READING)
  const settings = readSections(value)
  const environment = readEnvironment(surroundings.environment, surroundings.machine)
  const resolution = resolveSections(settings, environment, surroundings.directory)

  const problems = place(
    [
      // First, because what follows from a missing variable is not a problem of its own.
      filled.problems,
      parsed.success ? [] : describeIssues(parsed.error.issues),
      checkSections(settings),
      resolution.problems,
    ].flat(),
    reading.document,
  )
  problems.push(...environment.problems.map((problem) => withoutPlace(problem)))
  const { configuration, files, unread } = resolution
  if (problems.length > 0) throw new ConfigError(problems, new Map([...own, ...files, ...unread]))
  assertInvariant(configuration !== null, 'what could not be understood is a problem')
  return { configuration, files: new Map([...own, ...files]) }
}

/**
 * A variable is text. Where the schema wants a number or a switch, and only where the text came
 * from a variable, it is read as one; a quoted "8080" in the file stays the mistake that it is.
 */
function withTypesOfVariables(value: unknown, interpolated: ReadonlySet<string>): unknown {
  if (interpolated.size === 0) return value
  const parsed = configurationSchema.safeParse(value, READING)
  if (parsed.success) return value
  for (const issue of parsed.error.issues) {
    if (issue.code !== 'invalid_type' || typeof issue.path.at(-1) === 'symbol') continue
    const path = issue.path as (string | number)[]
    if (!interpolated.has(pathKey(path))) continue
    if (issue.expected === 'number' || issue.expected === 'int') replace(value, path, asNumber)
    if (issue.expected === 'boolean') replace(value, path, asSwitch)
  }
  return value
}

function asNumber(text: string): unknown {
  return /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/.test(text) ? Number(text) : text
}

function asSwitch(text: string): unknown {
  if (text === 'true') return true
  return text === 'false' ? false : text
}

function replace(
  root: unknown,
  path: readonly (string | number)[],
  convert: (text: string) => unknown,
): void {
  let parent = root as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) parent = parent[step] as Record<string | number, unknown>
  const key = path.at(-1) ?? ''
  const value = parent[key]
  if (typeof value === 'string') parent[key] = convert(value)
}

/** One problem per path, in the order of the file. */
function place(problems: readonly SettingProblem[], document: YamlDocument): ConfigProblem[] {
  const seen = new Map<string, ConfigProblem>()
  for (const problem of problems) {
    const path = describePath(problem.path)
    if (seen.has(path)) continue
    const position = document.locate(problem.path)
    seen.set(path, {
      path,
      message: problem.message,
      line: position?.line ?? null,
      column: position?.column ?? null,
    })
  }
  return [...seen.values()].sort((first, second) => {
    return (first.line ?? 0) - (second.line ?? 0) || (first.column ?? 0) - (second.column ?? 0)
  })
}

function withoutPlace({ path, message }: SettingProblem): ConfigProblem {
  return { path: describePath(path), message, line: null, column: null }
}

function readConfigFile(file: string) {
  const { bytes, state } = readBounded(file)
  if (bytes.length > FILE_BYTES_MAX) throw whole(`is larger than ${FILE_BYTES_MAX} bytes`)
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), state }
  } catch {
    throw whole('is not UTF-8 text')
  }
}

function readBounded(file: string) {
  let descriptor: number | null = null
  try {
    descriptor = openSync(file, 'r')
    const state = fileState(fstatSync(descriptor, { bigint: true }))
    const buffer = Buffer.alloc(FILE_BYTES_MAX + 1)
    let length = 0
    while (length < buffer.length) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, null)
      if (count === 0) break
      length += count
    }
    return { bytes: buffer.subarray(0, length), state }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
    throw whole(`cannot be read (${code})`)
  } finally {
    if (descriptor !== null) closeSync(descriptor)
  }
}

function whole(message: string): ConfigError {
  return new ConfigError([{ path: '', message, line: null, column: null }])
}
