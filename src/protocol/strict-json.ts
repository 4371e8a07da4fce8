/**
 * JSON as JOSE wants it: strict UTF-8, every member name once, bounded depth (RFC 7515 §5.2,
 * RFC 7519 §4, RFC 8259). The only door to `JSON.parse`: whatever decides something is read here.
 *
 * `JSON.parse` of V8 13.6 (Node 24) can take a name of one character that is written with an escape
 * for a backslash: `{"x":1,"\u0061":2}` is read so once `{"x":1,"\\":2}` was read in the process.
 * So its names are used only when none of them is written with an escape. Otherwise it only says
 * whether the text is JSON, and the members are read here.
 */
import { isUtf8 } from 'node:buffer'

/** Members of a JSON object. It has no prototype: only what was sent is there. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a value, parsed or not, is an object, and no list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Deeper nesting has no use in a token and costs recursion. */
export const JSON_DEPTH_MAX = 16

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const SPACE = 0x20
const COMMA = 0x2c
const OBJECT_OPENS = 0x7b
const OBJECT_CLOSES = 0x7d
const ARRAY_OPENS = 0x5b
const ARRAY_CLOSES = 0x5d
const BYTE_ORDER_MARK = 0xfeff
/** In place of a count of names. */
const NAME_WITH_ESCAPE = -1

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
  const value = parseStrictJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return value as JsonObject
}

/**
 * The same for the bytes of a document, which may begin with a byte order mark (RFC 8259 §8.1) and
 * need not be an object.
 *
 * @returns `undefined` for what is refused: no JSON text means that.
 */
export function parseJsonDocument(document: Uint8Array): unknown {
  if (!isUtf8(document)) return undefined
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength)
  const text = bytes.toString('utf8')
  return parseStrictJson(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text)
}

/**
 * The same for text of any JSON, not only of an object.
 *
 * @returns `undefined` for what is refused.
 */
export function parseJsonValue(text: string): unknown {
  return parseStrictJson(text)
}

/** A member at the top of an object. */
export interface JsonMember {
  readonly name: string
  readonly value: unknown
  /** The value as it stands in the document. */
  readonly written: string
}

/**
 * The members of the object that a document is, in their order, for the caller who must know how
 * often a name comes: at the top they may come again. Within the values they may not.
 *
 * @returns `null` when it is not strict UTF-8, begins with a byte order mark, is not JSON, not an
 *   object, nested deeper than {@link JSON_DEPTH_MAX}, holds an escaped lone surrogate, or repeats
 *   a name below the top.
 */
export function parseJsonMembers(document: Uint8Array): readonly JsonMember[] | null {
  if (!isUtf8(document)) return null
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength)
  const text = bytes.toString('utf8')
  const parsed = parseJson(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null
  return new KnownJson(text).members() ?? null
}

