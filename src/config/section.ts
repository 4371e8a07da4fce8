/**
 * What there is to know about one section of the configuration file.
 *
 * A section is one file of `sections/` and one row of `sections.ts`. The schema, the checks, the
 * resolution, the manual and the type of the configuration follow from these rows.
 */
import { isJsonObject } from '../protocol/strict-json.ts'
import type { ReportProblem } from './config-error.ts'
import type { EnvironmentReading } from './environment.ts'
import { listOf, named, type Output, type Setting, unlessAbsent } from './setting.ts'
import type { SettingFiles } from './setting-files.ts'

/** What settings are completed with. */
export interface Surroundings {
  readonly files: SettingFiles
  readonly environment: EnvironmentReading
}

/**
 * - `Read`: as much of the section as is well-formed by itself.
 * - `Needs`: this section and the others that it refers to, as they were read.
 * - `Resolved`: what the gateway is composed from. Plain values, for they go to other threads:
 *   durations in milliseconds, absolute names of files, everything complete.
 */
export interface Section<Read, Needs, Resolved> {
  /** What may be written, and what it means to leave it out. */
  readonly schema: Setting
  readonly read: (value: unknown) => Read
  /** What must hold between well-formed settings. Opens no file and looks up no name. */
  readonly check?: (settings: Needs, report: ReportProblem) => void
  /** @returns `undefined` when a part is missing; then there has been a problem about it. */
  readonly resolve: (settings: Needs, surroundings: Surroundings) => Resolved | undefined
}

/** The type with which a configuration is handed on: nothing may change it. */
export type Immutable<Value> = Value extends Uint8Array
  ? Value
  : { readonly [Key in keyof Value]: Immutable<Value[Key]> }

/** A section that may be left out. There, but `null`: it is not well-formed. */
export interface OptionalSettings<Settings> {
  readonly isThere: boolean
  readonly settings: Settings | null
}

/** Settings by the name that the operator chose; `null`: not well-formed. */
export type NamedSettings<Settings> = ReadonlyMap<string, Settings | null>

/** A section that is always there: left out, it has only defaults. `null`: not well-formed. */
export function always<Schema extends Setting>(schema: Schema) {
  return {
    schema: (schema as Setting).prefault({}),
    read: (value: unknown) => alone(schema, value ?? {}),
  }
}

/** A section that may be left out. */
export function optional<Schema extends Setting>(schema: Schema) {
  return {
    schema: unlessAbsent(schema),
    read(value: unknown): OptionalSettings<Output<Schema>> {
      if (value === undefined || value === null) return { isThere: false, settings: null }
      return { isThere: true, settings: alone(schema, value) }
    },
  }
}

/**
 * A section of settings of one kind, by name. One bad entry must not hide what is wrong with the
 * others, so each is read alone; the same holds for {@link eachListed}.
 */
export function eachNamed<Schema extends Setting>(what: string, schema: Schema) {
  return {
    schema: named(what, schema),
    read(value: unknown): NamedSettings<Output<Schema>> {
      const entries = Object.entries(mapping(value))
      return new Map(entries.map(([name, item]) => [name, alone(schema, item)]))
    },
  }
}

/** A section that is a list of at least one of a kind. `null`: not well-formed. */
export function eachListed<Schema extends Setting>(what: string, schema: Schema) {
  return {
    schema: listOf(what, schema, { minimum: 1 }),
    read(value: unknown): readonly (Output<Schema> | null)[] {
      return Array.isArray(value) ? value.map((item) => alone(schema, item)) : []
    },
  }
}

/** @returns `null` when the value is not well-formed; the schema of the whole file says why. */
function alone<Schema extends Setting>(schema: Schema, value: unknown): Output<Schema> | null {
  const result = schema.safeParse(value)
  return result.success ? result.data : null
}

/** The value where it is a mapping; otherwise an empty one. */
export function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return isJsonObject(value) ? value : {}
}

/** @returns `undefined` when one of them is missing. */
export function allOf<Item>(items: readonly (Item | null)[]): readonly Item[] | undefined {
  return items.includes(null) ? undefined : (items as readonly Item[])
}
