/**
 * Typed reading of what claims and records may say, or leave out.
 *
 * A member that is there but of another type makes its whole document unreadable: dropping it
 * silently could turn "has no rights" into "has no limits".
 */

const NONE: readonly string[] = Object.freeze([])

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** @returns The text; `null` when absent, null or empty; `undefined` when of another type. */
export function optionalText(value: unknown): string | null | undefined {
  if (value === undefined || value === null || value === '') return null
  return typeof value === 'string' ? value : undefined
}

/**
 * Like {@link optionalText}, but takes an integer for its decimal text: many number their users.
 * Beyond 2^53 two of them could read as one, so such a number is of another type.
 */
export function optionalTextOrInteger(value: unknown): string | null | undefined {
  return Number.isSafeInteger(value) ? String(value) : optionalText(value)
}

/**
 * @returns A list of text, none of it empty; an empty list when absent or null; `undefined` when it
 *   is anything else.
 */
export function optionalTexts(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return NONE
  return Array.isArray(value) && value.every(isText) ? value : undefined
}
