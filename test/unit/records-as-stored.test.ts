/**
 * Records of sessions, API keys and tenants as known software writes them, each row named after it:
 * null or an empty list is a member that was never set, one text is a list of one, and an integer
 * is its decimal text (docs/values.md). Behind each table stand those that look like it and are
 * refused.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { composeRecordUse } from '../../src/listener/claim-sources.ts'
import { keptPathsOf } from '../../src/listener/kept-paths.ts'
import { byPart } from '../../src/protocol/identity-parts.ts'
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import { refuseNaming } from '../../src/protocol/verification.ts'
import { parseTenantRecord } from '../../src/tenants/parse-tenant-record.ts'
import { identityOfApiKey, parseApiKeyRecord } from '../../src/verifiers/api-key/api-key-record.ts'
import { expressSessionFormat } from '../../src/verifiers/session/express-session-format.ts'
import { SALLYPORT_FORMAT, sallyportFormat } from '../../src/verifiers/session/sallyport-format.ts'
import { ISSUERS, parseText } from '../support/configuration-text.ts'

const EXPRESS = expressSessionFormat(['a secret'], {
  userId: '/user/id',
  ...byPart(({ record }) => `/user/${record}`),
  createdAt: '/user/since',
})

const COOKIE = { originalMaxAge: null, expires: null, secure: true, httpOnly: true, path: '/' }

type Members = Readonly<Record<string, unknown>>

interface Read {
  readonly subject: string
  readonly roles?: readonly string[]
  readonly scopes?: readonly string[]
  readonly email?: string
  readonly tenant?: string
}

function express(user: unknown, rest: Members = {}): string {
  return JSON.stringify({ cookie: COOKIE, user, ...rest })
}

const SESSIONS: readonly (readonly [software: string, record: string, Read])[] = [
  [
    'express-session with one role',
    express({ id: 'u', roles: 'admin' }),
    { subject: 'u', roles: ['admin'] },
  ],
  [
    'Passport with a numbered user of Sequelize',
    express({ id: 7, email: null, tenantId: 42, roles: null }),
    { subject: '7', tenant: '42' },
  ],
  [
    'a document of Mongoose with lists that were never filled',
    express({ id: '507f1f77bcf86cd799439011', roles: [], scopes: [], __v: 0 }),
    { subject: '507f1f77bcf86cd799439011' },
  ],
  [
    'NestJS with one scope',
    express({ id: 'u', scopes: 'read', roles: ['user'] }),
    { subject: 'u', scopes: ['read'], roles: ['user'] },
  ],
  [
    'an array of PHP, whose empty members are lists',
    express({ id: 'u', email: [], tenantId: [], roles: [], since: [] }),
    { subject: 'u' },
  ],
  [
    'a form whose empty fields are empty texts',
    express({ id: 'u', email: '', tenantId: '', roles: '' }),
    { subject: 'u' },
  ],
  [
    'express-session with a cart of 70 kB',
    express(
      { id: 'u' },
      { cart: Array.from({ length: 700 }, (_, item) => ({ item, x: 'x'.repeat(90) })) },
    ),
    { subject: 'u' },
  ],
  [
    'connect-flash and csurf beside the user',
    express({ id: 'u' }, { flash: { error: [] }, csrfSecret: 'x', __proto: null }),
    { subject: 'u' },
  ],
]

const VISITORS: readonly (readonly [software: string, record: string])[] = [
  ['express-session before the login', JSON.stringify({ cookie: COOKIE })],
  ['Passport after the logout', express(null)],
  [
    'keycloak-connect before the login',
    express(undefined, { auth_redirect_uri: 'https://x.test' }),
  ],
  ['a shop, with roles that no user has', express({ id: '', roles: { guest: true }, email: 7 })],
]

const UNREADABLE: readonly (readonly [what: string, record: string, RefusalReason])[] = [
  ['what Laravel writes', 'a:2:{s:6:"_token";s:2:"ab";s:3:"url";a:0:{}}', 'session_unreadable'],
  ['what Django writes', '.eJxVjDsOwyAQBe9CHS=:1tSgD5', 'session_unreadable'],
  ['what PHP writes', 'user|s:1:"u";roles|a:0:{}', 'session_unreadable'],
  ['a record that was cut', express({ id: 'u' }).slice(0, -1), 'session_unreadable'],
  ['a list', '[{"user":{"id":"u"}}]', 'session_unreadable'],
  ['a user twice', '{"user":{"id":"u"},"user":{"id":"root"}}', 'session_unreadable'],
  ['an object id of MongoDB', express({ id: { $oid: '507f' } }), 'session_user_mistyped'],
  ['a user in a list', express({ id: ['u'] }), 'session_user_mistyped'],
  ['roles as an object', express({ id: 'u', roles: { admin: true } }), 'session_roles_mistyped'],
  ['roles as objects', express({ id: 'u', roles: [{ name: 'x' }] }), 'session_roles_mistyped'],
  ['an empty role among others', express({ id: 'u', roles: ['a', ''] }), 'session_roles_mistyped'],
  ['scopes as a number', express({ id: 'u', scopes: 7 }), 'session_scopes_mistyped'],
  ['an e-mail in a list', express({ id: 'u', email: ['a@b'] }), 'session_email_mistyped'],
  ['a tenant as true', express({ id: 'u', tenantId: true }), 'session_tenant_mistyped'],
  ['a tenant with a fraction', express({ id: 'u', tenantId: 1.5 }), 'session_tenant_mistyped'],
  ['a tenant beyond 2^53', express({ id: 'u', tenantId: 2 ** 53 }), 'session_tenant_mistyped'],
  [
    'an organisation as an object',
    express({ id: 'u', organisationId: {} }),
    'session_organisation_mistyped',
  ],
  [
    'a beginning without its zone',
    express({ id: 'u', since: '2027-01-31' }),
    'session_created_mistyped',
  ],
]

describe('a session', () => {
  for (const [software, record, expected] of SESSIONS) {
    it(`is read as it is stored by ${software}`, () => {
      const read = EXPRESS.readRecord(record, 'id')
      assert.ok(read.kind === 'record', JSON.stringify(read))
      const { subject, roles, scopes, email, tenant } = read.identity
      const none = { roles: [], scopes: [], email: null, tenant: null }
      assert.deepEqual({ subject, roles, scopes, email, tenant }, { ...none, ...expected })
    })
  }

  for (const [software, record] of VISITORS) {
    it(`is a visitor’s as it is stored by ${software}`, () => {
      assert.equal(EXPRESS.readRecord(record, 'id').kind, 'anonymous')
    })
  }

  for (const [what, record, reason] of UNREADABLE) {
    it(`is no session, with a reason that names the member, because of ${what}`, () => {
      const read = EXPRESS.readRecord(record, 'id')
      assert.ok(read.kind === 'refused')
      assert.deepEqual([read.reason, read.code], [reason, 'no_session'])
    })
  }

  it('finds no user in a prototype', () => {
    const record = '{"__proto__":{"user":{"id":"root"}},"user":{"__proto__":{"id":"root"}}}'
    assert.equal(EXPRESS.readRecord(record, 'id').kind, 'anonymous')
  })

  it('of the gateway’s own format has no end that cannot be read', () => {
    const read = (expiresAt: unknown) => {
      const record = SALLYPORT_FORMAT.readRecord(JSON.stringify({ userId: 'u', expiresAt }), 'id')
      return record.kind === 'refused' ? record.reason : record.kind
    }
    for (const expiresAt of [undefined, null, []]) assert.equal(read(expiresAt), 'record')
    for (const expiresAt of ['', 'soon', {}, [1], true]) {
      assert.equal(read(expiresAt), 'session_expires_mistyped')
    }
  })
})

const API_KEYS: readonly (readonly [software: string, record: Members])[] = [
  [
    'a Java class written by Jackson',
    { email: null, expiresAt: null, allowFrom: null, rateLimit: null },
  ],
  [
    'a Rust structure written by serde',
    { roles: null, scopes: null, denyFrom: null, version: null },
  ],
  ['an array of PHP', { email: [], tenantId: [], expiresAt: [], allowFrom: [], rateLimit: [] }],
  [
    'a Go structure without omitempty',
    { email: '', tenantId: '', organisationId: '', roles: null },
  ],
  ['HSET of a script, with one role', { roles: 'admin', scopes: 'read' }],
  ['Rails, with a numbered tenant', { tenantId: 42 }],
]

const BAD_API_KEYS: readonly (readonly [what: string, record: Members])[] = [
  ['a user of null', { userId: null }],
  ['a user that is an empty list', { userId: [] }],
  ['roles as an object', { roles: { admin: true } }],
  ['an end that is an empty text', { expiresAt: '' }],
  ['addresses as one text', { allowFrom: '203.0.113.7' }],
  ['addresses with null', { denyFrom: [null] }],
  ['a rate as text', { rateLimit: '5/s' }],
  ['a rate without a rate', { rateLimit: {} }],
  ['a later version', { version: 2 }],
  ['a version that is a list', { version: [] }],
]

describe('the record of an API key', () => {
  for (const [software, record] of API_KEYS) {
    it(`is read as it is stored by ${software}`, () => {
      const key = parseApiKeyRecord(JSON.stringify({ userId: 'u', ...record }))
      assert.ok(!('kind' in key), JSON.stringify(key))
      const { roles = [], scopes = [], tenantId = null } = record
      const listed = (value: unknown) => [value ?? []].flat()
      assert.deepEqual(key.roles, listed(roles))
      assert.deepEqual(key.scopes, listed(scopes))
      assert.equal(key.tenantId, typeof tenantId === 'number' ? `${tenantId}` : null)
      assert.deepEqual([key.expiresAtSeconds, key.allowFrom, key.denyFrom], [null, [], []])
    })
  }

  for (const [what, record] of BAD_API_KEYS) {
    it(`is not read because of ${what}`, () => {
      const key = parseApiKeyRecord(JSON.stringify({ userId: 'u', ...record }))
      const [member] = Object.keys(record)
      assert.deepEqual(key, refuseNaming('api_key_unreadable', member ?? ''))
    })
  }
})

describe('a member that no route of the configuration uses', () => {
  /** What a route with these settings uses of sessions of express-session and of API keys. */
  function used(route: Members, more: Members = {}) {
    const configuration = parseText(
      JSON.stringify({
        redis: {},
        sessions: { format: 'express-session', secrets: ['x'.repeat(32)] },
        apiKeys: { keys: [] },
        upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
        routes: [
          { name: 'open', match: { path: '/open' }, upstream: 'users', authenticate: 'none' },
          { name: 'all', match: { path: '/*' }, upstream: 'users', ...route },
        ],
        ...more,
      }),
    )
    const kept = keptPathsOf(configuration)
    return {
      session: composeRecordUse('session', configuration, kept),
      apiKey: composeRecordUse('apiKey', configuration, kept),
      pointers: configuration.sessions?.pointers,
    }
  }

  const MISTYPED = {
    email: ['a@b', 'c@d'],
    roles: { admin: true },
    scopes: [1],
    tenantId: {},
    organisationId: 1.5,
    claims: 'none',
  }
  const SOFTWARE = JSON.stringify({ userId: 'u', ...MISTYPED })
  const both = { authenticate: ['session', 'apiKey'], identity: 'pass-through' }

  function outcomes(route: Members, more: Members = {}, text = SOFTWARE) {
    const { session, apiKey, pointers } = used(route, more)
    assert.ok(pointers !== undefined)
    const sessions = [
      sallyportFormat(session).readRecord(text, 'id'),
      expressSessionFormat(['a secret'], pointers, session).readRecord(text, 'id'),
    ]
    const key = parseApiKeyRecord(text, apiKey)
    const verdict = 'kind' in key ? key : identityOfApiKey(key, apiKey.keptPaths)
    const reasons = sessions.map((it) => (it.kind === 'refused' ? it.reason : it.kind))
    return [...reasons, 'kind' in verdict ? `${verdict.reason} ${verdict.detail}` : 'read']
  }

  it('may be of any type in a session and an API key alike, and counts as absent', () => {
    assert.deepEqual(outcomes(both), ['record', 'record', 'read'])
    const key = parseApiKeyRecord(SOFTWARE, used(both).apiKey)
    assert.ok(!('kind' in key))
    assert.deepEqual([key.email, key.roles, key.scopes, key.tenantId], [null, [], [], null])
  })

  it('is refused by name in both as soon as a route that takes them requires or tells it', () => {
    const roles = { ...both, require: { roles: { any: ['admin'] } } }
    const refused = ['session_roles_mistyped', 'session_roles_mistyped', 'api_key_unreadable roles']
    assert.deepEqual(outcomes(roles), refused)
    const told = { ...both, identity: 'headers' }
    const named = ['session_email_mistyped', 'session_email_mistyped', 'api_key_unreadable email']
    assert.deepEqual(outcomes(told), named)
  })

  it('is used where the configuration says where it is', () => {
    const sessions = {
      format: 'express-session',
      secrets: ['x'.repeat(32)],
      pointers: { roles: '/scopes' },
    }
    const [, express, key] = outcomes(both, { sessions })
    assert.deepEqual([express, key], ['session_roles_mistyped', 'read'])
  })

  it('is refused in the claims of both where one of them is asked for, and only there', () => {
    const asking = { ...both, require: { claims: [{ path: 'department', equals: 'Sales' }] } }
    const [sallyport, , key] = outcomes(asking)
    assert.deepEqual([sallyport, key], ['session_claims_mistyped', 'api_key_unreadable claims'])
    const text = JSON.stringify({ userId: 'u', claims: { a: {} }, a: {} })
    const custom = { headers: { custom: { 'X-A': '/a' } } }
    const route = { ...both, identity: 'headers' }
    const refused = ['session_claims_mistyped', 'session_claims_mistyped', 'api_key_unreadable /a']
    assert.deepEqual(outcomes(route, { identity: custom }, text), refused)
  })

  it('does not count the routes that take only other credentials', () => {
    const issuers = ISSUERS
    const only = { authenticate: ['jwt'], require: { roles: { any: ['admin'] } } }
    const [sallyport, express, key] = outcomes(only, { issuers })
    assert.deepEqual([sallyport, express, key], ['record', 'record', 'read'])
    // Nor the claims that such routes tell their upstreams, or require.
    const identity = { headers: { custom: { 'X-Plan': 'plan' } } }
    const telling = { ...only, require: { claims: [{ path: 'claims', equals: 'x' }] } }
    const objects = JSON.stringify({ userId: 'u', claims: 'none', plan: { name: 'pro' } })
    for (const text of [SOFTWARE, objects]) {
      const read = outcomes(telling, { issuers, identity }, text)
      assert.deepEqual(read, ['record', 'record', 'read'])
    }
    const taking = { ...telling, authenticate: ['jwt', 'session', 'apiKey'] }
    assert.deepEqual(outcomes(taking, { issuers, identity }, objects), [
      ...['session_claims_mistyped', 'session_claims_mistyped'],
      'api_key_unreadable claims',
    ])
  })
})

