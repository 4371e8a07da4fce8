/** The matcher of claim patterns against the same language as regular expressions. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compileClaimRule, satisfiesClaim } from '../../src/decision/require-claims.ts'
import { identityOf } from '../support/tenants.ts'

/** Slow on hostile patterns, and obvious. */
function asRegExp(pattern: string): RegExp {
  const parts = Array.from(pattern, (character) => {
    if (character === '*') return '[^]*'
    return character === '?' ? '[^]' : character.replace(/[^A-Za-z0-9]/, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}

const text = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), minLength, maxLength })

describe('patterns of claims', () => {
  it('match exactly what the same regular expressions match', () => {
    let matched = 0
    fc.assert(
      fc.property(text('ab.*?', 1, 8), text('ab.*\n', 1, 12), (matches, email) => {
        const requirement = compileClaimRule({ claim: 'email', matches })
        const isMatch = satisfiesClaim(identityOf({ email }), requirement, {
          path: '/',
          headers: [],
        })
        if (isMatch) matched += 1
        assert.equal(isMatch, asRegExp(matches).test(email))
      }),
      { numRuns: 20_000 },
    )
    assert.ok(matched > 100, `only ${matched} matched`)
  })
})
