/** Requirements on single claims of an identity. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CLAIM_PATTERN_LENGTH_MAX,
  parseClaimPattern,
  REQUIRABLE_CLAIMS,
} from '../../src/decision/claim-grammar.ts'
import {
  type ClaimRule,
  compileClaimRule,
  satisfiesClaim,
} from '../../src/decision/require-claims.ts'
import { byPart, type IdentityParts } from '../../src/protocol/identity-parts.ts'
import { identityOf } from '../support/tenants.ts'

const alice = identityOf({
  ...(byPart(({ kind }) => (kind === 'text' ? 'a' : ['a'])) as IdentityParts),
  clientId: 'app',
  email: 'alice@example.com',
  roles: ['user', 'auditor'],
  scopes: ['read', 'write:all'],
  tenant: 'acme',
  organisation: 'Müller & Söhne',
  tokenId: 'jti-1',
  sessionId: 'sid-1',
})

const satisfies = (rule: ClaimRule, identity = alice) =>
  satisfiesClaim(identity, compileClaimRule(rule), { path: '/', headers: [] })

describe('a claim that must equal a value', () => {
  it('does so exactly', () => {
    assert.ok(satisfies({ claim: 'organisation', equals: 'Müller & Söhne' }))
    for (const equals of ['ACME', 'acm', 'acme ', 'аcme', '*', '']) {
      assert.ok(!satisfies({ claim: 'tenant', equals }), equals)
    }
  })

  it('may be any part of an identity that is kept', () => {
    for (const claim of REQUIRABLE_CLAIMS) {
      const value = alice[claim]
      assert.ok(value !== null)
      const equals = typeof value === 'string' ? value : (value[0] ?? '')
      assert.ok(satisfies({ claim, equals }), claim)
      assert.ok(!satisfies({ claim, equals: `${equals}x` }), claim)
    }
  })
})

describe('a claim that must be one of several values', () => {
  it('is so when one fits, and of a list when one item is', () => {
    assert.ok(satisfies({ claim: 'tenant', oneOf: ['globex', 'acme'] }))
    assert.ok(!satisfies({ claim: 'tenant', oneOf: ['globex'] }))
    assert.ok(satisfies({ claim: 'roles', oneOf: ['admin', 'auditor'] }))
    assert.ok(!satisfies({ claim: 'roles', oneOf: ['admin', 'aud'] }))
  })

  it('cannot be required to be one of none', () => {
    assert.throws(() => compileClaimRule({ claim: 'tenant', oneOf: [] }), /is not empty/)
  })
})

describe('a claim that must match a pattern', () => {
  const matches = (value: string, pattern: string) =>
    satisfies({ claim: 'email', matches: pattern }, identityOf({ email: value }))

  it('takes * for any run and ? for any one character', () => {
    for (const pattern of [
      '*',
      '*@example.com',
      'alice*',
      'alice@*.com',
      '*l?ce@*',
      '?*@*?',
      'a**m',
    ]) {
      assert.ok(matches('alice@example.com', pattern), pattern)
    }
    assert.ok(matches('ab', 'ab*'))
    assert.ok(matches('aab', '*ab'))
    assert.ok(matches('abcabd', '*ab?'))
  })

  it('must match as a whole, case and all', () => {
    for (const pattern of [
      'alice',
      '@example.com',
      '*@example',
      '?',
      '*@EXAMPLE.com',
      '*z*',
      '?lice',
    ]) {
      assert.ok(!matches('alice@example.com', pattern), pattern)
    }
    assert.ok(!matches('alice@example.com.evil.test', '*@example.com'))
  })

  it('knows nothing of regular expressions', () => {
    assert.ok(!matches('alicexexampleycom', 'alice.example.com'))
    assert.ok(matches('a.b+c[d]^$(e)|f\\', 'a.b+c[d]^$(e)|f\\'))
    assert.ok(!matches('aaa', 'a+'))
    assert.ok(matches('line\nbreak', 'line?break'))
  })

  it('holds for a list when one item matches', () => {
    assert.ok(satisfies({ claim: 'scopes', matches: 'write:*' }))
    assert.ok(!satisfies({ claim: 'scopes', matches: 'read write:*' }))
  })

  it('takes steps in proportion to the value, however many runs there are', () => {
    // Backtracking over 60 runs would outlast the machine.
    const pattern = `${'*a'.repeat(60)}*b`
    assert.ok(!matches('a'.repeat(8_192), pattern))
    assert.ok(matches(`${'a'.repeat(8_192)}b`, pattern))
  })

  it('is bounded in length and printable', () => {
    const longest = '*'.repeat(CLAIM_PATTERN_LENGTH_MAX)
    assert.equal(parseClaimPattern(longest), longest)
    for (const pattern of ['', `${longest}*`, 'é', 'a\n', '\u0000']) {
      assert.equal(parseClaimPattern(pattern), null)
      assert.throws(() => compileClaimRule({ claim: 'email', matches: pattern }), /printable/)
    }
  })
})

describe('a claim that is not there', () => {
  it('satisfies nothing, not even a pattern for everything', () => {
    const bare = identityOf({ issuer: '' })
    for (const claim of REQUIRABLE_CLAIMS) {
      if (claim === 'subject') continue
      assert.ok(!satisfies({ claim, matches: '*' }, bare), claim)
      assert.ok(!satisfies({ claim, equals: '' }, bare), claim)
      assert.ok(!satisfies({ claim, oneOf: ['', 'null', 'undefined'] }, bare), claim)
    }
    assert.ok(!satisfies({ claim: 'roles', matches: '*' }, identityOf({ roles: [''] })))
  })
})
