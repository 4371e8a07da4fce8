/** Finds a member at the top of a JSON body (RFC 8259). */
import { parseJsonMembers } from '../protocol/strict-json.ts'
import { FieldSpelling, type FoundField } from './field-spelling.ts'

const WHOLE_NUMBER = /^(?:0|-?[1-9]\d*)$/

/**
 * Whole numbers are their decimal text, as they are written and up to 2^53, where services begin to
 * read several of them as one. Objects of which the name is part of the value do not count.
 *
 * @returns `null` when the body is not one JSON object to the letter: see {@link parseJsonMembers}.
 *   The first 16 levels of it are looked at, and deeper ones refused.
 */
export function findJsonField(bytes: Uint8Array, field: string): FoundField | null {
  const members = parseJsonMembers(bytes)
  if (members === null) return null
  const spelling = new FieldSpelling(field)
  let names = 0
  let isExact = false
  let text: string | null = null
  for (const { name, value, written } of members) {
    if (!spelling.isInJson(name)) continue
    names += 1
    isExact = name === field
    text = textOf(value, written)
  }
  return { names, isExact, text }
}

function textOf(value: unknown, written: string): string | null {
  if (typeof value === 'string') return value
  return Number.isSafeInteger(value) && WHOLE_NUMBER.test(written) ? written : null
}
