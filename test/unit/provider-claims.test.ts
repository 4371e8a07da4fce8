/** Tokens as identity providers send them, and where their claims are found. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Identity } from '../../src/protocol/verification.ts'
import { readAnswer, readClaims, type Written } from '../support/provider-claims.ts'

interface Row {
  readonly title: string
  readonly claims: Record<string, unknown>
  /** `claims` of the issuer. */
  readonly paths?: Record<string, unknown>
  /** Other settings of the issuer. */
  readonly issuer?: Record<string, unknown>
  readonly found: Partial<Identity>
}

const AUTH0 = 'https://shop.example.com'
const ZITADEL_ROLES = 'urn:zitadel:iam:org:project:roles'
const NO_SUB = { requiredClaims: [] }

const ROWS: readonly Row[] = [
  {
    title: 'Keycloak: realm and client roles together',
    claims: {
      azp: 'web',
      scope: 'openid email',
      realm_access: { roles: ['admin', 'offline_access'] },
      resource_access: { 'my.app': { roles: ['editor', 'admin'] }, account: { roles: ['x'] } },
    },
    paths: { roles: ['/realm_access/roles', '/resource_access/my.app/roles'] },
    found: {
      roles: ['admin', 'offline_access', 'editor'],
      scopes: ['openid', 'email'],
      clientId: 'web',
    },
  },
  {
    title: 'Keycloak: realm roles by a dotted path',
    claims: { realm_access: { roles: ['admin'] } },
    paths: { roles: 'realm_access.roles' },
    found: { roles: ['admin'] },
  },
  {
    title: 'Keycloak: a lightweight token without sub, by its client',
    claims: { sub: undefined, azp: 'batch', client_id: 'batch' },
    paths: { subject: 'client_id' },
    issuer: NO_SUB,
    found: { subject: 'batch', clientId: 'batch' },
  },
  {
    title: 'Amazon Cognito: groups, and the client of an access token',
    claims: { token_use: 'access', client_id: 'abc', 'cognito:groups': ['ops'], username: 'ann' },
    paths: { roles: 'cognito:groups' },
    found: { roles: ['ops'], clientId: 'abc' },
  },
  {
    title: 'Amazon Cognito: an e-mail address that is verified, as text',
    claims: { email: 'a@b.example', email_verified: 'true' },
    found: { email: 'a@b.example' },
  },
  {
    title: 'Amazon Cognito: an e-mail address that is not verified, as text',
    claims: { email: 'a@b.example', email_verified: 'false' },
    found: { email: null },
  },
  {
    title: 'Auth0: claims whose names are URLs, and permissions',
    claims: {
      [`${AUTH0}/roles`]: ['buyer'],
      [`${AUTH0}/email`]: 'a@b.example',
      permissions: ['read:orders'],
      azp: 'spa',
    },
    paths: { roles: [`${AUTH0}/roles`, 'permissions'], email: `${AUTH0}/email` },
    found: { roles: ['buyer', 'read:orders'], email: 'a@b.example', clientId: 'spa' },
  },
  {
    title: 'Okta: scopes as a list, groups, and cid',
    claims: { scp: ['orders.read', 'openid'], groups: ['Everyone'], cid: '0oa1', uid: '00u1' },
    paths: { scopes: ['scope', 'scp'], roles: 'groups', clientId: 'cid', subject: 'uid' },
    found: {
      subject: '00u1',
      scopes: ['orders.read', 'openid'],
      roles: ['Everyone'],
      clientId: '0oa1',
    },
  },
  {
    title: 'Microsoft Entra ID: v2.0 tokens of users',
    claims: { scp: 'Orders.Read Orders.Write', roles: ['Task.Run'], tid: 'c0ffee', azp: 'b00c' },
    paths: { scopes: ['scp', 'scope'], tenant: 'tid' },
    found: {
      scopes: ['Orders.Read', 'Orders.Write'],
      roles: ['Task.Run'],
      tenant: 'c0ffee',
      clientId: 'b00c',
    },
  },
  {
    title: 'Microsoft Entra ID: v1.0 tokens name the client appid',
    claims: { appid: 'b00c', upn: 'ann@corp.example', oid: 'o-1' },
    paths: { clientId: ['azp', 'appid'], subject: 'oid', email: ['email', 'upn'] },
    found: { clientId: 'b00c', subject: 'o-1', email: 'ann@corp.example' },
  },
  {
    title: 'Microsoft Entra ID: more groups than fit, which are named elsewhere',
    claims: { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'x' } } },
    paths: { roles: 'groups' },
    found: { roles: [] },
  },
  {
    title: 'AD FS: upn and no sub, and one role as text',
    claims: { sub: undefined, upn: 'ann@corp.example', role: 'Sales', appid: 'app', scp: 'openid' },
    paths: { subject: 'upn', roles: ['role', 'roles'], clientId: 'appid', scopes: 'scp' },
    issuer: NO_SUB,
    found: {
      subject: 'ann@corp.example',
      roles: ['Sales'],
      clientId: 'app',
      scopes: ['openid'],
    },
  },
  {
    title: 'Zitadel: roles as the names of an object',
    claims: {
      [ZITADEL_ROLES]: { admin: { 1234: 'acme.example' }, reader: { 1234: 'acme.example' } },
    },
    paths: {
      roles: { keysOf: ZITADEL_ROLES },
      organisation: 'urn:zitadel:iam:user:resourceowner:id',
    },
    found: { roles: ['admin', 'reader'], organisation: null },
  },
  {
    title: 'Zitadel: roles of two projects',
    claims: {
      'urn:zitadel:iam:org:project:1:roles': { admin: { 9: 'x' } },
      'urn:zitadel:iam:org:project:2:roles': { admin: { 9: 'x' }, auditor: { 9: 'x' } },
    },
    paths: {
      roles: [
        { keysOf: 'urn:zitadel:iam:org:project:1:roles' },
        { keysOf: 'urn:zitadel:iam:org:project:2:roles' },
      ],
    },
    found: { roles: ['admin', 'auditor'] },
  },
  {
    title: 'Google: hosted domain, and azp of a service account',
    claims: { azp: '1122', hd: 'corp.example', email: 'a@corp.example', email_verified: true },
    paths: { organisation: 'hd' },
    found: { clientId: '1122', organisation: 'corp.example', email: 'a@corp.example' },
  },
  {
    title: 'Ory Hydra: scopes as a list in scp, and claims below ext',
    claims: { scp: ['offline', 'photos'], client_id: 'app', ext: { roles: ['admin'], tenant: 7 } },
    paths: { scopes: ['scp', 'scope'], roles: '/ext/roles', tenant: 'ext.tenant' },
    found: { scopes: ['offline', 'photos'], roles: ['admin'], tenant: '7', clientId: 'app' },
  },
  {
    title: 'Kubernetes: the namespace of a service account, below a name with a dot',
    claims: {
      sub: 'system:serviceaccount:shop:cart',
      'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'cart', uid: 'u' } },
    },
    paths: {
      tenant: '/kubernetes.io/namespace',
      clientId: '/kubernetes.io/serviceaccount/name',
    },
    found: { subject: 'system:serviceaccount:shop:cart', tenant: 'shop', clientId: 'cart' },
  },
  {
    title: 'GitLab CI: numbers as text, and the project',
    claims: {
      project_path: 'shop/cart',
      namespace_id: '72',
      user_id: '1',
      user_access_level: 'owner',
    },
    paths: { organisation: 'namespace_id', tenant: 'project_path', roles: 'user_access_level' },
    found: { organisation: '72', tenant: 'shop/cart', roles: ['owner'] },
  },
  {
    title: 'GitHub Actions: the repository, and who has started it',
    claims: { repository: 'shop/cart', actor: 'ann', repository_owner_id: '55', runner: 'self' },
    paths: { tenant: 'repository', subject: 'actor', organisation: 'repository_owner_id' },
    found: { tenant: 'shop/cart', subject: 'ann', organisation: '55' },
  },
  {
    title: 'Firebase: custom claims that are true, and an address that is not verified',
    claims: {
      user_id: 'someone',
      email: 'a@b.example',
      email_verified: false,
      firebase: { sign_in_provider: 'password', tenant: 'shop-1', identities: {} },
      access: { admin: true, editor: false },
    },
    paths: { tenant: '/firebase/tenant', roles: { keysOf: 'access' } },
    found: { tenant: 'shop-1', roles: ['admin'], email: null },
  },
  {
    title: 'Supabase: one role as text, and roles that the application keeps',
    claims: {
      role: 'authenticated',
      email: 'a@b.example',
      app_metadata: { provider: 'email', roles: ['staff'] },
      user_metadata: { email_verified: false },
    },
    paths: { roles: ['role', '/app_metadata/roles'] },
    found: { roles: ['authenticated', 'staff'], email: 'a@b.example' },
  },
  {
    title: 'Azure AD B2C: the first of a list of addresses, and extension attributes',
    claims: { emails: ['a@b.example', 'c@d.example'], extension_Roles: 'buyer seller', tfp: 'p' },
    paths: { email: '/emails/0', roles: 'extension_Roles' },
    found: { email: 'a@b.example', roles: ['buyer', 'seller'] },
  },
  {
    title: 'Hasura: roles below a URL',
    claims: { 'https://hasura.io/jwt/claims': { 'x-hasura-allowed-roles': ['user'] } },
    paths: { roles: '/https:~1~1hasura.io~1jwt~1claims/x-hasura-allowed-roles' },
    found: { roles: ['user'] },
  },
  {
    title: 'FusionAuth: roles and the application id',
    claims: { roles: ['admin'], applicationId: 'app-1', tid: 't-1', email_verified: true },
    paths: { clientId: 'applicationId', tenant: 'tid' },
    found: { roles: ['admin'], clientId: 'app-1', tenant: 't-1' },
  },
  {
    title: 'Clerk: the role within the organisation, nested in version 2',
    claims: { azp: 'https://app.example.com', o: { id: 'org_1', rol: 'admin', slg: 'shop' } },
    paths: { organisation: ['org_id', '/o/id'], roles: ['org_role', '/o/rol'] },
    found: { organisation: 'org_1', roles: ['admin'] },
  },
  {
    title: 'Authentik: groups, and names with a space within a list',
    claims: { groups: ['authentik Admins', 'ops'] },
    paths: { roles: 'groups' },
    found: { roles: ['authentik Admins', 'ops'] },
  },
  {
    title: 'WSO2: groups as text separated by spaces',
    claims: { groups: 'admin  internal/everyone' },
    paths: { roles: 'groups' },
    found: { roles: ['admin', 'internal/everyone'] },
  },
  {
    title: 'Spring Authorization Server: null and empty lists are absent',
    claims: { roles: null, email: '', scope: [], tenant_id: null, org_id: null },
    found: { roles: [], email: null, scopes: [], tenant: null, organisation: null },
  },
  {
    title: 'a login service with numbered users and tenants',
    claims: { sub: undefined, uid: 4_711, tenant_id: 42, org_id: 0 },
    paths: { subject: 'uid' },
    issuer: NO_SUB,
    found: { subject: '4711', tenant: '42', organisation: '0' },
  },
]

