/**
 * Good tokens with something changed, against the whole verifier: one spelling verifies, and no
 * other, so a client cannot make a second token out of a good one, or make a good one say more.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { EC, ED, profile, RSA, usePool, verify } from '../support/jwt-attack-rig.ts'
import { claimsText, headerText, signRaw } from '../support/mint-token.ts'
import { propertyRuns } from '../support/property-runs.ts'
import { changeCharacter, characterChanges, TOKEN_CHARACTERS } from '../support/token-mutations.ts'

usePool()

const TOKENS = [RSA, EC, ED].map((key) => signRaw(key, headerText(key), claimsText()))

const mutation = characterChanges(TOKENS)

describe('a good token with one change (RFC 7515 §5.2)', () => {
  it('never verifies, and is refused as what it then is', async () => {
    assert.equal(profile.issuers.length, 2)
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        const mutated = changeCharacter(change)
        const verdict = await verify(mutated)
        if (mutated === change.token) assert.equal(verdict.kind, 'verified')
        else
          assert.ok(verdict.kind === 'refused' && verdict.code !== 'verifier_unavailable', mutated)
      }),
      propertyRuns(2_000),
    )
  })

  it('never verifies with any other last character, where unused bits could hide', async () => {
    for (const token of TOKENS) {
      for (const character of TOKEN_CHARACTERS) {
        const changed = token.slice(0, -1) + character
        assert.equal((await verify(changed)).kind === 'verified', changed === token, changed)
      }
    }
  })
})
