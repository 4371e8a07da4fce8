/** What may be written for the places of a part, and what is said of anything else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'

function text(claims: Record<string, unknown>): string {
  return JSON.stringify({
    issuers: { main: { ...ISSUERS.main, claims } },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'all', match: { path: '/*' }, upstream: 'users' }],
  })
}

const TEXT = 'must be the path of a claim, or a list of such'
const LIST = 'must be the path of a claim, { keysOf: path }, or a list of such'
const POINTER = 'must have ~ in a JSON pointer only as ~0 or ~1 (RFC 6901)'

describe('claims of an issuer', () => {
  const problems: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ email: { keysOf: 'x' } }, `email ${TEXT}`],
    [{ subject: null }, `subject ${TEXT}`],
    [{ subject: 5 }, `subject ${TEXT}`],
    [{ roles: 5 }, `roles ${LIST}`],
    [{ roles: { keysof: 'x' } }, `roles ${LIST}`],
    [{ roles: ['a', ['b']] }, `roles[1] ${LIST}`],
    [{ roles: { keysOf: 'a', x: 1 } }, 'roles.x is not a known setting'],
    [{ roles: [] }, 'roles must list at least one'],
    [{ roles: Array(17).fill('a') }, 'roles must list at most 16'],
    [{ roles: '/a~' }, `roles ${POINTER}`],
    [{ scopes: ['a', '/a~2'] }, `scopes[1] ${POINTER}`],
    [{ roles: [{ keysOf: '/~' }] }, `roles[0].keysOf ${POINTER}`],
    [{ clientId: '' }, 'clientId must not be empty'],
    [{ rolles: 'x' }, 'rolles is not a known setting: did you mean roles?'],
  ]
  for (const [claims, problem] of problems) {
    it(`are refused as ${JSON.stringify(claims).slice(0, 60)}, in words of the setting`, () => {
      assert.deepEqual(problemLinesOf(text(claims)), [`issuers.main.claims.${problem}`])
    })
  }

  it('are the same whether the default of a part is left out or written', () => {
    const written = {
      subject: 'sub',
      clientId: ['client_id', 'azp'],
      roles: ['roles'],
      email: 'email',
    }
    assert.deepEqual(parseText(text(written)).issuers, parseText(text({})).issuers)
    const [other] = parseText(text({ roles: { keysOf: 'roles' }, clientId: 'azp' })).issuers
    assert.deepEqual(
      [other?.claims.roles?.isDefault, other?.claims.clientId?.isDefault],
      [false, false],
    )
  })
})
