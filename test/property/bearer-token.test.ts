/** The scanner against the grammar, written the slow and obvious way. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hasScheme, isB64Token, textAfterScheme } from '../../src/credentials/bearer-token.ts'

const GRAMMAR = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

const anyHeader = fc.oneof(
  fc.string({ unit: 'binary-ascii' }),
  fc
    .tuple(
      fc.mixedCase(fc.constantFrom('bearer', 'bear', 'bearers', 'basic')),
      fc.constantFrom('', ' ', '  ', '\t', ','),
      fc.string({ unit: fc.constantFrom(...Array.from('aZ09-._~+/= ,;"\u00e9\u0141')) }),
    )
    .map((parts) => parts.join('')),
)

describe('bearer token (RFC 6750 §2.1)', () => {
  it('accepts exactly the headers that the grammar accepts', () => {
    fc.assert(
      fc.property(anyHeader, (header) => {
        const text = hasScheme(header, 'bearer') ? textAfterScheme(header, 6) : null
        const token = text !== null && isB64Token(text) ? text : null
        assert.equal(token, GRAMMAR.exec(header)?.[1] ?? null)
      }),
      { numRuns: 5_000 },
    )
  })
})
