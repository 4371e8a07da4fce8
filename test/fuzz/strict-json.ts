/** Fuzz target: a JSON document, against a parser that is written the slow and obvious way. */
import assert from 'node:assert/strict'
import {
  parseJsonDocument,
  parseJsonObject,
  parseJsonText,
} from '../../src/protocol/strict-json.ts'
import { encode } from '../support/mint-token.ts'
import { readReferenceBytes, withMaps } from '../support/reference-json.ts'

export const dictionary = [
  ...['{"', '":', '[', ']', '{', '}', ',', '"', '\\"', '\\\\', '\\u0061', '\\ud800', '\\udc00'],
  ...[
    '"a":1',
    '"\\u0061":1',
    '"__proto__":',
    'true',
    'false',
    'null',
    '1e400',
    '-0',
    '\xef\xbb\xbf',
  ],
]

export function fuzz(input: Uint8Array): string {
  const expected = readReferenceBytes(input, true)
  const value = parseJsonDocument(input)
  if (!expected.ok) {
    assert.equal(value, undefined)
    return expected.problem
  }
  assert.deepEqual(withMaps(value), expected.value)
  // What was understood means the same when it is written again.
  const written = JSON.stringify(value)
  assert.deepEqual(JSON.stringify(parseJsonDocument(Buffer.from(written))), written)

  const strict = readReferenceBytes(input, false)
  const object = strict.ok && strict.value instanceof Map ? strict.value : null
  const decoded = parseJsonText(Buffer.from(input).toString('utf8'))
  assert.deepEqual(decoded === null ? null : withMaps(decoded), object)
  assert.deepEqual(parseJsonObject(encode(input)), decoded)
  assert.ok(decoded === null || Object.getPrototypeOf(decoded) === null)
  return object === null ? 'a value' : 'an object'
}
