/** Claims of the wrong type: refused by name where the configuration uses them, else ignored. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { composeClaimSources } from '../../src/listener/claim-sources.ts'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'
import { readAnswer, readClaims, readText, type Written } from '../support/provider-claims.ts'

/** No header tells the upstream of these. */
const UNTOLD = { headers: { email: null, scopes: null, tenant: null } }
const TENANTS = { resolve: [{ from: 'claim' }], registry: { acme: {} } }

/** What makes a configuration use a part, the claim with a value of the wrong type, the reason. */
const USED: readonly (readonly [string, Written, Record<string, unknown>, string])[] = [
  [
    'roles that a route requires',
    { route: { require: { roles: { any: ['admin'] } } } },
    { roles: [{ name: 'admin' }] },
    'roles_mistyped',
  ],
  [
    'scopes that a route requires',
    { route: { require: { scopes: { all: ['read'] } } }, identity: UNTOLD },
    { scope: 1 },
    'scopes_mistyped',
  ],
  [
    'an e-mail address that a rule is about',
    {
      route: { require: { claims: [{ claim: 'email', matches: '*@corp.example' }] } },
      identity: UNTOLD,
    },
    { email: ['a@corp.example', 'b@corp.example'] },
    'email_mistyped',
  ],
  [
    'the client that a rule names',
    { route: { require: { claims: [{ claim: 'clientId', equals: 'web' }] } } },
    { azp: ['web'] },
    'client_id_mistyped',
  ],
  [
    'the tenant where there are tenants',
    { tenants: TENANTS, identity: UNTOLD },
    { tenant_id: {} },
    'tenant_mistyped',
  ],
  ['the client, which the upstream is told of', {}, { client_id: ['web'] }, 'client_id_mistyped'],
  ['a part that the upstream is told of', {}, { org_id: { id: 1 } }, 'organisation_mistyped'],
  [
    'a part that an internal token tells the upstream',
    { identity: { strategy: 'internal-token', headers: { email: null } } },
    { email: {} },
    'email_mistyped',
  ],
  [
    'roles in a header that the configuration names',
    { identity: { headers: { roles: 'X-Roles' } } },
    { roles: [{ name: 'x' }] },
    'roles_mistyped',
  ],
  [
    'a part whose place is not the default',
    { issuer: { claims: { roles: 'groups' } } },
    { groups: { admin: true } },
    'roles_mistyped',
  ],
  [
    'names of an object that is a list',
    { issuer: { claims: { roles: { keysOf: 'access' } } } },
    { access: ['admin'] },
    'roles_mistyped',
  ],
  [
    'one place of several',
    { issuer: { claims: { roles: ['roles', '/realm_access/roles'] } } },
    { roles: ['a'], realm_access: { roles: 5 } },
    'roles_mistyped',
  ],
  ['the subject', { issuer: { claims: { subject: 'uid' } } }, { uid: ['u'] }, 'subject_mistyped'],
  ['jti, by which tokens are revoked', {}, { jti: 1 }, 'jti_mistyped'],
  ['sid, by which sessions are revoked', {}, { sid: {} }, 'sid_mistyped'],
]

