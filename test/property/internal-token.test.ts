/** Internal tokens of hostile identities, at all times. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { InternalTokenMinter, MintedToken } from '../../src/identity/internal-token.ts'
import { generateSigningKey } from '../../src/identity/signing-key.ts'
import { randomHex } from '../../src/runtime/randomness.ts'
import { verdict } from '../support/verdicts.ts'

const NOW = 1_760_000_000
const KEY = generateSigningKey('ES256')

function minter(ttlSeconds = 300): InternalTokenMinter {
  const options = {
    issuer: 'gateway.internal',
    audience: 'internal-services',
    ttlSeconds,
    claims: [],
  }
  return new InternalTokenMinter(options, KEY, randomHex)
}

function claimsOf(token: string): Record<string, unknown> {
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
  return JSON.parse(text) as Record<string, unknown>
}

describe('every internal token', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"', '\\', '\u2028', '","sub":"root', '\ud800', '\u0000', '__proto__'),
  )
  const seconds = fc.integer({ min: NOW - 400, max: NOW + 400 })

  it('says what the identity says, character by character', () => {
    const one = minter()
    fc.assert(
      fc.property(
        fc.record({ subject: texts, email: texts, issuer: texts, organisation: texts }),
        fc.array(texts, { maxLength: 5 }),
        texts,
        (members, list, tenant) => {
          const verified = verdict({ ...members, roles: list, scopes: list })
          const token = one.mint(verified, tenant, NOW)
          assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]{86}$/)
          const said = claimsOf(token)
          const orAbsent = (text: string) => (text === '' ? undefined : text)
          assert.equal(said['sub'], orAbsent(members.subject))
          assert.equal(said['email'], orAbsent(members.email))
          assert.equal(said['original_issuer'], orAbsent(members.issuer))
          assert.equal(said['org_id'], orAbsent(members.organisation))
          assert.equal(said['tenant_id'], orAbsent(tenant))
          assert.deepEqual(said['roles'] ?? [], list)
          assert.deepEqual(said['scopes'] ?? [], list)
          assert.equal(said['iss'], 'gateway.internal')
          assert.equal(said['aud'], 'internal-services')
        },
      ),
      { numRuns: 500 },
    )
  })

  it('ends in whole seconds, within its TTL and with the credential, not with a cached answer', () => {
    fc.assert(
      fc.property(
        fc.option(seconds),
        seconds,
        fc.integer({ min: 1, max: 300 }),
        (expiresAtSeconds, deadAtSeconds, ttlSeconds) => {
          const ends = [NOW + ttlSeconds, expiresAtSeconds ?? Number.POSITIVE_INFINITY]
          const token = verdict({ expiresAtSeconds }, deadAtSeconds)
          const { exp } = claimsOf(minter(ttlSeconds).mint(token, null, NOW))
          assert.equal(exp, Math.min(...ends))
          // A session has an end that no issuer wrote into it.
          const session = verdict({ expiresAtSeconds, issuer: '' }, deadAtSeconds)
          const ofSession = claimsOf(minter(ttlSeconds).mint(session, null, NOW))
          assert.equal(ofSession['exp'], Math.min(...ends, deadAtSeconds))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is alive when it is used, for as long as anything could be', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: NOW + 1, max: NOW + 900 }),
        fc.array(fc.nat(120), { maxLength: 8 }),
        (ttlSeconds, expiresAtSeconds, pauses) => {
          const [one, slot] = [minter(ttlSeconds), new MintedToken()]
          const verified = verdict({ expiresAtSeconds }, expiresAtSeconds)
          let now = NOW
          for (const pause of pauses) {
            now += pause
            if (now >= expiresAtSeconds) return
            one.linesFor(slot, verified, null, now)
            const { exp, iat } = claimsOf(slot.lines)
            assert.ok(typeof exp === 'number' && typeof iat === 'number')
            assert.ok(exp > now && iat <= now && exp <= expiresAtSeconds)
            assert.ok(exp - iat <= ttlSeconds)
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})
