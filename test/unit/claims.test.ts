/** Claims one by one: what is required, what is read, and what is no access token. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClaimPolicy, checkClaims, parseClaims } from '../../src/protocol/claims.ts'
import { byPart } from '../../src/protocol/identity-parts.ts'
import type { Identity } from '../../src/protocol/verification.ts'
import { CLAIM_POLICY, CLAIM_SOURCES, sourceOf } from '../support/jwt-policy.ts'
import { AUDIENCE, claimsText, encode, NOW_SECONDS } from '../support/mint-token.ts'

function check(
  members: Record<string, unknown>,
  policy: Partial<ClaimPolicy> = {},
): Identity | string {
  const claims = parseClaims(encode(claimsText(members)))
  assert.ok(claims !== null)
  const checked = checkClaims(claims, { ...CLAIM_POLICY, ...policy }, NOW_SECONDS)
  return checked.kind === 'checked' ? checked.identity : checked.code
}

function identity(members: Record<string, unknown>, policy: Partial<ClaimPolicy> = {}): Identity {
  const checked = check(members, policy)
  assert.ok(typeof checked === 'object', JSON.stringify(checked))
  return checked
}

describe('registered claims (RFC 7519 §4.1)', () => {
  it('need one of the audiences, as text or within an array', () => {
    for (const aud of [AUDIENCE, 'other.example.com', ['x', AUDIENCE], [AUDIENCE, AUDIENCE]]) {
      assert.equal(identity({ aud }).subject, 'user-123')
    }
  })

  it('need a subject even when the identity reads another claim', () => {
    const sources = { ...CLAIM_SOURCES, subject: sourceOf('subject', 'uid') }
    assert.equal(identity({ uid: 'u-1' }, { sources }).subject, 'u-1')
    assert.equal(check({ uid: 'u-1', sub: undefined }, { sources }), 'invalid_claims')
    assert.equal(check({}, { sources }), 'invalid_claims')
    assert.equal(check({ uid: '' }, { sources }), 'invalid_claims')
  })

  it('may lack iat, nbf, jti and sid', () => {
    const bare = identity({ iat: undefined, nbf: undefined, jti: undefined, sid: undefined })
    assert.equal(bare.issuedAtSeconds, null)
    assert.equal(bare.tokenId, null)
    assert.equal(bare.sessionId, null)
  })

  it('round a fraction of exp down', () => {
    assert.equal(identity({ exp: NOW_SECONDS + 10.9 }).expiresAtSeconds, NOW_SECONDS + 10)
  })
})

describe('required claims', () => {
  it('must be there, and not be null', () => {
    const policy = { requiredClaims: ['sub', 'department'] }
    assert.equal(check({}, policy), 'invalid_claims')
    assert.equal(check({ department: null }, policy), 'invalid_claims')
    assert.equal(identity({ department: 0 }, policy).subject, 'user-123')
  })

  it('are not met by what every object has', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      assert.equal(check({}, { requiredClaims: [name] }), 'invalid_claims', name)
    }
  })
})

describe('claims that make the identity', () => {
  it('come from where the issuer has them', () => {
    const sources = {
      ...byPart(() => null),
      subject: sourceOf('subject', 'sub'),
      email: sourceOf('email', 'mail'),
      roles: sourceOf('roles', 'https://example.com/groups'),
      scopes: sourceOf('scopes', 'scp'),
      tenant: sourceOf('tenant', 'tid'),
      organisation: null,
      clientId: null,
    }
    const members = {
      mail: 'a@b.c',
      'https://example.com/groups': 'admin',
      scp: ['read', 'write'],
      tid: 't-1',
    }
    const found = identity(members, { sources })
    assert.equal(found.email, 'a@b.c')
    assert.deepEqual(found.roles, ['admin'])
    assert.deepEqual(found.scopes, ['read', 'write'])
    assert.equal(found.tenant, 't-1')
    assert.equal(found.organisation, null, 'not mapped, so not read')
  })

  it('may be absent, null or empty, which is all the same', () => {
    for (const nothing of [undefined, null, '']) {
      const found = identity({
        email: nothing,
        roles: nothing,
        scope: nothing,
        tenant_id: nothing,
        org_id: nothing,
      })
      assert.deepEqual(
        [found.email, found.roles, found.scopes, found.tenant, found.organisation],
        [null, [], [], null, null],
      )
    }
    const sources = { ...CLAIM_SOURCES, ...byPart(() => null) }
    const unmapped = identity({}, { sources })
    assert.deepEqual([unmapped.email, unmapped.roles, unmapped.scopes], [null, [], []])
  })

  it('are not dropped when they have the wrong type: the token is refused', () => {
    for (const wrong of [1.5, true, {}, [1], [''], [null]]) {
      for (const name of ['email', 'roles', 'scope', 'tenant_id', 'org_id', 'jti', 'sid']) {
        assert.equal(check({ [name]: wrong }), 'invalid_claims', `${name} ${JSON.stringify(wrong)}`)
      }
    }
  })
})

describe('the first reason', () => {
  it('is that of the claims before that of the clock', () => {
    assert.equal(check({ exp: 1 }), 'token_expired')
    assert.equal(check({ exp: 1, aud: 'x' }), 'invalid_claims')
    assert.equal(check({ exp: 1, email: {} }), 'invalid_claims')
  })
})

describe('other tokens (RFC 8725 §3.12)', () => {
  it('are known by claims that no access token has', () => {
    for (const name of ['events', 'at_hash', 'c_hash']) {
      assert.equal(check({ [name]: {} }), 'invalid_claims', name)
    }
    for (const typ of ['ID', 'Refresh', 'Offline', 'Logout']) {
      assert.equal(check({ typ }), 'invalid_claims', typ)
    }
    assert.equal(check({ token_use: 'id' }), 'invalid_claims')
  })

  it('are those that are bound to a key, whose proof would have to be checked', () => {
    for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, { jwk: {} }, {}, [], 'x', false]) {
      assert.equal(check({ cnf }), 'invalid_token', JSON.stringify(cnf))
      assert.equal(identity({ cnf }, { acceptsBound: true }).subject, 'user-123')
    }
    const bound = { cnf: { jkt: 'x' } }
    assert.equal(check({ ...bound, at_hash: 'x' }, { acceptsBound: true }), 'invalid_claims')
    assert.equal(identity({ cnf: null }).subject, 'user-123')
  })

  it('are not suspected because of claims that access tokens have too', () => {
    for (const members of [
      { typ: 'Bearer' },
      { token_use: 'access' },
      { nonce: 'n' },
      { typ: 1 },
    ]) {
      assert.equal(identity(members).subject, 'user-123')
    }
  })
})
