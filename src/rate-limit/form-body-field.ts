/** Finds a field of a form in `application/x-www-form-urlencoded` (WHATWG URL §5.1). */
import { isUtf8 } from 'node:buffer'
import { parameterEnd } from '../http/query-parameter.ts'
import { FieldSpelling, type FoundField } from './field-spelling.ts'

/** As many as PHP and Express take by default. */
const PAIRS_MAX = 1_000

/** A service that goes by the body, whatever its type, would read JSON or XML. */
const BEGINS_LIKE_ANOTHER_TYPE = /^[\0- \ufeff]*[{["</]/

interface Pair {
  readonly name: string
  readonly value: string
  /** Whether `&` is on both sides. Older Java, Python and Perl take `;` as well. */
  readonly isApart: boolean
}

/**
 * Of names that are percent-encoded only what they decode to counts.
 *
 * @returns `null` when the body is not strict UTF-8, decoded or not, has a malformed escape, more
 *   than 1000 pairs, the beginning of another type, or says of itself to be in another charset.
 */
export function findFormField(bytes: Uint8Array, field: string): FoundField | null {
  if (!isUtf8(bytes)) return null
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  if (BEGINS_LIKE_ANOTHER_TYPE.test(body)) return null
  const pairs = pairsOf(body)
  if (pairs === null) return null
  const spelling = new FieldSpelling(field)
  let names = 0
  let isExact = false
  let text: string | null = null
  for (const { name, value, isApart } of pairs) {
    if (namesAnotherCharset(name, value)) return null
    if (!spelling.isInForm(name)) continue
    names += 1
    isExact = name === field
    text = isApart ? value : null
  }
  return { names, isExact, text }
}

function pairsOf(body: string): readonly Pair[] | null {
  const pairs: Pair[] = []
  let start = 0
  let isAfterSemicolon = false
  while (start <= body.length) {
    const end = parameterEnd(body, start)
    const isBeforeSemicolon = body[end] === ';'
    const written = body.slice(start, end)
    const equals = written.indexOf('=')
    const name = decoded(equals === -1 ? written : written.slice(0, equals))
    const value = decoded(equals === -1 ? '' : written.slice(equals + 1))
    if (name === null || value === null || pairs.length === PAIRS_MAX) return null
    pairs.push({ name, value, isApart: !isAfterSemicolon && !isBeforeSemicolon })
    isAfterSemicolon = isBeforeSemicolon
    start = end + 1
  }
  return pairs
}

/** @returns `null` for a malformed escape, and for escapes that are not UTF-8. */
function decoded(written: string): string | null {
  const text = written.replaceAll('+', ' ')
  // decodeURIComponent has no form that reports failure by value, and this is no hot path.
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** In HTML (§4.10.22) and in Rails and qs, a form may tell its charset by one of its own fields. */
function namesAnotherCharset(name: string, value: string): boolean {
  if (name === '_charset_') return value.toLowerCase() !== 'utf-8'
  return name === 'utf8' && value === '&#10003;'
}
