/** Paths of claims that meet nothing are told; and the order of places is part of a profile. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UnmetClaimPaths } from '../../src/supervisor/unmet-claim-paths.ts'
import { compileTokenProfile } from '../../src/verifiers/bearer-token/verification-profile.ts'
import {
  ClaimPathWatch,
  type UnmetClaimPath,
  WATCHED_TOKENS,
} from '../../src/verifiers/claim-path-watch.ts'
import { CLAIM_SOURCES, ISSUER_POLICY, sourceOf } from '../support/jwt-policy.ts'

const roles = sourceOf('roles', '/realm_access/roles', '/realm_acess/roles')
const unused = { ...CLAIM_SOURCES.email, isExpected: false }
const ISSUER = {
  name: 'main',
  sources: {
    ...CLAIM_SOURCES,
    email: CLAIM_SOURCES.email && { ...CLAIM_SOURCES.email, ...unused },
    scopes: null,
    tenant: null,
    organisation: null,
    clientId: null,
    roles,
  },
}

function watch(): { readonly told: UnmetClaimPath[]; readonly watch: ClaimPathWatch } {
  const told: UnmetClaimPath[] = []
  return { told, watch: new ClaimPathWatch((path) => told.push(path)) }
}

describe('a path of a claim that the configuration uses', () => {
  const plain = { sub: 'u' }
  const withRoles = { sub: 'u', realm_access: { roles: [] } }

  it('is told once when none of the first hundred tokens has anything there', () => {
    const { told, watch: paths } = watch()
    for (let seen = 1; seen < WATCHED_TOKENS; seen += 1) paths.notice(ISSUER, plain)
    assert.deepEqual(told, [], 'not before the last of them')
    paths.notice(ISSUER, withRoles)
    assert.deepEqual(told, [{ issuer: 'main', part: 'roles', path: '"/realm_acess/roles"' }])
    for (let seen = 0; seen < 2 * WATCHED_TOKENS; seen += 1) paths.notice(ISSUER, plain)
    assert.equal(told.length, 1)
  })

  it('is watched for each issuer by itself, and no path is that nothing uses', () => {
    const { told, watch: paths } = watch()
    for (let seen = 0; seen < WATCHED_TOKENS; seen += 1) {
      paths.notice(ISSUER, withRoles)
      if (seen > 0) paths.notice({ ...ISSUER, name: 'other' }, plain)
    }
    assert.deepEqual(
      told.map(({ issuer, path }) => [issuer, path]),
      [['main', '"/realm_acess/roles"']],
    )
  })

  it('is told by the process once, whatever its threads and reloads find out', () => {
    const lines: unknown[] = []
    const paths = new UnmetClaimPaths({ log: (event) => lines.push(event) })
    const path = { issuer: 'main', part: 'roles', path: '"/x"' }
    for (let thread = 0; thread < 4; thread += 1) paths.note(path)
    paths.note({ ...path, issuer: 'other' })
    assert.equal(lines.length, 2)
    for (let index = 0; index < 2_000; index += 1) paths.note({ ...path, path: `"/${index}"` })
    assert.equal(lines.length, 1_000, 'a bound')
  })
})

describe('the places of a part', () => {
  const keyOf = (...places: readonly string[]) => {
    const sources = { ...CLAIM_SOURCES, email: sourceOf('email', ...places) }
    const jwt = [{ ...ISSUER_POLICY, sources }]
    return compileTokenProfile({ jwt, introspection: null, answerMsMax: 0 }).key
  }

  it('have an order under which verdicts are kept, because the first of them counts', () => {
    assert.deepEqual(keyOf('a', 'b'), keyOf('a', 'b'))
    assert.notDeepEqual(keyOf('a', 'b'), keyOf('b', 'a'))
  })

  it('are kept apart from those of the same steps in another order', () => {
    assert.notDeepEqual(keyOf('/a/b'), keyOf('/b/a'))
  })
})
