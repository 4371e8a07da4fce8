import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { canonicalPath } from '../../src/http/canonical-path.ts'

/** The refusals and the rewriting, written the slow and obvious way. */
function slowCanonicalPath(path: string): string | null {
  if (!/^\/(?:[!-~]*)$/.test(path) || /[#?\\]/.test(path)) return null
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null
  if (/%(?:2[EF]|5C|7F|[01][0-9A-F])/i.test(path)) return null
  const segments = path.slice(1).split('/')
  for (const [position, segment] of segments.entries()) {
    const isLast = position === segments.length - 1
    const name = segment.split(/;|%3B/i)[0] ?? ''
    if (name === '.' || name === '..') return null
    if (name === '' && !(isLast && segment === '')) return null
  }
  return path.replace(/%[0-9A-Fa-f]{2}/g, (encoding) => {
    const character = String.fromCharCode(Number.parseInt(encoding.slice(1), 16))
    return /[A-Za-z0-9\-_~]/.test(character) ? character : encoding.toUpperCase()
  })
}

const hexDigit = fc.constantFrom(...'0123456789abcdefABCDEF'.split(''))
const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('/', '.', '..', ';', '%3b', '%2e', '%2F', '%', 'a', 'Z'),
  },
  { weight: 2, arbitrary: fc.tuple(hexDigit, hexDigit).map(([high, low]) => `%${high}${low}`) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 2 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 4 }) },
)
const anyPath = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)

describe('canonical path against its grammar', () => {
  it('accepts and rewrites exactly what the grammar does', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        assert.equal(canonicalPath(path), slowCanonicalPath(path))
      }),
      { numRuns: 5_000 },
    )
  })

  it('is at rest after one application', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const canonical = canonicalPath(path)
        if (canonical !== null) assert.equal(canonicalPath(canonical), canonical)
      }),
      { numRuns: 5_000 },
    )
  })
})