describe('claims are found where providers put them', () => {
  for (const { title, claims, paths, issuer, found } of ROWS) {
    it(title, () => {
      const written: Written = { issuer: { ...issuer, ...(paths && { claims: paths }) } }
      for (const read of [readClaims, readAnswer]) {
        const identity = read(claims, written)
        assert.ok(typeof identity === 'object', JSON.stringify(identity))
        const names = Object.keys(found) as (keyof Identity)[]
        assert.deepEqual(Object.fromEntries(names.map((name) => [name, identity[name]])), found)
      }
    })
  }

  it('of one issuer, scp in JWTs and scope in introspection answers', () => {
    const written = { issuer: { claims: { scopes: ['scp', 'scope'] } } }
    const jwt = readClaims({ scp: ['read', 'write'] }, written)
    const answer = readAnswer({ scope: 'read write' }, written)
    assert.ok(typeof jwt === 'object' && typeof answer === 'object')
    assert.deepEqual(jwt.scopes, answer.scopes)
  })
})

describe('an e-mail address that is not verified', () => {
  const unverified = { email: 'victim@corp.example', email_verified: false }
  const emailOf = (claims: Record<string, unknown>, written: Written = {}) => {
    const identity = readClaims(claims, written)
    return typeof identity === 'string' ? identity : identity.email
  }

  it('is not the e-mail address of the caller, however that is said', () => {
    for (const email_verified of [false, 'false', 'False', 0, '0', 'no', {}, []]) {
      assert.equal(emailOf({ ...unverified, email_verified }), null, JSON.stringify(email_verified))
    }
  })

  it('is one that the token calls so: without a word it counts, as with yes', () => {
    for (const email_verified of [undefined, null, '', true, 'true', 'TRUE', 1, '1']) {
      assert.equal(emailOf({ ...unverified, email_verified }), unverified.email)
    }
  })

  it('counts where the issuer is configured so', () => {
    assert.equal(emailOf(unverified, { issuer: { unverifiedEmail: 'accept' } }), unverified.email)
  })

  it('is known by what is beside a nested one', () => {
    const written = { issuer: { claims: { email: '/user/email' } } }
    assert.equal(emailOf({ user: unverified }, written), null)
    assert.equal(emailOf({ user: unverified, email_verified: true }, written), null)
    assert.equal(
      emailOf({ user: { ...unverified, email_verified: true } }, written),
      unverified.email,
    )
  })

  it('is no subject, which others would take for a user', () => {
    const bySubject = { claims: { subject: 'email' }, requiredClaims: [] }
    assert.equal(emailOf(unverified, { issuer: bySubject }), 'email_unverified')
    const unread = { claims: { subject: 'email', email: null } }
    assert.equal(emailOf(unverified, { issuer: unread }), 'email_unverified')
    const accepted = { ...bySubject, unverifiedEmail: 'accept' }
    assert.equal(emailOf(unverified, { issuer: accepted }), unverified.email)
    assert.equal(
      emailOf({ ...unverified, email_verified: true }, { issuer: bySubject }),
      unverified.email,
    )
  })

  it('is no subject under another spelling of its place, nor as a part or the whole of it', () => {
    for (const [email, subject, claims] of [
      ['mail', '/mail', { mail: 'v@corp.example' }],
      ['contact.mail', '/contact/mail', { contact: { mail: 'v@corp.example' } }],
      ['/contact/mail', 'contact.mail', { contact: { mail: 'v@corp.example' } }],
      ['emails', '/emails/0', { emails: ['v@corp.example'] }],
    ] as const) {
      const issuer = { claims: { email, subject }, requiredClaims: [] }
      const outcome = emailOf({ ...claims, email_verified: false }, { issuer })
      assert.equal(outcome, 'email_unverified', `${subject} for ${email}`)
    }
  })

  it('is known by what is beside it also where a null has the name of the whole path', () => {
    const written = { issuer: { claims: { email: 'user.email' } } }
    assert.equal(emailOf({ 'user.email': null, user: unverified }, written), null)
  })
})