const TENANTS: readonly (readonly [software: string, record: Members])[] = [
  [
    'a Java class written by Jackson',
    { plan: null, issuers: null, allowFrom: null, upstream: null },
  ],
  ['a Rust structure written by serde', { allowedOrigins: null, denyFrom: null, rateLimit: null }],
  ['an array of PHP', { plan: [], issuers: [], allowedOrigins: [], rateLimit: [], upstream: [] }],
]

const BAD_TENANTS: readonly (readonly [what: string, record: Members, RegExp])[] = [
  ['a status of null', { status: null }, /^status /],
  ['a status that is an empty list', { status: [] }, /^status /],
  ['issuers that are an empty text', { issuers: '' }, /^issuers /],
  ['an issuer of null', { issuers: [null] }, /^issuers /],
  ['an empty plan', { plan: '' }, /^plan /],
  ['an empty upstream', { upstream: '' }, /^upstream /],
  ['addresses that are an empty text', { allowFrom: '' }, /^allowFrom /],
  ['a misspelled member of null', { alowFrom: null }, /almost one/],
]

describe('the record of a tenant', () => {
  for (const [software, record] of TENANTS) {
    it(`is read as it is stored by ${software}`, () => {
      const bare = parseTenantRecord('acme', '{"status":"active"}')
      const read = parseTenantRecord('acme', JSON.stringify({ status: 'active', ...record }))
      assert.deepEqual(read, bare)
    })
  }

  for (const [what, record, problem] of BAD_TENANTS) {
    it(`is not read because of ${what}`, () => {
      const read = parseTenantRecord('acme', JSON.stringify({ status: 'active', ...record }))
      assert.match(typeof read === 'string' ? read : '', problem)
    })
  }
})
