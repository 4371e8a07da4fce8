/**
 * The kinds of setting that a configuration file is made of, each with its limits and its words
 * for the manual: the only door to zod.
 *
 * Every kind takes its description first, so that a setting cannot be written down without one.
 * Messages never repeat the value that was found: it may be a secret.
 */
import * as z from 'zod'
import { CONFIGURED_NAME } from '../tenants/tenant-grammar.ts'
import { DURATION_PATTERN, parseDuration } from './duration.ts'

/** What one piece of configuration looks like once it has been read. */
export type Output<Schema extends z.ZodType> = z.output<Schema>

export type Setting = z.ZodType

/** Asks for the value beside each issue, to tell a missing one; it must never be printed. */
export const READING = { reportInput: true } as const

/** One thing that the schema found wrong. */
export type SchemaIssue = z.core.$ZodIssue

const TEXT_LENGTH_MAX = 2_048

const MULTI_LINE_LENGTH_MAX = 16_384

const LIST_LENGTH_MAX = 1_000

/** Visible ASCII and space: what may stand in a header, a URL or a log line without harm. */
const PRINTABLE = /^[\x20-\x7e]*$/

/** A group of settings. Keys that it does not list are errors. */
export function section<Shape extends z.core.$ZodLooseShape>(what: string, shape: Shape) {
  return z.strictObject(shape).meta({ description: what })
}

/** The same kind of setting with words of its own for the manual. */
export function described<Schema extends z.ZodType>(schema: Schema, what: string): Schema {
  return schema.meta({ description: what })
}

/** A mapping from names that the operator chooses to settings of one kind. */
export function named<Value extends z.ZodType>(
  what: string,
  value: Value,
  pattern = CONFIGURED_NAME,
  problem = 'is not a usable name: start with a letter and use letters, digits, _ and -, 64 at most',
) {
  const name = z.string().regex(pattern, { error: problem })
  return z.record(name, value).meta({ description: what })
}

export function text(what: string) {
  return z
    .string()
    .min(1, { error: 'must not be empty' })
    .max(TEXT_LENGTH_MAX, { error: `must be at most ${TEXT_LENGTH_MAX} characters` })
    .regex(PRINTABLE, { error: 'must consist of printable ASCII characters' })
    .meta({ description: what })
}

/** Text with a grammar. @param problem Reads on from the path: `must be …`. */
export function patternText(what: string, pattern: RegExp, problem: string) {
  return z
    .string()
    .max(TEXT_LENGTH_MAX, { error: `must be at most ${TEXT_LENGTH_MAX} characters` })
    .regex(pattern, { error: problem })
    .meta({ description: what })
}

/**
 * Text that a function checks.
 * @param parse Gives the value to use, or `null` for "no".
 */
export function checkedText<Value>(
  what: string,
  parse: (value: string) => Value | null,
  problem: string,
) {
  return text(what).transform((value, context) => {
    const parsed = parse(value)
    if (parsed !== null) return parsed
    context.addIssue({ code: 'custom', message: problem })
    return z.NEVER
  })
}

/** What a function made of a text; the problem reads on from the path: `must be …`. */
type ParsedText<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string }

/** Text that a function parses, which says itself what is wrong. */
export function parsedText<Value>(what: string, parse: (value: string) => ParsedText<Value>) {
  return text(what).transform((value, context) => {
    const parsed = parse(value)
    if (parsed.ok) return parsed.value
    context.addIssue({ code: 'custom', message: parsed.problem })
    return z.NEVER
  })
}

/** The same for text of several lines, in any language. */
export function multiLineText<Value>(what: string, parse: (value: string) => ParsedText<Value>) {
  return z
    .string()
    .max(MULTI_LINE_LENGTH_MAX, { error: `must be at most ${MULTI_LINE_LENGTH_MAX} characters` })
    .meta({ description: what })
    .transform((value, context) => {
      const parsed = parse(value)
      if (parsed.ok) return parsed.value
      context.addIssue({ code: 'custom', message: parsed.problem })
      return z.NEVER
    })
}

/** Text, or what YAML reads as a whole number, `true` or `false`. */
export function claimValue(what: string) {
  return z
    .union([text(what), z.int().meta({ description: what }), flag(what)], {
      error: 'must be text, a whole number, true or false',
    })
    .meta({ description: what })
}

