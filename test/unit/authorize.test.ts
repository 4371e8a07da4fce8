import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authorize, type RouteRequirement } from '../../src/decision/authorize.ts'
import { compileClaimRule } from '../../src/decision/require-claims.ts'
import type { Identity } from '../../src/protocol/verification.ts'
import { requirementOf } from '../support/route-requirement.ts'
import { identityOf } from '../support/tenants.ts'

const NO_FACTS = { path: '/', headers: [] }
const identity = (scopes: string[], roles: string[]) =>
  identityOf({ issuer: 'https://idp.example.com/', scopes, roles })

const passes = (holder: Identity, part: Partial<RouteRequirement>) =>
  authorize(holder, requirementOf(part), NO_FACTS) === null

describe('authorisation per route', () => {
  const reader = identity(['read', 'list'], ['user'])

  it('lets everybody pass where nothing is required', () => {
    assert.ok(passes(identity([], []), {}))
  })

  it('wants every scope and role of an "all" list', () => {
    assert.ok(passes(reader, { scopesAll: ['read', 'list'], rolesAll: ['user'] }))
    assert.ok(!passes(reader, { scopesAll: ['read', 'write'] }))
    assert.ok(!passes(reader, { rolesAll: ['user', 'admin'] }))
  })

  it('wants one scope and one role of an "any" list', () => {
    assert.ok(passes(reader, { scopesAny: ['write', 'read'], rolesAny: ['admin', 'user'] }))
    assert.ok(!passes(reader, { scopesAny: ['write'] }))
    assert.ok(!passes(reader, { rolesAny: ['admin'] }))
  })

  it('compares whole names, case and all (RFC 6749 §3.3)', () => {
    assert.ok(!passes(reader, { scopesAll: ['Read'] }))
    assert.ok(!passes(identity(['read:all'], []), { scopesAll: ['read'] }))
  })

  it('wants one of the issuers, character by character (RFC 7519 §4.1.1)', () => {
    assert.ok(passes(reader, { issuers: ['https://a.test', 'https://idp.example.com/'] }))
    assert.ok(!passes(reader, { issuers: ['https://idp.example.com'] }))
    assert.ok(!passes({ ...reader, issuer: '' }, { issuers: ['https://idp.example.com/'] }))
  })

  it('wants every one of the claims, on top of everything else', () => {
    const subject = compileClaimRule({ claim: 'subject', equals: 'alice' })
    const role = compileClaimRule({ claim: 'roles', oneOf: ['admin', 'user'] })
    const email = compileClaimRule({ claim: 'email', matches: '*@example.com' })
    assert.ok(passes(reader, { claims: [subject, role], scopesAll: ['read'] }))
    assert.ok(!passes(reader, { claims: [subject, role], scopesAll: ['write'] }))
    assert.ok(!passes(reader, { claims: [subject, email] }))
    assert.ok(!passes(reader, { claims: [email, subject] }))
  })

  it('answers insufficient_scope', () => {
    const claim = compileClaimRule({ claim: 'subject', equals: 'bob' })
    for (const part of [{ scopesAll: ['x'] }, { issuers: ['x'] }, { claims: [claim] }]) {
      assert.equal(authorize(reader, requirementOf(part), NO_FACTS)?.code, 'insufficient_scope')
    }
  })
})
