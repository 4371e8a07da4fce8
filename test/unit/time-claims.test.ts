/** The edges of a token's life, to the second. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  checkTimeClaims,
  deadAtSeconds,
  isNumericDate,
  NUMERIC_DATE_MAX_SECONDS,
  startsAtSeconds,
} from '../../src/protocol/time-claims.ts'

const NOW = 1_000_000

function check(
  times: { exp?: number; nbf?: number; iat?: number },
  clockToleranceSeconds = 0,
): string | null {
  const claims = {
    expiresAtSeconds: times.exp ?? NOW + 100,
    notBeforeSeconds: times.nbf ?? null,
    issuedAtSeconds: times.iat ?? null,
  }
  return checkTimeClaims(claims, clockToleranceSeconds, NOW)?.code ?? null
}

describe('exp (RFC 7519 §4.1.4)', () => {
  it('refuses a token in the very second of exp', () => {
    assert.equal(check({ exp: NOW + 1 }), null)
    assert.equal(check({ exp: NOW }), 'token_expired')
    assert.equal(check({ exp: NOW - 1 }), 'token_expired')
  })

  it('lives longer by the tolerance, and not a second more', () => {
    assert.equal(check({ exp: NOW - 4 }, 5), null)
    assert.equal(check({ exp: NOW - 5 }, 5), 'token_expired')
  })

  it('counts whole seconds: a fraction adds nothing', () => {
    assert.equal(check({ exp: NOW + 0.9 }), 'token_expired')
    assert.equal(deadAtSeconds(100.9, 5), 105)
  })
})

describe('nbf and iat (RFC 7519 §4.1.5, §4.1.6)', () => {
  it('refuses a token before nbf, less the tolerance', () => {
    assert.equal(check({ nbf: NOW }), null)
    assert.equal(check({ nbf: NOW + 1 }), 'token_not_yet_valid')
    assert.equal(check({ nbf: NOW + 5 }, 5), null)
    assert.equal(check({ nbf: NOW + 5.5 }, 5), 'token_not_yet_valid')
  })

  it('refuses a token that claims to be from the future', () => {
    assert.equal(check({ iat: NOW }), null)
    assert.equal(check({ iat: NOW + 5 }, 5), null)
    assert.equal(check({ iat: NOW + 6 }, 5), 'invalid_claims')
  })

  it('name the very second in which a token is not refused for them any more', () => {
    const start = (nbf: number | null, iat: number | null) =>
      startsAtSeconds({ expiresAtSeconds: null, notBeforeSeconds: nbf, issuedAtSeconds: iat }, 5)
    assert.equal(start(null, null), null)
    for (const [nbf, iat] of [
      [NOW + 9, null],
      [null, NOW + 9],
      [NOW + 8.5, NOW + 7],
      [NOW, NOW + 9],
    ] as const) {
      assert.equal(start(nbf, iat), NOW + 4)
      const claims = { expiresAtSeconds: null, notBeforeSeconds: nbf, issuedAtSeconds: iat }
      assert.notEqual(checkTimeClaims(claims, 5, NOW + 3), null)
      assert.equal(checkTimeClaims(claims, 5, NOW + 4), null)
    }
  })
})

describe('NumericDate (RFC 7519 §2)', () => {
  it('is a number from the epoch to the year 9999', () => {
    for (const value of [0, 0.5, NOW, NUMERIC_DATE_MAX_SECONDS]) assert.ok(isNumericDate(value))
    const wrong = [-1, NUMERIC_DATE_MAX_SECONDS + 1, 1e308, Number.NaN, Infinity, -Infinity]
    for (const value of [...wrong, '1', null, undefined, [1], true, 1n]) {
      assert.ok(!isNumericDate(value), String(value))
    }
  })
})
