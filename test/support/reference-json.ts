/**
 * Strict JSON the slow and obvious way (RFC 8259): one character after the other, without
 * `JSON.parse`. What a parser of the gateway makes of a text is compared with this.
 */

const DEPTH_MAX = 16

/** Why a text is refused; the first problem from the left counts. */
export type JsonProblem = 'not UTF-8' | 'syntax' | 'depth' | 'repeated name' | 'lone surrogate'

/** Objects are maps, so that no name has a meaning. */
export type ReferenceJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: JsonProblem }

class Refusal extends Error {
  readonly problem: JsonProblem

  constructor(problem: JsonProblem) {
    super(problem)
    this.problem = problem
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const PLAIN = /[ !#-[\]-\u{10ffff}]*/uy
const SPACES = /[ \t\n\r]*/y
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
const LITERALS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
])

function readReferenceJson(text: string): ReferenceJson {
  try {
    return { ok: true, value: new Reader(text).document() }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.problem }
    throw error
  }
}

/** The same for bytes. A byte order mark is no part of the text where a document may have one. */
export function readReferenceBytes(bytes: Uint8Array, mayHaveMark: boolean): ReferenceJson {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { ok: false, problem: 'not UTF-8' }
  }
  return readReferenceJson(mayHaveMark && text.startsWith('\ufeff') ? text.slice(1) : text)
}

/** What a parser made, with maps for objects, to be compared with a reference. */
export function withMaps(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withMaps)
  return new Map(Object.entries(value).map(([name, member]) => [name, withMaps(member)]))
}

class Reader {
  readonly #text: string
  #index = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): unknown {
    const value = this.#value(0)
    this.#take(SPACES)
    if (this.#index < this.#text.length) throw new Refusal('syntax')
    return value
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#index
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#index += found.length
    return found
  }

  #next(): string {
    this.#take(SPACES)
    return this.#text.charAt(this.#index)
  }

  #skip(expected: string): boolean {
    if (this.#next() !== expected) return false
    this.#index += 1
    return true
  }

  #value(depth: number): unknown {
    const first = this.#next()
    if (first === '"') return this.#string()
    if (first === '{' || first === '[') {
      if (depth === DEPTH_MAX) throw new Refusal('depth')
      return first === '{' ? this.#object(depth + 1) : this.#array(depth + 1)
    }
    for (const [literal, value] of LITERALS) {
      if (!this.#text.startsWith(literal, this.#index)) continue
      this.#index += literal.length
      return value
    }
    const number = this.#take(NUMBER)
    if (number === '') throw new Refusal('syntax')
    return Number(number)
  }

  #object(depth: number): unknown {
    const members = new Map<string, unknown>()
    this.#skip('{')
    if (this.#skip('}')) return members
    do {
      if (this.#next() !== '"') throw new Refusal('syntax')
      const name = this.#string()
      if (members.has(name)) throw new Refusal('repeated name')
      if (!this.#skip(':')) throw new Refusal('syntax')
      members.set(name, this.#value(depth))
    } while (this.#skip(','))
    if (!this.#skip('}')) throw new Refusal('syntax')
    return members
  }

  #array(depth: number): unknown {
    const elements: unknown[] = []
    this.#skip('[')
    if (this.#skip(']')) return elements
    do elements.push(this.#value(depth))
    while (this.#skip(','))
    if (!this.#skip(']')) throw new Refusal('syntax')
    return elements
  }

  #string(): string {
    let value = ''
    this.#index += 1
    for (;;) {
      value += this.#take(PLAIN)
      const character = this.#text.charAt(this.#index)
      this.#index += 1
      if (character === '"') break
      if (character !== '\\') throw new Refusal('syntax')
      value += this.#escape()
    }
    if (/\p{Surrogate}/u.test(value)) throw new Refusal('lone surrogate')
    return value
  }

  #escape(): string {
    const letter = this.#text.charAt(this.#index)
    this.#index += 1
    if (letter !== 'u') {
      const character = ESCAPES[letter]
      if (character === undefined) throw new Refusal('syntax')
      return character
    }
    const digits = this.#text.slice(this.#index, this.#index + 4)
    if (!/^[0-9A-Fa-f]{4}$/.test(digits)) throw new Refusal('syntax')
    this.#index += 4
    return String.fromCharCode(Number.parseInt(digits, 16))
  }
}