describe('a claim of the wrong type', () => {
  for (const [title, written, claims, reason] of USED) {
    it(`refuses the token when it is ${title}, and the reason names it`, () => {
      assert.equal(readClaims(claims, written), reason)
      assert.equal(readAnswer(claims, written), reason)
    })
  }

  it('is ignored when nothing uses it', () => {
    const unused = {
      email: { address: 'a@b.example' },
      roles: [{ name: 'x' }],
      scope: 1,
      tenant_id: {},
      org_id: [1],
      azp: {},
    }
    const others = { email: null, scopes: null, tenant: null, organisation: null }
    const headers = { ...others, roles: null, clientId: null }
    for (const read of [readClaims, readAnswer]) {
      for (const identity of [{ strategy: 'pass-through' }, { headers }]) {
        const found = read(unused, { identity })
        assert.ok(typeof found === 'object', JSON.stringify(found))
        const { email, roles, scopes, tenant, organisation, clientId } = found
        assert.deepEqual(
          [email, roles, scopes, tenant, organisation, clientId],
          [null, [], [], null, null, null],
        )
      }
    }
  })

  it('is no reason to refuse what nothing in the configuration has chosen to read', () => {
    const found = readClaims({ tenant_id: 42, email: ['a@b'], roles: [{ name: 'x' }] })
    assert.ok(typeof found === 'object', JSON.stringify(found))
    assert.deepEqual([found.tenant, found.email, found.roles], ['42', 'a@b', []])
  })

  it('is a list of one address no more than that address, and of two', () => {
    assert.equal(readClaims({ email: ['a@b', 'c@d'] }), 'email_mistyped')
    for (const email of [[1], [''], [null], [['a@b']]]) {
      assert.equal(readClaims({ email }), 'email_mistyped', JSON.stringify(email))
    }
    assert.equal(readClaims({ tenant_id: ['acme'] }), 'tenant_mistyped')
  })

  it('is used where a route accepts the issuer, and not by routes of others', () => {
    const issuer = (name: string) => ({ ...ISSUERS.main, issuer: `https://${name}.example.com` })
    const roles = { roles: { any: ['admin'] } }
    const route = { name: 'all', match: { path: '/*' }, upstream: 'users', issuers: ['strict'] }
    const bySession = { match: { path: '/s' }, upstream: 'users', authenticate: ['session'] }
    const configuration = parseText(
      JSON.stringify({
        sessions: { store: 'memory' },
        issuers: { strict: issuer('strict'), other: issuer('other') },
        upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
        routes: [
          { name: 'session', ...bySession, require: roles },
          { ...route, require: roles },
        ],
      }),
    )
    const used = configuration.issuers.map((it) => composeClaimSources(it, configuration).roles)
    assert.deepEqual(
      used.map((source) => source?.isUsed),
      [true, false],
    )
  })

  it('is found by one list for all routes that leave issuers out, of which may be a thousand', () => {
    const route = { upstream: 'users', authenticate: ['jwt'] }
    const routes = ['a', 'b', 'c'].map((name) => ({ name, match: { path: `/${name}` }, ...route }))
    const upstreams = { users: { targets: ['http://127.0.0.1:9500'] } }
    const configuration = parseText(JSON.stringify({ issuers: ISSUERS, upstreams, routes }))
    const lists = configuration.routes.map(({ issuers }) => issuers)
    assert.deepEqual(lists[0], ['main'])
    assert.equal(new Set(lists).size, 1)
  })

  it('is none when it is an integer in the place of a text, up to 2^53', () => {
    const used = { issuer: { claims: { tenant: 'tid', email: 'mail' } } }
    const identity = readClaims({ tid: 42, mail: -1 }, used)
    assert.ok(typeof identity === 'object')
    assert.deepEqual([identity.tenant, identity.email], ['42', '-1'])
    for (const tid of [1.5, 2 ** 53, true, false]) {
      assert.equal(readClaims({ tid }, used), 'tenant_mistyped')
    }
  })

  it('is none when a client is called by its number, as Doorkeeper and Django OAuth Toolkit do', () => {
    for (const read of [readClaims, readAnswer]) {
      for (const claims of [{ client_id: 42 }, { azp: 42 }, { client_id: '42' }]) {
        const identity = read(claims)
        assert.equal(typeof identity === 'object' && identity.clientId, '42')
      }
      assert.equal(read({ client_id: 4.2 }), 'client_id_mistyped')
      assert.equal(read({ client_id: 2 ** 53 }), 'client_id_mistyped')
    }
  })

  it('is an integer where the standards have text, and within a list', () => {
    for (const claims of [{ sub: 1 }, { jti: 1 }, { sid: 1 }]) {
      assert.equal(typeof readClaims(claims), 'string', JSON.stringify(claims))
    }
    const used = { issuer: { claims: { roles: 'groups' } } }
    assert.equal(readClaims({ groups: ['a', 1] }, used), 'roles_mistyped')
    assert.equal(readClaims({ groups: 1 }, used), 'roles_mistyped')
  })
})

