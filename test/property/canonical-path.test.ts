import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  canonicalPath,
  canonicalPathWith,
  EMPTY_SEGMENTS,
  ENCODED_SLASHES,
  pathForms,
} from '../../src/http/canonical-path.ts'
import { propertyRuns } from '../support/property-runs.ts'
import { decodedSegments, slowCanonicalPath } from '../support/slow-canonical-path.ts'

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

const accepted = anyPath.map(canonicalPath).filter((path) => path !== null)
/** Any unreserved character in its percent-encoding; the dot is refused in that form. */
const ENCODABLE = /[A-Za-z0-9\-_~]/

/** The same path with other characters encoded, and hex digits in another case. */
function respelled(path: string, choices: readonly boolean[]): string {
  let places = 0
  const isChosen = (): boolean => choices[places++ % choices.length] === true
  return path.replace(/%[0-9A-F]{2}|[A-Za-z0-9\-_~]/g, (written) => {
    if (!isChosen()) return written
    if (!ENCODABLE.test(written.charAt(0))) return written.toLowerCase()
    const hex = written.charCodeAt(0).toString(16)
    return `%${isChosen() ? hex : hex.toUpperCase()}`
  })
}

describe('canonical path against its grammar', () => {
  it('accepts and rewrites exactly what the grammar does', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        assert.equal(canonicalPath(path), slowCanonicalPath(path))
      }),
      propertyRuns(5_000),
    )
  })

  it('keeps exactly the forms that the grammar keeps', () => {
    for (const kept of [ENCODED_SLASHES, EMPTY_SEGMENTS, ENCODED_SLASHES | EMPTY_SEGMENTS]) {
      fc.assert(
        fc.property(anyPath, (path) => {
          const canonical = canonicalPathWith(path, kept)
          assert.equal(canonical, slowCanonicalPath(path, kept))
          if (canonical !== null) assert.equal(pathForms(canonical) & ~kept, 0)
        }),
        propertyRuns(3_000),
      )
    }
  })

  it('has no dot segment once its kept slashes are decoded', () => {
    const kept = ENCODED_SLASHES | EMPTY_SEGMENTS
    fc.assert(
      fc.property(anyPath, (path) => {
        const parts = canonicalPathWith(path, kept)?.split(/\/|%2F/) ?? []
        for (const part of parts) assert.doesNotMatch(part, /^\.{1,2}(?:;|%3B|$)/)
      }),
      propertyRuns(3_000),
    )
  })

  it('is at rest after one application', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const canonical = canonicalPath(path)
        if (canonical !== null) assert.equal(canonicalPath(canonical), canonical)
      }),
      propertyRuns(5_000),
    )
  })

  it('stands for the same bytes as the path did, segment by segment', () => {
    fc.assert(
      fc.property(anyPath, (path) => {
        const canonical = canonicalPath(path)
        if (canonical !== null) assert.deepEqual(decodedSegments(canonical), decodedSegments(path))
      }),
      propertyRuns(5_000),
    )
  })

  it('is one for all spellings of a path, and never one of the spellings that are rewritten', () => {
    const spellings = fc.array(fc.array(fc.boolean(), { minLength: 1 }), { minLength: 1 })
    let rewritten = 0
    fc.assert(
      fc.property(accepted, spellings, (path, choices) => {
        for (const choice of choices) {
          const spelling = respelled(path, choice)
          assert.equal(canonicalPath(spelling), path)
          if (spelling !== path) rewritten += 1
        }
      }),
      propertyRuns(2_000),
    )
    assert.ok(rewritten > 500, `only ${rewritten} spellings were rewritten`)
  })
})
