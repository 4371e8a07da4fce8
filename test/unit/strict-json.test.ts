/** JSON that every parser reads alike. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { JSON_DEPTH_MAX, parseJsonObject } from '../../src/protocol/strict-json.ts'
import { encode } from '../support/mint-token.ts'

function parse(text: string | Uint8Array): unknown {
  return parseJsonObject(encode(text))
}

describe('strict JSON objects (RFC 8259, RFC 7519 §4)', () => {
  it('have no prototype, and a member called __proto__ is one like any other', () => {
    const parsed = parseJsonObject(encode('{"__proto__":{"a":1},"b":2}'))
    assert.equal(Object.getPrototypeOf(parsed), null)
    assert.equal(parsed?.['a'], undefined)
    assert.equal(parsed?.['toString'], undefined)
    assert.deepEqual(Object.keys(parsed ?? {}), ['__proto__', 'b'])
  })

  it('repeat no name at any depth, in whatever spelling', () => {
    const repeated = [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":1}',
      '{"a":{"b":1,"b":2}}',
      '{"a":[0,{"b":1 , "b"\n:2}]}',
      '{"":1,"":2}',
      '{"__proto__":1,"__proto__":2}',
      '{"\\"":1,"\\"":2}',
    ]
    for (const text of repeated) assert.equal(parse(text), null, text)
  })

  it('may say the same in different objects, and look like names within strings', () => {
    const fine = [
      '{"a":{"a":1},"b":{"a":1}}',
      '{"a":"\\"a\\":1,\\"a\\":2"}',
      '{"a":"x\\\\","b":"\\\\\\":"}',
      '{"a":"{\\"b\\":1}","c":["d",":"]}',
      '{ "a" : 1 ,\t"b"\r\n: 2 }',
      '{}',
    ]
    for (const text of fine) assert.notEqual(parse(text), null, text)
  })

  it('are objects', () => {
    for (const text of ['null', '1', '"a"', '[]', '[{}]', 'true', '', ' ', '{', '{}x', '{}{}']) {
      assert.equal(parse(text), null, text)
    }
  })

  it('are strict UTF-8 without a byte order mark', () => {
    assert.notEqual(parse('{"a":"zoë 🦉"}'), null)
    assert.equal(parse(Buffer.from('{"a":"zoë"}', 'latin1')), null)
    assert.equal(parse(Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])), null)
    assert.equal(parse('\ufeff{}'), null)
  })

  it('hold no half of a character', () => {
    for (const half of [
      '\\ud800',
      '\\udc00',
      '\\ud83e x',
      '\\udd89\\ud83e',
      '\\ud83e\\ud83e\\udd89',
    ]) {
      assert.equal(parse(`{"a":"${half}"}`), null, half)
      assert.equal(parse(`{"a":{"b":["${half}"]}}`), null, half)
    }
    assert.notEqual(parse('{"a":"\\ud83e\\udd89"}'), null)
  })

  it('are not deeper than anything needs', () => {
    const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    assert.notEqual(parse(nested(JSON_DEPTH_MAX)), null)
    assert.equal(parse(nested(JSON_DEPTH_MAX + 1)), null)
  })
})
