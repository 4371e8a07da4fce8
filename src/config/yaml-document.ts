/** Reads one YAML 1.2 document under limits: the only door to the YAML parser. */
import { isNode, LineCounter, parseDocument, visit, type YAMLError } from 'yaml'
import type { ConfigPath, ConfigProblem } from './config-error.ts'

/** A configuration is written by people: a larger file is a mistake or an attack. */
export const FILE_BYTES_MAX = 1_048_576

/** Aliases expand when read: without a limit, ten lines can become gigabytes. */
const ALIAS_COUNT_MAX = 100

/** The settings themselves are seven deep. */
const DEPTH_MAX = 20

const ERRORS_MAX = 100

/** Longer numbers have digits that a double does not hold: they are not meant as numbers. */
const EXACT_NUMBER_LENGTH_MAX = 20

/**
 * What the parser found, in words that do not quote the file: it may hold secrets.
 */
const MESSAGES: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'refers to an anchor that does not exist',
  BAD_INDENT: 'is indented in a way that fits nothing above it, or a [ or { above is not closed',
  DUPLICATE_KEY: 'is a setting that this section already has',
  MISSING_CHAR: 'ends without a character that it needs, such as a quote, bracket or colon',
  MULTIPLE_DOCS: 'begins a second document; there may be only one',
  NON_STRING_KEY: 'is not usable as the name of a setting',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  TAB_AS_INDENT: 'is indented with a tab; YAML wants spaces',
  TAG_RESOLVE_FAILED: 'has a tag that is not known',
  UNEXPECTED_TOKEN: `is not valid YAML here (within { } and [ ], "\${NAME}" needs quotes)`,
}

export interface Position {
  readonly line: number
  readonly column: number
}

export interface YamlDocument {
  readonly value: unknown
  /** Where a setting stands; a missing one stands where the section that lacks it begins. */
  locate(path: ConfigPath): Position | null
}

type YamlReading =
  | { readonly ok: true; readonly document: YamlDocument }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/**
 * Promises a single mapping without duplicate keys, unknown tags or directives. Does not check
 * anything that the settings mean.
 */
export function readYaml(text: string): YamlReading {
  if (text.trim() === '') return refuse('the file is empty')
  try {
    return readDocument(text)
  } catch (error) {
    // The parser is recursive; the alias limit is reported by throwing, too.
    return refuse(
      error instanceof RangeError
        ? 'is nested too deeply'
        : 'cannot be read: aliases expand to too much, or refer to nothing',
    )
  }
}

function readDocument(text: string): YamlReading {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    stringKeys: true,
    prettyErrors: false,
    // Quieter levels keep a second document to themselves.
    logLevel: 'error',
  })
  const errors = [...document.errors, ...document.warnings]
  if (errors.length > 0) {
    return {
      ok: false,
      problems: firstOfEachKind(errors).map((error) => {
        const position = lines.linePos(error.pos[0])
        const message = MESSAGES[error.code] ?? `is not YAML (${error.code})`
        return { path: '', message, line: position.line, column: position.col }
      }),
    }
  }
  if (document.directives?.yaml.explicit === true) {
    return refuse('has a %YAML directive: this file is always YAML 1.2')
  }
  // A digest of digits alone would otherwise become a number, and lose all but the first of them.
  visit(document, {
    Scalar(_key, node) {
      const { source } = node
      const isExact = source === undefined || source.length <= EXACT_NUMBER_LENGTH_MAX
      if (typeof node.value === 'number' && !isExact) node.value = source
    },
  })
  const value: unknown = document.toJS({ maxAliasCount: ALIAS_COUNT_MAX })
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('must be a mapping of settings')
  }
  if (!isWithinDepth(value, DEPTH_MAX)) return refuse('is nested too deeply')
  const locate = (path: ConfigPath): Position | null => {
    for (let length = path.length; length > 0; length -= 1) {
      const node: unknown = document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) {
        const position = lines.linePos(node.range[0])
        return { line: position.line, column: position.col }
      }
    }
    return null
  }
  return { ok: true, document: { value, locate } }
}

/** Also the end of anchors that contain themselves. */
function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((item) => isWithinDepth(item, depth - 1))
}

/** Where the parser has lost its way, everything after it looks wrong, too. */
function firstOfEachKind(errors: readonly YAMLError[]): readonly YAMLError[] {
  let isLost = false
  return errors.slice(0, ERRORS_MAX).filter((error) => {
    if (error.code === 'DUPLICATE_KEY') return true
    if (isLost) return false
    isLost = true
    return true
  })
}

function refuse(message: string): YamlReading {
  return { ok: false, problems: [{ path: '', message, line: null, column: null }] }
}
