/** Scope strings against the grammar. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseScope } from '../../src/protocol/scope.ts'

const GRAMMAR = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/

describe('scope (RFC 6749 §3.3)', () => {
  it('takes every string of the grammar, and splits it at its spaces', () => {
    const scopes = fc.oneof(
      fc.stringMatching(GRAMMAR),
      fc.string({ unit: fc.constantFrom(...Array.from('ab:./ "\\\u0141\u00e9\n')) }),
    )
    fc.assert(
      fc.property(scopes, (scope) => {
        const collapsed = scope.split(' ').filter((token) => token !== '')
        const isGood = collapsed.length === 0 || GRAMMAR.test(collapsed.join(' '))
        assert.deepEqual(parseScope(scope), isGood ? collapsed : null)
      }),
      { numRuns: 2_000 },
    )
  })
})
