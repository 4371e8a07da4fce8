/** Paths of claims that meet nothing are told; and the order of places is part of a profile. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { composeIssuerPolicies } from '../../src/listener/issuer-policies.ts'
import { keptPathsOf } from '../../src/listener/kept-paths.ts'
import { watchedPlacesOf } from '../../src/listener/watched-places.ts'
import { parseClaimPath } from '../../src/protocol/claim-path.ts'
import { UnmetClaimPaths } from '../../src/supervisor/unmet-claim-paths.ts'
import { compileTokenProfile } from '../../src/verifiers/bearer-token/verification-profile.ts'
import {
  ClaimPathWatch,
  type UnmetClaimPath,
  WATCHED_TOKENS,
  type WatchedPlace,
} from '../../src/verifiers/claim-path-watch.ts'
import { ISSUERS, parseText } from '../support/configuration-text.ts'
import { CLAIM_SOURCES, ISSUER_POLICY, sourceOf } from '../support/jwt-policy.ts'

const MET = placeOf('/realm_access/roles', 'issuers.main.claims.roles')
const UNMET = placeOf('/realm_acess/roles', 'routes[0].require.claims[0]')

function placeOf(text: string, setting: string): WatchedPlace {
  const parsed = parseClaimPath(text)
  assert.ok(parsed.ok)
  return { path: parsed.path, text: JSON.stringify(text), setting }
}

function watch(): { readonly told: UnmetClaimPath[]; readonly watch: ClaimPathWatch } {
  const told: UnmetClaimPath[] = []
  const places = new Map([
    ['main', [MET, UNMET]],
    ['other', [MET]],
  ])
  return { told, watch: new ClaimPathWatch(places, (path) => told.push(path)) }
}

describe('a path of a claim that the configuration uses', () => {
  const plain = { sub: 'u' }
  const withRoles = { sub: 'u', realm_access: { roles: [] } }

  it('is told once when none of the first hundred tokens has anything there', () => {
    const { told, watch: paths } = watch()
    for (let seen = 1; seen < WATCHED_TOKENS; seen += 1) paths.notice('main', plain)
    assert.deepEqual(told, [], 'not before the last of them')
    paths.notice('main', withRoles)
    assert.deepEqual(told, [{ issuer: 'main', setting: UNMET.setting, path: UNMET.text }])
    for (let seen = 0; seen < 2 * WATCHED_TOKENS; seen += 1) paths.notice('main', plain)
    assert.equal(told.length, 1)
  })

  it('is watched for each issuer by itself', () => {
    const { told, watch: paths } = watch()
    for (let seen = 0; seen < WATCHED_TOKENS; seen += 1) {
      paths.notice('main', withRoles)
      if (seen > 0) paths.notice('other', plain)
    }
    assert.deepEqual(
      told.map(({ issuer, path }) => [issuer, path]),
      [['main', '"/realm_acess/roles"']],
    )
  })

  it('is told by the process once, whatever its threads and reloads find out', () => {
    const lines: unknown[] = []
    const paths = new UnmetClaimPaths({ log: (event) => lines.push(event) })
    const path = { issuer: 'main', setting: 'routes[0].require.claims[0]', path: '"/x"' }
    for (let thread = 0; thread < 4; thread += 1) paths.note(path)
    // After a reload the rule is in another place.
    paths.note({ ...path, setting: 'routes[7].require.claims[2]' })
    paths.note({ ...path, issuer: 'other' })
    assert.equal(lines.length, 2)
    for (let index = 0; index < 2_000; index += 1) paths.note({ ...path, path: `"/${index}"` })
    assert.equal(lines.length, 1_000, 'a bound')
  })
})

describe('the paths that are watched', () => {
  const custom = { 'X-Department': '/department', 'X-City': { path: 'city', format: 'json' } }
  const token = { path: '/department', equals: 'Sales' }
  const level = { path: 'level', equals: '1' }

  function watched(routes: readonly object[], issuer = 'main') {
    const configuration = parseText(
      JSON.stringify({
        issuers: {
          main: {
            ...ISSUERS.main,
            claims: { email: '/mail', roles: ['/a/roles', { keysOf: 'b' }] },
          },
          other: { ...ISSUERS.main, issuer: 'https://other.example.com/' },
        },
        redis: {},
        sessions: {},
        identity: { headers: { custom }, internalToken: { claims: { adr: 'address' } } },
        upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
        routes: routes.map((route, index) => {
          const match = { path: `/${index}` }
          return { name: `r${index}`, match, upstream: 'users', issuers: ['main'], ...route }
        }),
      }),
    )
    const policies = composeIssuerPolicies(configuration, keptPathsOf(configuration))
    const sources = policies.get(issuer)?.sources
    assert.ok(sources !== undefined)
    return watchedPlacesOf(issuer, sources, configuration).map(({ text, setting }) => {
      return `${text} ${setting}`
    })
  }

  const OF_CLAIMS = [
    '"sub" issuers.main.claims.subject',
    '"/mail" issuers.main.claims.email',
    '"/a/roles" issuers.main.claims.roles',
    'names in "b" issuers.main.claims.roles',
  ]
  const OF_HEADERS = [
    '"/department" identity.headers.custom.X-Department',
    '"city" identity.headers.custom.X-City',
  ]

  it('are those of claims, headers, internal tokens and rules, each with its setting', () => {
    const rules = { require: { claims: [{ claim: 'email', equals: 'a' }, level] } }
    assert.deepEqual(watched([{ ...rules, identity: 'internal-token' }, {}]), [
      ...OF_CLAIMS,
      ...OF_HEADERS,
      '"address" identity.internalToken.claims.adr',
      '"level" routes[0].require.claims[1]',
    ])
  })

  it('are those of routes that take tokens of the issuer, and of no others', () => {
    const bySession = { authenticate: ['session'], require: { claims: [level] } }
    const open = { authenticate: 'none', issuers: undefined }
    const silent = { identity: 'pass-through' }
    assert.deepEqual(watched([bySession, open, silent]), OF_CLAIMS)
    const others = { issuers: ['other'], require: { claims: [token] } }
    assert.deepEqual(watched([silent, others]), OF_CLAIMS)
    assert.deepEqual(watched([silent, others], 'other'), [
      '"sub" issuers.other.claims.subject',
      '"/department" identity.headers.custom.X-Department, routes[1].require.claims[0]',
      '"city" identity.headers.custom.X-City',
    ])
  })

  it('are one for each path, which names a few of its settings', () => {
    const rules = { identity: 'pass-through', require: { claims: [level] } }
    const lines = watched(Array.from({ length: 5 }, () => rules))
    const settings = [0, 1, 2].map((route) => `routes[${route}].require.claims[0]`).join(', ')
    assert.deepEqual(lines.slice(OF_CLAIMS.length), [`"level" ${settings} and 2 more`])
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
