/**
 * Typed reading of what keys, headers, claims, answers and records may say, or leave out: the one
 * rule for what counts as left out. docs/values.md has it as a table.
 *
 * A member that is there but of another type makes its whole document unreadable: dropping it
 * silently could turn "has no rights" into "has no limits".
 */

const NONE: readonly string[] = Object.freeze([])

/**
 * Whether a member counts as left out: it is not there, null or an empty list, as serializers write
 * what was never set. An empty text is left out only where text is read: {@link optionalText}.
 *
 * Says nothing of members that must be there, nor of those whose presence alone has a meaning
 * (RFC 7515 §4.1.11: `crit` must not be empty).
 */
export function isAbsent(value: unknown): value is undefined | null | readonly [] {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}

/** The same where an empty text is left out, too. */
export function isAbsentOrEmpty(value: unknown): value is undefined | null | '' | readonly [] {
  return value === '' || isAbsent(value)
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** @returns The text; `null` when absent or empty; `undefined` when of another type. */
export function optionalText(value: unknown): string | null | undefined {
  if (isAbsentOrEmpty(value)) return null
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
 * @returns A list of text, none of it empty; an empty list when absent; `undefined` when it is
 *   anything else.
 */
function optionalTexts(value: unknown): readonly string[] | undefined {
  if (isAbsent(value)) return NONE
  return Array.isArray(value) && value.every(isText) ? value : undefined
}

/** As {@link optionalTexts}, but takes one text for a list of one, and an empty one for none. */
export function optionalTextOrTexts(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return value === '' ? NONE : [value]
  return optionalTexts(value)
}
