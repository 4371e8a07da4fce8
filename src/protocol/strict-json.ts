/**
 * JSON objects as JOSE wants them: strict UTF-8, every member name once, bounded depth
 * (RFC 7515 §5.2, RFC 7519 §4, RFC 8259).
 */
import { isUtf8 } from 'node:buffer'

/** Members of a JSON object. It has no prototype: only what was sent is there. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Deeper nesting has no use in a token and costs recursion. */
export const JSON_DEPTH_MAX = 16

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const SPACE = 0x20

/**
 * Decodes and parses a segment of a token.
 *
 * Two parsers that disagree about a repeated member name are how one token comes to say two
 * things, so a repetition at any depth refuses the whole object.
 *
 * @param segment Canonical base64url; see compact-jws.ts.
 * @returns `null` when the bytes are not strict UTF-8, not JSON, not an object, nested deeper than
 *   {@link JSON_DEPTH_MAX}, hold a lone surrogate, or repeat a name.
 */
export function parseJsonObject(segment: string): JsonObject | null {
  const bytes = Buffer.from(segment, 'base64url')
  return isUtf8(bytes) ? parseJsonText(bytes.toString('utf8')) : null
}

/**
 * The same for text that has been decoded already. Does not bound its length: the caller does.
 *
 * @returns `null` when it is not JSON, not an object, nested deeper than {@link JSON_DEPTH_MAX},
 *   holds an escaped lone surrogate, or repeats a name.
 */
export function parseJsonText(text: string): JsonObject | null {
  let parsed: unknown
  // JSON.parse has no form that reports failure by value, and this is no hot path.
  try {
    parsed = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null

  // Without an escape there can be no lone surrogate: strict UTF-8 cannot express one.
  const checkStrings = text.includes('\\u')
  if (countKeptNames(parsed, 1, checkStrings) !== countWrittenNames(text)) return null
  return Object.setPrototypeOf(parsed, null)
}

/** How many member names stand in a text that is known to be JSON: strings before a colon. */
function countWrittenNames(text: string): number {
  let count = 0
  let opening = text.indexOf('"')
  while (opening !== -1) {
    let index = closingQuote(text, opening) + 1
    // Of what may follow a string in JSON, only white space is at or below a space.
    while (text.charCodeAt(index) <= SPACE) index += 1
    if (text.charCodeAt(index) === COLON) count += 1
    opening = text.indexOf('"', index)
  }
  return count
}

/** Index of the quote that ends the string which begins at `opening`. */
function closingQuote(text: string, opening: number): number {
  // The native search finds it in most strings; only behind a backslash is a quote in doubt.
  const candidate = text.indexOf('"', opening + 1)
  if (text.charCodeAt(candidate - 1) !== BACKSLASH) return candidate
  let index = opening + 1
  for (let code = text.charCodeAt(index); code !== QUOTE; code = text.charCodeAt(index)) {
    index += code === BACKSLASH ? 2 : 1
  }
  return index
}

/** How many members the parser kept: fewer than were written when a name was repeated. */
function countKeptNames(value: object, depth: number, checkStrings: boolean): number {
  if (depth > JSON_DEPTH_MAX) return Number.NaN
  const isArray = Array.isArray(value)
  const members: readonly unknown[] = isArray ? value : Object.values(value)
  let count = isArray ? 0 : members.length
  for (const member of members) {
    if (typeof member === 'object' && member !== null) {
      count += countKeptNames(member, depth + 1, checkStrings)
    } else if (checkStrings && typeof member === 'string' && hasLoneSurrogate(member)) {
      return Number.NaN
    }
  }
  return count
}

/** Such a string has no UTF-8: two different ones would become one on the way to the upstream. */
function hasLoneSurrogate(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0xd800 || code > 0xdfff) continue
    const next = text.charCodeAt(index + 1)
    if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return true
    index += 1
  }
  return false
}
