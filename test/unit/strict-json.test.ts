/** JSON that every parser reads alike. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  JSON_DEPTH_MAX,
  parseJsonDocument,
  parseJsonMembers,
  parseJsonObject,
} from '../../src/protocol/strict-json.ts'
import { encode } from '../support/mint-token.ts'

function parse(text: string | Uint8Array): unknown {
  return parseJsonObject(encode(text))
}

describe('strict JSON documents (RFC 8259 §8.1)', () => {
  const bytes = (text: string) => Buffer.from(text)

  it('may be any value, and begin with a byte order mark', () => {
    assert.deepEqual(parseJsonDocument(bytes('[1,{"\\/":2}]')), [1, plainObject('/', 2)])
    assert.equal(parseJsonDocument(bytes('"a"')), 'a')
    assert.deepEqual(Object.keys(parseJsonDocument(bytes('\ufeff{"a":1}')) as object), ['a'])
  })

  it('are refused when they repeat a name, are not UTF-8 or not JSON', () => {
    for (const text of [
      '[{"a":1,"a":2}]',
      '[{"\\n":1,"\\n":2}]',
      '"\\ud800"',
      '["\\ud800"]',
      '',
      '{',
      '\ufeff\ufeff{}',
    ]) {
      assert.equal(parseJsonDocument(bytes(text)), undefined, text)
    }
    assert.equal(parseJsonDocument(Buffer.from('{"a":"zoë"}', 'latin1')), undefined)
  })

  function plainObject(name: string, value: unknown): object {
    return Object.assign(Object.create(null) as object, { [name]: value })
  }
})

describe('the members of a strict JSON object', () => {
  const membersOf = (text: string) =>
    parseJsonMembers(Buffer.from(text))?.map(({ name, value, written }) => [name, value, written])

  it('are told in their order, as often as they come, and as they are written', () => {
    const text = ' {"a":1.0, "\\u0061" :"\\u0062" ,"c": [true, null] ,"a":-0e1}\n'
    assert.deepEqual(membersOf(text), [
      ['a', 1, '1.0'],
      ['a', 'b', '"\\u0062"'],
      ['c', [true, null], '[true, null]'],
      ['a', -0, '-0e1'],
    ])
    assert.deepEqual(membersOf('{}'), [])
    assert.deepEqual(membersOf('{"__proto__":1}'), [['__proto__', 1, '1']])
  })

  it('are not told of what is no such object, at any depth', () => {
    const half = '{"a":"\\ud800"}'
    const deep = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
    assert.ok(parseJsonMembers(Buffer.from(deep(JSON_DEPTH_MAX))))
    const others = [deep(JSON_DEPTH_MAX + 1), '{"a":{"b":1,"b":1}}', half, '{"\\ud800":1}']
    for (const text of [...others, '[]', 'null', '', '{', '{}{}', '\ufeff{}', '"a"']) {
      assert.equal(parseJsonMembers(Buffer.from(text)), null, text)
    }
    assert.equal(parseJsonMembers(Buffer.from('{"a":"zoë"}', 'latin1')), null)
  })
})

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
      '{"\\/":1,"/":2}',
      '{"a":{"\\n":1,"\\u000a":2}}',
    ]
    for (const text of repeated) assert.equal(parse(text), null, text)
  })

  it('never have a name taken for another, whatever was read before', () => {
    const spellings = {
      '"': '\\"',
      '\\': '\\\\',
      '\n': '\\n',
      '/': '\\/',
      a: '\\u0061',
      é: '\\u00e9',
    }
    // The order matters: V8 13.6 reads each later one as the name before it.
    for (const before of Object.values(spellings)) {
      assert.notEqual(parse(`{"x":1,"${before}":2}`), null)
      for (const [name, spelling] of Object.entries(spellings)) {
        const text = `{"x":1,"${spelling}":2,"y":{"x":1,"${spelling}":[true,{"${spelling}":null}]}}`
        const parsed = parse(text) as Record<string, Record<string, unknown>> | null
        assert.deepEqual(Object.keys(parsed ?? {}), ['x', name, 'y'], text)
        assert.deepEqual(Object.keys(parsed?.['y'] ?? {}), ['x', name], text)
      }
    }
  })

  it('are what providers write: names with slashes and letters of any language', () => {
    const text =
      '{"https:\\/\\/example.com\\/roles":["a"],"gr\\u00f6\\u00dfe":-1.5e3,"s":"\\u00fc"}'
    assert.deepEqual(
      { ...(parse(text) as object) },
      { 'https://example.com/roles': ['a'], größe: -1500, s: 'ü' },
    )
  })

  it('have no prototype when a name is written with an escape either', () => {
    const parsed = parseJsonObject(encode('{"\\u005f_proto__":{"a":1},"b":{"__proto__":2}}'))
    assert.equal(Object.getPrototypeOf(parsed), null)
    assert.equal(parsed?.['a'], undefined)
    assert.deepEqual(Object.keys(parsed ?? {}), ['__proto__', 'b'])
    assert.deepEqual(Object.keys(parsed?.['b'] as object), ['__proto__'])
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
      assert.equal(parse(`{"${half}":1}`), null, half)
      assert.equal(parse(`{"\\n":["${half}"]}`), null, half)
    }
    assert.notEqual(parse('{"a":"\\ud83e\\udd89"}'), null)
  })

  it('are not deeper than anything needs', () => {
    const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    assert.notEqual(parse(nested(JSON_DEPTH_MAX)), null)
    assert.equal(parse(nested(JSON_DEPTH_MAX + 1)), null)
    const escaped = (depth: number): string => nested(depth).replaceAll('a', '\\n')
    assert.notEqual(parse(escaped(JSON_DEPTH_MAX)), null)
    assert.equal(parse(escaped(JSON_DEPTH_MAX + 1)), null)
    const innermost = (end: string) => escaped(JSON_DEPTH_MAX).replace('1', end)
    for (const end of ['[]', '{}']) assert.equal(parse(innermost(end)), null)
  })
})
