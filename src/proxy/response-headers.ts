/**
 * Hot path: what of an upstream's response head may go to the client (RFC 9110 §7.6.1, §8.6).
 *
 * An upstream is trusted with content, never with framing: the server frames every answer itself,
 * so that nothing an upstream sends can split one answer into two.
 */
import { addNamedFields, withoutFields } from '../http/connection-options.ts'
import type { HeaderList } from '../http/header-list.ts'
import { noteOpaqueBytes } from '../http/opaque-bytes.ts'
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_RELAYED,
  FIELD_WITHHELD,
  type FieldName,
  fieldName,
} from './field-name-table.ts'

/** Stands for a length that cannot be believed. */
const CONTRADICTION = -1
/** Decimal digits of a length that surely fits a JavaScript integer. */
const LENGTH_DIGITS_MAX = 15
const DIGIT_ZERO = 0x30
const DIGIT_NINE = 0x39
const TAB = 0x09
const SPACE = 0x20
const DELETE = 0x7f
const BLANK_ENDS = /^[\t ]+|[\t ]+$/g

/** The part of a relay that a response head is read into. */
export interface ResponseHead {
  /** `[name, value, …]` for the client, names as the upstream spelled them. */
  headers: string[]
  /** `null` when the upstream declares none. */
  contentLength: number | null
}

/**
 * Reads raw fields into `into`: first the gateway's own, then what the upstream sent without
 * hop-by-hop fields, those that `Connection` names, `Date`, `Content-Length` (which becomes a
 * number), fields that the gateway sets itself, and fields whose name is no token.
 *
 * Values lose leading and trailing white space and every control byte but TAB. Bytes over 0x7F go
 * on as they came, whatever their encoding: one character a byte.
 *
 * @param raw Name, value, … as the parser found them.
 * @param answerHeaders The gateway's own fields for this answer.
 * @param withheldField A name that only answers of the gateway have here, in lower case, told to
 *   `withholdField` before; `null`: none.
 * @returns `false` when the head contradicts itself: two lengths, or one that is no number.
 */
export function readResponseHead(
  raw: readonly Buffer[],
  answerHeaders: HeaderList,
  withheldField: string | null,
  into: ResponseHead,
): boolean {
  const headers: string[] = answerHeaders.length === 0 ? [] : answerHeaders.slice()
  let contentLength: number | null = null
  let named: Set<string> | null = null
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = fieldName(raw[index] as Buffer)
    const value = raw[index + 1] as Buffer
    if (isRelayed(name, withheldField)) {
      if (!isOwn(answerHeaders, name.lowerCase)) headers.push(name.text, fieldText(value))
    } else if (name.treatment === FIELD_CONTENT_LENGTH) {
      contentLength = soleLength(contentLength, value)
    } else if (name.treatment === FIELD_CONNECTION) {
      named = addNamedFields(value.toString('latin1'), named)
    }
  }
  if (contentLength === CONTRADICTION) return false
  into.headers = named === null ? headers : withoutRelayed(headers, answerHeaders.length, named)
  into.contentLength = contentLength
  return true
}

function isRelayed({ treatment, lowerCase }: FieldName, withheldField: string | null): boolean {
  return (
    treatment === FIELD_RELAYED || (treatment === FIELD_WITHHELD && lowerCase !== withheldField)
  )
}

function isOwn(answerHeaders: HeaderList, lowerCase: string): boolean {
  for (let index = 0; index < answerHeaders.length; index += 2) {
    if (answerHeaders[index] === lowerCase) return true
  }
  return false
}

/**
 * The list without fields of these lower-case names that the upstream sent: neither its
 * `Connection` nor a route takes away what the gateway adds.
 *
 * @param headers Of which the first `ownCount` strings are the gateway's own fields.
 */
export function withoutRelayed(
  headers: readonly string[],
  ownCount: number,
  names: ReadonlySet<string>,
): string[] {
  return headers.slice(0, ownCount).concat(withoutFields(headers.slice(ownCount), names))
}

/** RFC 9112 §6.3: a second length is not compared, it is refused. */
function soleLength(before: number | null, value: Buffer): number {
  return before === null ? decimal(value) : CONTRADICTION
}

/** The number that these bytes spell, or `CONTRADICTION`. The parser has trimmed white space. */
function decimal(bytes: Buffer): number {
  if (bytes.length === 0 || bytes.length > LENGTH_DIGITS_MAX) return CONTRADICTION
  let number = 0
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number
    if (byte < DIGIT_ZERO || byte > DIGIT_NINE) return CONTRADICTION
    number = number * 10 + (byte - DIGIT_ZERO)
  }
  return number
}

function fieldText(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit >= DELETE || (unit < SPACE && unit !== TAB)) return cleanedText(bytes)
  }
  return text
}

/** The slow way, for values that hold anything but visible ASCII, space and TAB. */
function cleanedText(bytes: Buffer): string {
  noteOpaqueBytes()
  const text = bytes.toString('latin1')
  let cleaned = ''
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    const isControl = unit === DELETE || (unit < SPACE && unit !== TAB)
    if (!isControl) cleaned += text[index]
  }
  return cleaned.replace(BLANK_ENDS, '')
}