describe('a token without sub', () => {
  const bySubject = (claims: Record<string, unknown>) => ({ claims, requiredClaims: [] })

  it('is good where sub is not required and another claim is the subject', () => {
    const claims = { sub: undefined, client_id: 'batch' }
    const identity = readClaims(claims, { issuer: bySubject({ subject: 'client_id' }) })
    assert.equal(typeof identity === 'object' && identity.subject, 'batch')
  })

  it('has the first subject that is there', () => {
    const written = { issuer: bySubject({ subject: ['sub', 'client_id'] }) }
    const subjectOf = (claims: Record<string, unknown>) => {
      const identity = readClaims(claims, written)
      return typeof identity === 'string' ? identity : identity.subject
    }
    assert.equal(subjectOf({ client_id: 'batch' }), 'someone')
    assert.equal(subjectOf({ sub: null, client_id: 'batch' }), 'batch')
    assert.equal(subjectOf({ sub: 5, client_id: 'batch' }), 'subject_mistyped')
    assert.equal(subjectOf({ sub: undefined }), 'subject_mistyped')
  })

  it('is refused as long as sub is required, or nothing else is the subject', () => {
    const claims = { sub: undefined, client_id: 'batch' }
    assert.equal(readClaims(claims), 'subject_mistyped')
    assert.equal(readClaims(claims, { issuer: { requiredClaims: [] } }), 'subject_mistyped')
    const renamed = { claims: { subject: 'client_id' } }
    assert.equal(readClaims(claims, { issuer: renamed }), 'subject_mistyped')
  })
})

describe('hostile claims', () => {
  const ROLES = { issuer: { claims: { roles: ['/realm_access/roles', 'realm_access.roles'] } } }
  const claimsText = (more: string) =>
    `{"iss":"https://idp.example.com","aud":"api","sub":"u","exp":1760003600,${more}}`

  it('never come from what an object inherits or a __proto__ has', () => {
    for (const text of [
      '"__proto__":{"realm_access":{"roles":["admin"]}}',
      '"realm_access":{"__proto__":{"roles":["admin"]}}',
      '"constructor":{"realm_access":{"roles":["admin"]}}',
      '"realm_access":{}',
      '"realm_access":[]',
      '"realm_access":"roles"',
    ]) {
      const identity = readText(claimsText(text), ROLES)
      assert.deepEqual(typeof identity === 'object' && identity.roles, [], text)
    }
  })

  it('cannot be reached by a path through what every object answers to', () => {
    for (const path of ['__proto__', '/a/__proto__/b', 'constructor.prototype', '/prototype']) {
      for (const roles of [path, [path], { keysOf: path }, [{ keysOf: path }]]) {
        const text = JSON.stringify({
          issuers: {
            main: {
              issuer: 'https://x',
              audiences: ['a'],
              jwks: { uri: 'https://x/k' },
              claims: { roles },
            },
          },
          upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
          routes: [{ name: 'all', match: { path: '/*' }, upstream: 'users' }],
        })
        assert.match(problemLinesOf(text).join('\n'), /claims\.roles.* must not name/, path)
      }
    }
  })

  it('of names that objects have are roles like any other, and nothing else', () => {
    const written = { issuer: { claims: { roles: { keysOf: 'access' } } } }
    const text = claimsText('"access":{"__proto__":{"x":1},"constructor":1,"off":false,"no":null}')
    const identity = readText(text, written)
    assert.deepEqual(typeof identity === 'object' && identity.roles, ['__proto__', 'constructor'])
    assert.equal(Object.hasOwn(Object.prototype, 'x'), false)
  })

  it('are nested no deeper than JSON is read at all, which a path may reach', () => {
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}["admin"]${'}'.repeat(levels)}`
    const path = '/a'.repeat(14)
    const written = { issuer: { claims: { roles: path } } }
    const identity = readText(`${claimsText(deep(14).slice(1, -1))}`, written)
    assert.deepEqual(typeof identity === 'object' && identity.roles, ['admin'])
  })

  it('are put together from huge lists in a time that grows with them alone', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => `role-${index}`)
    const paths = Array.from({ length: 16 }, (_, index) => `list${index}`)
    const claims = Object.fromEntries(paths.map((path) => [path, many]))
    const startedMs = performance.now()
    const identity = readClaims(claims, { issuer: { claims: { roles: paths } } })
    assert.equal(typeof identity === 'object' && identity.roles.length, many.length)
    assert.ok(performance.now() - startedMs < 2_000)
  })

  it('grant nothing by a text that only looks like a list', () => {
    const rolesOf = (roles: unknown) => {
      const identity = readClaims({ roles })
      return typeof identity === 'object' ? identity.roles : identity
    }
    assert.deepEqual(rolesOf('user,admin'), ['user,admin'])
    assert.deepEqual(rolesOf('["admin"]'), ['["admin"]'])
    assert.deepEqual(rolesOf('user\tadmin'), ['user\tadmin'])
    assert.deepEqual(rolesOf('  user   editor '), ['user', 'editor'])
    assert.deepEqual(rolesOf(' '), [])
    assert.deepEqual(rolesOf(['super admin']), ['super admin'])
  })
})
