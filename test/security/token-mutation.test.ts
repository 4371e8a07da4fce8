/**
 * Good tokens with something changed, against the whole verifier: one spelling verifies, and no
 * other, so a client cannot make a second token out of a good one, or make a good one say more.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EC, ED, profile, RSA, usePool, verify } from '../support/jwt-attack-rig.ts'
import { claimsText, headerText, signRaw } from '../support/mint-token.ts'

usePool()

const TOKENS = [RSA, EC, ED].map((key) => signRaw(key, headerText(key), claimsText()))

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** The last is half of a character: a string, but not of Unicode. */
const CHARACTERS = [...Array.from(`${ALPHABET}.=+/ \n\r\t\0"%&\x7f\u00c1\u0141`), '\ud83e']

interface Mutation {
  readonly token: string
  readonly place: number
  readonly kind: 'replace' | 'insert' | 'remove' | 'swap' | 'repeat'
  readonly character: string
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  token: fc.constantFrom(...TOKENS),
  // From 0 to 1, because the tokens differ in length.
  place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  kind: fc.constantFrom<Mutation['kind'][]>('replace', 'insert', 'remove', 'swap', 'repeat'),
  character: fc.constantFrom(...CHARACTERS),
})

function mutate({ token, place, kind, character }: Mutation): string {
  const index = Math.floor(place * token.length)
  const before = token.slice(0, index)
  const at = token.charAt(index)
  const behind = token.slice(index + 1)
  switch (kind) {
    case 'replace':
      return before + character + behind
    case 'insert':
      return before + character + at + behind
    case 'remove':
      return before + behind
    case 'swap':
      return before + behind.slice(0, 1) + at + behind.slice(1)
    case 'repeat':
      return before + at + at + behind
  }
}

describe('a good token with one change (RFC 7515 §5.2)', () => {
  it('never verifies, and is refused as what it then is', async () => {
    assert.equal(profile.size, 2)
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        const mutated = mutate(change)
        const verdict = await verify(mutated)
        if (mutated === change.token) assert.equal(verdict.kind, 'verified')
        else
          assert.ok(verdict.kind === 'refused' && verdict.code !== 'verifier_unavailable', mutated)
      }),
      { numRuns: 2_000 },
    )
  })

  it('never verifies with any other last character, where unused bits could hide', async () => {
    for (const token of TOKENS) {
      for (const character of CHARACTERS) {
        const changed = token.slice(0, -1) + character
        assert.equal((await verify(changed)).kind === 'verified', changed === token, changed)
      }
    }
  })
})
