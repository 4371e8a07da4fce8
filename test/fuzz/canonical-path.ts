/** Fuzz target: the path of a request target, and every way in which servers may read it. */
import assert from 'node:assert/strict'
import { canonicalPath, isAcceptableQuery } from '../../src/http/canonical-path.ts'
import { compareReadings, foldCase, pathReadings, READ_ALIKE } from '../../src/http/lenient-path.ts'
import { decodedSegments, slowCanonicalPath } from '../support/slow-canonical-path.ts'

export const dictionary = [
  ...['/', '//', '/./', '/../', '..;', ';', '%2e', '%2E', '%2f', '%5c', '%00', '%7f', '%25', '%3B'],
  ...['%252e', '%252f', '%c0%af', '%e0%80%af', '%u002f', '%ef%bc%8f', '%E2%84%AA', '::$DATA', '?'],
  ...['%C5%BF', '%C4%B0', '.', '#', '\\', 'admin', 'A', '%41', '~', '$', ':'],
]

/** Dots followed and not, with and without a query, for each decoding of the path. */
const READINGS_MAX = 64
/** Compatibility forms make up to 18 characters of one. */
const GROWTH_MAX = 18

export function fuzz(input: Uint8Array): string {
  const path = Buffer.from(input).toString('latin1')
  assert.equal(isAcceptableQuery(path), /^[!-~]*$/.test(path) && !path.includes('#'))
  const canonical = canonicalPath(path)
  assert.equal(canonical, slowCanonicalPath(path))
  if (canonical === null) return 'refused'
  assert.ok(canonical.length <= path.length)
  assert.equal(canonicalPath(canonical), canonical)
  assert.deepEqual(decodedSegments(canonical), decodedSegments(path))

  const readings = pathReadings(canonical)
  if (readings === null) return 'unreadable'
  assert.ok(readings.length > 0 && readings.length <= READINGS_MAX, `${readings.length} readings`)
  for (const reading of readings) {
    assert.ok(reading.startsWith('/'))
    assert.ok(foldCase(reading).length <= 1 + GROWTH_MAX * canonical.length)
  }
  if (compareReadings(canonical) !== READ_ALIKE) return 'read in several ways'
  assert.deepEqual(new Set(readings), new Set([canonical]))
  return 'read in one way'
}
