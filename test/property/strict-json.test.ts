/** Whatever JSON.stringify writes is read back; with a name written twice it is not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseJsonObject } from '../../src/protocol/strict-json.ts'
import { encode } from '../support/mint-token.ts'

const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', '"', '\\', ':', '\\":'),
)
const members = fc.dictionary(
  name,
  fc.jsonValue({ maxDepth: 4, stringUnit: 'grapheme', noUnicodeString: false } as never),
)
const spacing = fc.constantFrom(undefined, 1, '\t')

describe('strict JSON objects', () => {
  it('are whatever has every name once', () => {
    fc.assert(
      fc.property(members, spacing, (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        assert.deepEqual({ ...parseJsonObject(encode(text)) }, { ...JSON.parse(text) })
      }),
      { numRuns: 2_000 },
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
