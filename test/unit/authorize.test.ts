import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authorize, type RouteRequirement } from '../../src/authentication/authorize.ts'
import type { Identity } from '../../src/protocol/verification.ts'

const identity = (scopes: string[], roles: string[]): Identity => ({
  issuer: 'https://idp.example.com/',
  subject: 'alice',
  email: null,
  roles,
  scopes,
  tenant: null,
  organisation: null,
  tokenId: null,
  sessionId: null,
  issuedAtSeconds: null,
  expiresAtSeconds: 2_000,
})

const requirement = (part: Partial<RouteRequirement>): RouteRequirement => ({
  scopesAll: [],
  scopesAny: [],
  rolesAll: [],
  rolesAny: [],
  ...part,
})

const passes = (holder: Identity, part: Partial<RouteRequirement>) =>
  authorize(holder, requirement(part)) === null

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

  it('answers insufficient_scope', () => {
    assert.equal(authorize(reader, requirement({ scopesAll: ['x'] }))?.code, 'insufficient_scope')
  })
})
