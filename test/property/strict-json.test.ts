/** Whatever JSON.stringify writes is read back; with a name written twice it is not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseJsonObject } from '../../src/protocol/strict-json.ts'
import { encode } from '../support/mint-token.ts'

const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', '"', '\\', '\n', '/', ':', '\\":'),
)
/** Of one code unit, so that each can be written with an escape by itself. */
const bmpCharacter = fc.oneof(
  fc.constantFrom('"', '\\', '/', '\n', 'a', 'é', '鍵'),
  fc.string({ minLength: 1, maxLength: 1 }),
)
const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
  fc.boolean(),
  fc.constant(null),
)
const { members } = fc.letrec<{ value: unknown; members: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('members'),
  ),
  members: fc.dictionary(name, tie('value'), { maxKeys: 6 }),
}))
/** A name in JSON, with an escape for each code unit for which `escapes` says so. */
function spelled(text: string, escapes: readonly boolean[]): string {
  const units = text.split('').map((unit, index) => {
    const isEscaped = escapes[index % escapes.length] === true
    return isEscaped ? escaped(unit) : JSON.stringify(unit).slice(1, -1)
  })
  return `"${units.join('')}"`
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Objects are compared by their members: some have a prototype. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  return new Map(Object.entries(value).map(([key, member]) => [key, plain(member)]))
}

const spacing = fc.constantFrom(undefined, 1, '\t')

describe('strict JSON objects', () => {
  it('are whatever has every name once', () => {
    fc.assert(
      fc.property(members, spacing, (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        assert.deepEqual(plain(parseJsonObject(encode(text))), plain(value))
      }),
      { numRuns: 2_000 },
    )
  })

  it('are read alike however their names are spelled', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.string({ unit: bmpCharacter, maxLength: 3 }),
            fc.array(fc.boolean(), { minLength: 1 }),
          ),
        ),
        (names) => {
          const unique = [...new Map(names)]
          const text = unique.map(([key, escapes], index) => `${spelled(key, escapes)}:${index}`)
          const parsed = parseJsonObject(encode(`{${text.join()}}`))
          assert.deepEqual(plain(parsed), new Map(unique.map(([key], index) => [key, index])))
        },
      ),
      { numRuns: 5_000 },
    )
  })

  it('are refused when any name is written a second time', () => {
    fc.assert(
      fc.property(members, name, spacing, (value, repeated, indent) => {
        const others = Object.entries(value).filter(([key]) => key !== repeated)
        const once = JSON.stringify(
          Object.fromEntries([...others, ['x'.repeat(40), 0]]),
          null,
          indent,
        )
        const spelled = JSON.stringify(repeated)
        const twice = `{${spelled}:1,${once.slice(1, -1)},${spelled} : 2}`
        assert.equal(parseJsonObject(encode(twice)), null)
      }),
      { numRuns: 2_000 },
    )
  })
})