/** The same, for comparing it with a claim; becomes text. */
export function claimText(what: string) {
  return claimValue(what).transform(String)
}

/** Arbitrary text that must never be printed. */
export function secretText(what: string) {
  return z.string().min(1, { error: 'must not be empty' }).max(65_536).meta({ description: what })
}

interface NumberLimits {
  readonly minimum: number
  readonly maximum: number
}

export function wholeNumber(what: string, { minimum, maximum }: NumberLimits) {
  const problem = `must be a whole number from ${minimum} to ${maximum}`
  return z
    .int({ error: problem })
    .min(minimum, { error: problem })
    .max(maximum, { error: problem })
    .meta({ description: what })
}

/** A share of a whole: 0 is none, 1 is all. */
export function fraction(what: string) {
  const problem = 'must be a number from 0 to 1'
  return z
    .number({ error: problem })
    .min(0, { error: problem })
    .max(1, { error: problem })
    .meta({ description: what })
}

export function flag(what: string) {
  return z.boolean({ error: 'must be true or false' }).meta({ description: what })
}

interface DurationLimits {
  readonly minimum: string
  readonly maximum: string
}

/** A duration; becomes milliseconds. Limits are written like durations and are inclusive. */
export function duration(what: string, { minimum, maximum }: DurationLimits) {
  const minimumMs = parseDuration(minimum) ?? Number.NaN
  const maximumMs = parseDuration(maximum) ?? Number.NaN
  return z
    .string({ error: 'must be a duration with its unit, such as 250ms, 30s, 5m or 1h' })
    .regex(DURATION_PATTERN, {
      error: 'must be a duration with its unit, such as 250ms, 30s, 5m or 1h',
      abort: true,
    })
    .meta({ description: what, 'x-limits': `${minimum} to ${maximum}` })
    .transform((value, context) => {
      const ms = parseDuration(value)
      if (ms !== null && ms >= minimumMs && ms <= maximumMs) return ms
      context.addIssue({ code: 'custom', message: `must be from ${minimum} to ${maximum}` })
      return z.NEVER
    })
}

/**
 * One of a few words.
 * @param later Words of the contract that this version does not know yet: refused by name, so
 *   that the operator does not look for a typing error.
 */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  what: string,
  words: Words,
  later: readonly string[] = [],
) {
  return z
    .enum(words, {
      error: ({ input }) =>
        typeof input === 'string' && later.includes(input)
          ? `"${input}" is not available in this version`
          : `must be ${words.length === 1 ? '' : 'one of '}${words.join(', ')}`,
    })
    .meta({ description: what })
}

export function listOf<Item extends z.ZodType>(
  what: string,
  item: Item,
  {
    minimum,
    maximum = LIST_LENGTH_MAX,
  }: { readonly minimum: number; readonly maximum?: number } = { minimum: 0 },
) {
  return z
    .array(item, { error: 'must be a list' })
    .min(minimum, { error: `must list at least ${minimum === 1 ? 'one' : minimum}` })
    .max(maximum, { error: `must list at most ${maximum}` })
    .meta({ description: what })
}

/** One of several kinds. @param problem About a value that is none of them. */
export function either<const Kinds extends readonly [z.ZodType, z.ZodType, ...z.ZodType[]]>(
  what: string,
  kinds: Kinds,
  problem: string,
) {
  return z.union(kinds, { error: problem }).meta({ description: what })
}

/** One of several sections, told apart by the word at one of their keys. */
export function variant<
  const Sections extends readonly [z.core.$ZodTypeDiscriminable, ...z.core.$ZodTypeDiscriminable[]],
>(what: string, key: string, sections: Sections, problem: string) {
  return z.discriminatedUnion(key, sections, { error: problem }).meta({ description: what })
}

/** The word that tells a {@link variant} from its siblings. */
export function word<const Word extends string>(value: Word) {
  return z.literal(value)
}

/** May be left out or `null`; either reads as `null`. */
export function unlessAbsent<Schema extends z.ZodType>(schema: Schema) {
  return z.nullable(schema).prefault(null)
}

/** May be `null`; left out, it reads as `undefined`, because its default depends on others. */
export function nullable<Schema extends z.ZodType>(schema: Schema) {
  return z.nullable(schema).optional()
}

/** The JSON Schema of the file (what is written, not what it becomes), for editors. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' })
}
