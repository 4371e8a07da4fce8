/** What `explain` says of where the parts of the identity are. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseJsonText } from '../../src/protocol/strict-json.ts'
import { tellParts } from '../../src/protocol/tell-parts.ts'
import { RecordedTrace } from '../../src/protocol/trace.ts'
import { policyOf, type Written } from '../support/provider-claims.ts'

function told(claims: Record<string, unknown>, written: Written = {}): readonly string[] {
  const members = parseJsonText(JSON.stringify(claims))
  assert.ok(members !== null)
  const trace = new RecordedTrace(false)
  tellParts(trace, members, policyOf(written))
  return trace.steps.map(({ mark, text }) => `${mark} ${text}`)
}

describe('an explanation of the claims of a token', () => {
  const paths = {
    roles: ['/realm_access/roles', { keysOf: 'access' }],
    email: ['mail', '/emails/0'],
  }
  const identity = { strategy: 'pass-through' }
  const written = { issuer: { claims: paths }, identity }

  it('says where each part was found', () => {
    const claims = {
      azp: 'web',
      realm_access: { roles: ['a', 'b'] },
      access: { c: true },
      emails: ['a@b.example'],
    }
    assert.deepEqual(told(claims, written), [
      'ok clientId: present, a string of 3 characters, at "azp"',
      'ok email: present, a string of 11 characters, at "/emails/0"',
      'ok roles: present, a list of 2 items, at "/realm_access/roles"',
      'ok roles: present, an object, at names in "access"',
    ])
  })

  it('says at which places of a part that is used there was nothing', () => {
    assert.deepEqual(told({ scope: 'read' }, written), [
      'note email: nothing at "mail", "/emails/0"',
      'note roles: nothing at "/realm_access/roles", names in "access"',
      'ok scopes: present, a string of 4 characters, at "scope"',
    ])
  })

  it('says what is of the wrong type, and whether that matters', () => {
    assert.deepEqual(told({ access: ['c'], tenant_id: {} }, written), [
      'note email: nothing at "mail", "/emails/0"',
      'no roles: present, a list of 1 item, at names in "access"; ' +
        'expected a list of text, or text separated by spaces',
      'note tenant: present, an object, at "tenant_id"; ' +
        'of another type and not used, it counts as absent',
    ])
  })

  it('says that Entra ID has moved groups out of the token, because they were too many', () => {
    const groups = { issuer: { claims: { roles: 'groups' } }, identity }
    assert.deepEqual(told({ _claim_names: { groups: 'src1' } }, groups), [
      'note roles: nothing at "groups"; the issuer has moved it out of the token (`_claim_names`)',
    ])
    for (const _claim_names of [{}, null, 'groups', { roles: 'src1' }]) {
      assert.deepEqual(told({ _claim_names }, groups), ['note roles: nothing at "groups"'])
    }
  })

  it('says that an e-mail address is not verified', () => {
    assert.deepEqual(told({ email: 'a@b.example', email_verified: false }, { identity }), [
      'ok email: present, a string of 11 characters, at "email"',
      'note the e-mail address is not verified, and counts as absent',
    ])
  })
})
