/** Reads the command line. */
import { parseArgs } from 'node:util'
import { CALLERS, type Caller, isCaller } from './callers.ts'
import { EXPLAIN_OPTIONS, type ExplainInvocation, readExplainOptions } from './explain-arguments.ts'
import type { OptionRow, OptionValues } from './option-row.ts'

interface CommandRow {
  readonly meaning: string
  readonly options: Readonly<Record<string, OptionRow>>
}

const CONFIG: OptionRow = {
  value: 'FILE',
  isRequired: true,
  isRepeatable: false,
  meaning: 'configuration file (docs/configuration.md)',
}

/** Every command with its options: the usage is written from this. */
export const COMMANDS = {
  serve: { meaning: 'run the gateway', options: { config: CONFIG } },
  check: {
    meaning: 'check a configuration and print every problem at once',
    options: {
      config: CONFIG,
      online: {
        value: null,
        isRequired: false,
        isRepeatable: false,
        meaning: 'also ask issuers, Redis and upstreams, and list keys and certificates',
      },
      proxy: {
        value: 'NAME',
        isRequired: false,
        isRepeatable: false,
        meaning: `print what a proxy that asks needs: ${CALLERS.join(', ')}`,
      },
    },
  },
  health: {
    meaning: 'say whether the gateway of a configuration is alive on this machine',
    options: { config: CONFIG },
  },
  explain: {
    meaning: 'say step by step what would be decided about a request, and why',
    options: EXPLAIN_OPTIONS,
  },
  demo: {
    meaning: 'run the gateway with an identity provider and an upstream of its own',
    options: {},
  },
} as const satisfies Record<string, CommandRow>

type CommandName = keyof typeof COMMANDS

export type Invocation =
  | { readonly command: 'serve' | 'health'; readonly configFile: string }
  | {
      readonly command: 'check'
      readonly configFile: string
      readonly online: boolean
      /** `null`: nothing is printed for one. */
      readonly proxy: Caller | null
    }
  | ExplainInvocation
  | { readonly command: 'demo' }
  | { readonly command: 'help' }
  | { readonly command: 'version' }

type ArgumentsReading =
  | { readonly ok: true; readonly invocation: Invocation }
  | { readonly ok: false; readonly problems: readonly string[] }

/** Reads `process.argv` without its first two. Does not look at any file. */
export function readArguments(words: readonly string[]): ArgumentsReading {
  const [first] = words
  if (words.some((word) => word === '--help' || word === '-h') || first === 'help') {
    return { ok: true, invocation: { command: 'help' } }
  }
  if (first === '--version' || first === '-v') {
    return { ok: true, invocation: { command: 'version' } }
  }
  if (first === undefined) return { ok: false, problems: ['a command is missing'] }
  if (!isCommand(first))
    return { ok: false, problems: [`unknown command ${JSON.stringify(first)}`] }
  const { values, problems } = readOptions(words.slice(1), COMMANDS[first].options)
  if (problems.length > 0) return { ok: false, problems }
  if (first === 'explain') return readExplainOptions(values)
  if (values.has('proxy') && callerOf(values) === null) {
    return { ok: false, problems: [`--proxy must be one of ${CALLERS.join(', ')}`] }
  }
  return { ok: true, invocation: invocationOf(first, values) }
}

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word)
}

function invocationOf(command: Exclude<CommandName, 'explain'>, values: OptionValues): Invocation {
  const configFile = values.get('config')?.[0] ?? ''
  switch (command) {
    case 'serve':
    case 'health':
      return { command, configFile }
    case 'check':
      return { command, configFile, online: values.has('online'), proxy: callerOf(values) }
    case 'demo':
      return { command }
  }
}

function callerOf(values: OptionValues): Caller | null {
  const [word = ''] = values.get('proxy') ?? []
  return isCaller(word) ? word : null
}

interface OptionsReading {
  readonly values: OptionValues
  readonly problems: readonly string[]
}

/** Messages name options, never values: one of those may be a token. */
function readOptions(
  words: readonly string[],
  rows: Readonly<Record<string, OptionRow>>,
): OptionsReading {
  const values = new Map<string, string[]>()
  const problems: string[] = []
  for (const token of tokensOf(words, rows)) {
    if (token.kind === 'positional') problems.push('an argument belongs to no option')
    if (token.kind !== 'option') continue
    const row = Object.hasOwn(rows, token.name) ? rows[token.name] : undefined
    const problem = problemWith(token.rawName, token.value, row, values.has(token.name))
    if (problem !== null) problems.push(problem)
    append(values, token.name, token.value)
  }
  for (const [name, row] of Object.entries(rows)) {
    if (row.isRequired && !values.has(name)) {
      problems.push(`--${name} ${row.value ?? ''} is missing`)
    }
  }
  return { values, problems }
}

function append(values: Map<string, string[]>, name: string, value: string | undefined): void {
  values.set(name, [...(values.get(name) ?? []), value ?? ''])
}

function problemWith(
  option: string,
  value: string | undefined,
  row: OptionRow | undefined,
  isRepeated: boolean,
): string | null {
  if (row === undefined) return `unknown option ${option}`
  if (isRepeated && !row.isRepeatable) return `${option} is given twice`
  if (row.value === null) return value === undefined ? null : `${option} takes no value`
  const isMissing = value === undefined || value === '' || value.startsWith('--')
  return isMissing ? `${option} needs a value: ${option} ${row.value}` : null
}

function tokensOf(words: readonly string[], rows: Readonly<Record<string, OptionRow>>) {
  const options = Object.entries(rows).map(([name, row]) => {
    return [name, { type: row.value === null ? 'boolean' : 'string' }] as const
  })
  return parseArgs({
    args: [...words],
    options: Object.fromEntries(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens
}
