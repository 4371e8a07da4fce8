/** One option of a command, and what was given for it. */

export interface OptionRow {
  /** Placeholder of its value in the usage; `null` for a switch. */
  readonly value: string | null
  readonly isRequired: boolean
  readonly isRepeatable: boolean
  readonly meaning: string
}

/** By name, in their order. A switch that is given has one empty text. */
export type OptionValues = ReadonlyMap<string, readonly string[]>
