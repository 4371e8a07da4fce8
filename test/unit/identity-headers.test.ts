import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { renderIdentityHeaders } from '../../src/identity/identity-headers.ts'
import { reservedFieldNames } from '../../src/identity/strip-identity-headers.ts'
import { byPart } from '../../src/protocol/identity-parts.ts'
import { EMPTY_IDENTITY, type Identity } from '../../src/protocol/verification.ts'

const NAMES = {
  ...byPart(({ header }) => header),
  userId: 'X-User-Id',
  clientId: 'X-Client-Id',
  email: 'X-User-Email',
  roles: 'X-User-Roles',
  tenant: 'X-Tenant-Id',
  organisation: 'X-Org-Id',
  tenantPlan: 'X-Tenant-Plan',
  issuer: 'X-Token-Issuer',
  scopes: 'X-Token-Scopes',
  expires: 'X-Token-Expires',
  sessionId: 'X-Session-Id',
}

const ALICE: Identity = {
  ...EMPTY_IDENTITY,
  issuer: 'https://idp.example.com/',
  subject: 'alice',
  email: 'alice@example.com',
  roles: ['admin', 'ops'],
  scopes: ['read', 'write'],
  tenant: 'acme',
  organisation: 'org-1',
  clientId: null,
  tokenId: 'jti-1',
  sessionId: 'sid-1',
  issuedAtSeconds: 1_000,
  expiresAtSeconds: 2_000,
}

const render = (identity: Partial<Identity>, names: Partial<typeof NAMES> = {}) => {
  const list = renderIdentityHeaders({ ...ALICE, ...identity }, { ...NAMES, ...names })
  const pairs: [string, string][] = []
  for (let at = 0; at < list.length; at += 2) pairs.push([list[at] ?? '', list[at + 1] ?? ''])
  return Object.fromEntries(pairs)
}

describe('identity headers', () => {
  it('tells the upstream who is calling, and the session only as a digest', () => {
    assert.deepEqual(render({}), {
      'X-User-Id': 'alice',
      'X-User-Email': 'alice@example.com',
      'X-User-Roles': 'admin,ops',
      'X-Tenant-Id': 'acme',
      'X-Org-Id': 'org-1',
      'X-Token-Issuer': 'https://idp.example.com/',
      'X-Token-Scopes': 'read,write',
      'X-Token-Expires': '2000',
      'X-Session-Id': createHash('sha256').update('sid-1').digest('hex'),
    })
  })

  it('sends no field without a value', () => {
    const headers = render({
      email: null,
      roles: [],
      scopes: [''],
      tenant: null,
      organisation: '',
      sessionId: null,
    })
    assert.deepEqual(Object.keys(headers), ['X-User-Id', 'X-Token-Issuer', 'X-Token-Expires'])
  })

  it('tells the tenant that the request was found to be for, and its plan', () => {
    const list = renderIdentityHeaders(ALICE, NAMES, { id: 'globex', plan: 'gold, yearly' })
    assert.equal(list[list.indexOf('X-Tenant-Id') + 1], 'globex')
    assert.equal(list[list.indexOf('X-Tenant-Plan') + 1], 'gold,%20yearly')
    const planless = renderIdentityHeaders(ALICE, NAMES, { id: 'globex', plan: null })
    assert.equal(planless.includes('X-Tenant-Plan'), false)
  })

  it('follows configured names and leaves out what is switched off', () => {
    const names = { ...NAMES, userId: 'X-Subject', email: null, sessionId: null }
    const list = renderIdentityHeaders(ALICE, names)
    assert.equal(list[0], 'X-Subject')
    assert.ok(!list.includes('X-User-Email') && !list.includes('X-Session-Id'))
  })

  it('cannot be split into a second field or a second role by any claim value', () => {
    assert.equal(
      render({ subject: 'a\r\nX-User-Roles: admin' })['X-User-Id']?.includes('\r'),
      false,
    )
    assert.equal(render({ roles: ['user,admin'] })['X-User-Roles'], 'user%2Cadmin')
  })

  it('writes only visible ASCII, and writes different subjects differently', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
        const one = render({ subject: `s${left}` })['X-User-Id'] ?? ''
        const two = render({ subject: `s${right}` })['X-User-Id'] ?? ''
        assert.match(one, /^[\x21-\x7e]+$/)
        const isSame = Buffer.from(left).equals(Buffer.from(right))
        assert.equal(one === two, isSame)
      }),
    )
  })

  it('reserves the standard names even when a field was renamed or switched off', () => {
    const reserved = reservedFieldNames(['X-Subject', null])
    for (const name of ['x-subject', 'x-user-id', 'x-tenant-id', 'x-auth-status']) {
      assert.ok(reserved.has(name), name)
    }
  })
})