/** @returns `undefined` for what is not JSON. */
function parseJson(text: string): unknown {
  // JSON.parse has no form that reports failure by value, and this is no hot path.
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @returns `undefined` for what is refused. An object has no prototype. */
function parseStrictJson(text: string): unknown {
  const parsed = parseJson(text)
  if (typeof parsed === 'string' && hasLoneSurrogate(parsed)) return undefined
  if (typeof parsed !== 'object' || parsed === null) return parsed
  const written = countWrittenNames(text)
  if (written === NAME_WITH_ESCAPE) return new KnownJson(text).read()

  // Without an escape there can be no lone surrogate: strict UTF-8 cannot express one.
  const checkStrings = text.includes('\\u')
  if (countKeptNames(parsed, 1, checkStrings) !== written) return undefined
  return Array.isArray(parsed) ? parsed : (Object.setPrototypeOf(parsed, null) as unknown)
}

/**
 * How many member names stand in a text that is known to be JSON: strings before a colon.
 *
 * @returns {@link NAME_WITH_ESCAPE} when one of them is written with an escape.
 */
function countWrittenNames(text: string): number {
  let count = 0
  let backslash = nextBackslash(text, 0)
  let opening = text.indexOf('"')
  while (opening !== -1) {
    const closing = closingQuote(text, opening)
    let index = closing + 1
    // Of what may follow a string in JSON, only white space is at or below a space.
    while (text.charCodeAt(index) <= SPACE) index += 1
    if (backslash < opening) backslash = nextBackslash(text, opening)
    if (text.charCodeAt(index) === COLON) {
      if (backslash < closing) return NAME_WITH_ESCAPE
      count += 1
    }
    opening = text.indexOf('"', index)
  }
  return count
}

function nextBackslash(text: string, from: number): number {
  const index = text.indexOf('\\', from)
  return index === -1 ? text.length : index
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

/**
 * Reads a text that is known to be JSON, where `JSON.parse` does not tell enough: names in it are
 * written with escapes, or may come twice.
 */
class KnownJson {
  readonly #text: string
  /** Of what is read next. */
  #index = 0

  constructor(text: string) {
    this.#text = text
  }

  /** @returns `undefined` for what is nested too deep, holds a lone surrogate or repeats a name. */
  read(): unknown {
    return this.#value(0)
  }

  /** The same for the members of an object, of which those at the top may repeat a name. */
  members(): readonly JsonMember[] | undefined {
    const members: JsonMember[] = []
    this.#peek()
    this.#index += 1
    while (this.#peek() !== OBJECT_CLOSES) {
      const name = this.#name()
      if (name === undefined) return undefined
      this.#peek()
      const start = this.#index
      const value = this.#value(1)
      if (value === undefined) return undefined
      members.push({ name, value, written: this.#text.slice(start, this.#index) })
    }
    return members
  }

  #value(depth: number): unknown {
    switch (this.#peek()) {
      case OBJECT_OPENS:
        return depth === JSON_DEPTH_MAX ? undefined : this.#object(depth + 1)
      case ARRAY_OPENS:
        return depth === JSON_DEPTH_MAX ? undefined : this.#array(depth + 1)
      case QUOTE:
        return this.#string()
      default:
        return this.#literal()
    }
  }

  #object(depth: number): object | undefined {
    const members = Object.create(null) as Record<string, unknown>
    this.#index += 1
    while (this.#peek() !== OBJECT_CLOSES) {
      const name = this.#name()
      if (name === undefined || Object.hasOwn(members, name)) return undefined
      const value = this.#value(depth)
      if (value === undefined) return undefined
      members[name] = value
    }
    this.#index += 1
    return members
  }

  /** The next name, and with it the comma before and the colon behind it. */
  #name(): string | undefined {
    if (this.#peek() === COMMA) this.#index += 1
    this.#peek()
    const name = this.#string()
    this.#peek()
    this.#index += 1
    return name
  }

  #array(depth: number): readonly unknown[] | undefined {
    const elements: unknown[] = []
    this.#index += 1
    while (this.#peek() !== ARRAY_CLOSES) {
      if (this.#peek() === COMMA) this.#index += 1
      const element = this.#value(depth)
      if (element === undefined) return undefined
      elements.push(element)
    }
    this.#index += 1
    return elements
  }

  #string(): string | undefined {
    const opening = this.#index
    this.#index = closingQuote(this.#text, opening) + 1
    const written = this.#text.slice(opening, this.#index)
    if (!written.includes('\\')) return written.slice(1, -1)
    // A string alone is no name, so it is read right by every version.
    const text = JSON.parse(written) as string
    return hasLoneSurrogate(text) ? undefined : text
  }

  /** A number, `true`, `false` or `null`. */
  #literal(): unknown {
    const start = this.#index
    while (!endsLiteral(this.#text.charCodeAt(this.#index))) this.#index += 1
    const written = this.#text.slice(start, this.#index)
    switch (written) {
      case 'true':
        return true
      case 'false':
        return false
      case 'null':
        return null
      default:
        return Number(written)
    }
  }

  /** The next code unit that is not white space, without taking it. */
  #peek(): number {
    while (this.#text.charCodeAt(this.#index) <= SPACE) this.#index += 1
    return this.#text.charCodeAt(this.#index)
  }
}

/** Also at the end of the text, where the code is not a number. */
function endsLiteral(code: number): boolean {
  const isPart = code > SPACE && code !== COMMA && code !== OBJECT_CLOSES && code !== ARRAY_CLOSES
  return !isPart
}
