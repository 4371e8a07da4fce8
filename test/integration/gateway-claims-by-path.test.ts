/** Claims that a configuration names by their paths, through a whole gateway. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { SignJWT } from 'jose'
import { eventually } from '../support/eventually.ts'
import { type Answer, type Fields, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { IntrospectionServer, json, newOpaqueToken } from '../support/introspection-server.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { openGateway, startGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const SECRET = 'a secret of the issuer main, long enough for HS256'
const ISSUER = 'https://main.test/'
const AUDIENCE = 'api.test'
const API_KEY = 'an API key of this test'

/** Claims as software sends them, where a header takes them from, and what an upstream hears. */
const SENT: readonly (readonly [what: string, path: string, claims: object, heard: string])[] = [
  ['the attribute mapper of Keycloak', '/department', { department: 'Sales' }, 'Sales'],
  [
    'realm roles of Keycloak',
    '/realm_access/roles',
    { realm_access: { roles: ['offline_access', 'user'] } },
    'offline_access,user',
  ],
  [
    'client roles of Keycloak',
    '/resource_access/my.app/roles',
    { resource_access: { 'my.app': { roles: ['editor'] } } },
    'editor',
  ],
  [
    'groups of Entra ID',
    'groups',
    { groups: ['0a1b2c3d-0000-4000-8000-000000000001', '0a1b2c3d-0000-4000-8000-000000000002'] },
    '0a1b2c3d-0000-4000-8000-000000000001,0a1b2c3d-0000-4000-8000-000000000002',
  ],
  [
    'wids of Entra ID',
    '/wids/0',
    { wids: ['62e90394-69f5-4237-9190-012177145e10'] },
    '62e90394-69f5-4237-9190-012177145e10',
  ],
  [
    'a namespaced claim of Auth0',
    'https://acme.example/claims/plan',
    { 'https://acme.example/claims/plan': 'pro' },
    'pro',
  ],
  ['a custom attribute of Cognito', 'custom:department', { 'custom:department': 'R&D' }, 'R&D'],
  [
    'the namespace of a Kubernetes service account',
    '/kubernetes.io/namespace',
    { 'kubernetes.io': { namespace: 'payments', serviceaccount: { name: 'api' } } },
    'payments',
  ],
  ['the project of GitLab CI', 'project_path', { project_path: 'group/project' }, 'group/project'],
  [
    'the repository of GitHub Actions',
    'repository',
    { repository: 'octo-org/octo-repo', ref_protected: 'true' },
    'octo-org/octo-repo',
  ],
  ['a protected ref of GitLab CI', 'ref_protected', { ref_protected: true }, 'true'],
  ['a numbered customer of Firebase', '/customer', { customer: 4711 }, '4711'],
  [
    'the organisation of Zitadel',
    'urn:zitadel:iam:org:id',
    { 'urn:zitadel:iam:org:id': '29' },
    '29',
  ],
  ['the level of Okta', 'acr', { acr: 'urn:okta:loa:2fa:any' }, 'urn:okta:loa:2fa:any'],
  ['a name of ADFS beyond ASCII', '/unit', { unit: 'Büro, Köln' }, 'B%C3%BCro%2C%20K%C3%B6ln'],
]

const HEADERS = Object.fromEntries(SENT.map(([, path], index) => [`X-Claim-${index}`, path]))

const claims = (...rules: readonly object[]) => ({ require: { claims: rules } })

let endpoint: IntrospectionServer
let gateway: TestGateway

before(async () => {
  endpoint = await IntrospectionServer.start()
  gateway = await openGateway({
    accessLog: 1,
    issuers: {
      main: { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['HS256'], secret: SECRET },
      opaque: endpoint.issuer('opaque'),
    },
    sessions: { store: 'memory' },
    apiKeys: {
      keys: [
        {
          sha256: sha256(API_KEY),
          userId: 'batch',
          claims: { department: 'Sales', '/address': 'none', groups: ['a', 'b'] },
        },
      ],
    },
    identity: {
      headers: { custom: { ...HEADERS, 'X-Address': { path: '/address', format: 'json' } } },
      internalToken: { claims: { department: '/department', groups: 'groups', adr: '/address' } },
    },
    authenticate: ['jwt', 'introspection', 'session', 'apiKey'],
    routes: {
      '/sales/*': claims({ path: '/department', oneOf: ['Sales', 'Support'] }),
      '/web/*': claims({ path: 'azp', equals: 'web' }),
      '/verified/*': claims({ path: 'ref_protected', equals: true }),
      '/admins/*': claims({ path: '/realm_access/roles', contains: 'admin' }),
      '/octo/*': claims({ path: 'repository', matches: 'octo-org/*' }),
      '/tenant/*': claims({ path: '/department', equalsHeader: 'X-Department' }),
      '/two/*': claims({ path: '/department', equals: 'Sales' }, { path: '/level', oneOf: [2, 3] }),
      '/staff/*': claims({ path: 'email', matches: '*@corp.example' }),
      '/token/*': { identity: 'internal-token' },
      '/*': {},
    },
  })
})

after(async () => {
  await gateway.stop()
  await endpoint.down()
})

async function bearer(members: object): Promise<Fields> {
  const token = await new SignJWT({ ...members })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject('alice')
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(Buffer.from(SECRET))
  return [['Authorization', `Bearer ${token}`]]
}

function opaque(members: object): Fields {
  endpoint.reply = json({ active: true, sub: 'alice', aud: 'api', ...members })
  return [['Authorization', `Bearer ${newOpaqueToken()}`]]
}

async function session(members: object): Promise<Fields> {
  const created = await gateway.admin('/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'alice', claims: members }),
  })
  assert.equal(created.status, 201)
  assert.equal('claims' in created.body, false)
  return [['Cookie', `__Host-sid=${String(created.body['id'])}`]]
}

function memberOf(answer: Answer, name: string): unknown {
  const token = upstreamField(answer, 'authorization')?.split('.')[1] ?? ''
  return (JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>)[name]
}

describe('a claim in a header of its own', () => {
  for (const [index, [what, , members, heard]] of SENT.entries()) {
    it(`tells ${what}, of a token and of an introspected one`, async () => {
      for (const credential of [await bearer(members), opaque(members)]) {
        // The second request is decided by the cached verdict.
        for (const path of ['/first', '/second']) {
          const answer = await gateway.ask(path, credential)
          assert.equal(upstreamField(answer, `x-claim-${index}`), heard)
        }
      }
    })
  }

  it('tells those of sessions and API keys', async () => {
    const cookie = await session({ department: 'Sales', address: { city: 'Köln' } })
    const bySession = await gateway.ask('/x', cookie)
    assert.equal(upstreamField(bySession, 'x-claim-0'), 'Sales')
    assert.equal(upstreamField(bySession, 'x-address'), '{"city":"K\\u00f6ln"}')
    const byKey = await gateway.ask('/x', [['X-API-Key', API_KEY]])
    assert.equal(upstreamField(byKey, 'x-claim-0'), 'Sales')
    assert.equal(upstreamField(byKey, 'x-claim-3'), 'a,b')
    assert.equal(upstreamField(byKey, 'x-address'), '"none"')
  })

  it('is never what the client says, in any spelling, with or without a claim', async () => {
    for (const name of ['X-Claim-0', 'x-claim-0', 'X_Claim_0', 'x.claim.0', 'X-CLAIM-0']) {
      for (const members of [{}, { department: 'Sales' }]) {
        const fields = [
          ...(await bearer(members)),
          [name, 'invented'],
          [name, 'invented'],
        ] as Fields
        const answer = await gateway.ask('/x', fields)
        assert.doesNotMatch(answer.text, /invented/, name)
        const heard = upstreamField(answer, 'x-claim-0')
        assert.equal(heard, 'department' in members ? 'Sales' : null)
      }
    }
    const removed = await gateway.ask('/x', [
      ...(await bearer({ department: 'Sales' })),
      ['Connection', 'X-Claim-0'],
    ])
    assert.equal(upstreamField(removed, 'x-claim-0'), 'Sales')
  })

  it('cannot end its line, whatever the claim holds', async () => {
    for (const department of [
      'x\r\nX-User-Id: root',
      'x\nX-Y: z',
      'x\0y',
      '\r\n\r\nGET / HTTP/1.1',
    ]) {
      const answer = await gateway.ask('/x', await bearer({ department }))
      assert.equal(outcomeOf(answer), 'passed')
      const heard = upstreamField(answer, 'x-claim-0') ?? ''
      assert.match(heard, /^[\x21-\x7e]+$/)
      assert.equal(decodeURIComponent(heard), department)
      assert.equal(upstreamField(answer, 'x-user-id'), 'alice')
    }
  })

  it('refuses a credential whose claim has no text, and one whose claim is too long', async () => {
    for (const department of [{ a: 1 }, [{ a: 1 }], 2 ** 60, 'x'.repeat(60_000)]) {
      const credential = opaque({ department })
      for (const path of ['/first', '/remembered']) {
        const answer = await gateway.ask(path, credential)
        assert.equal(outcomeOf(answer), '401 invalid_claims')
        const { body } = await gateway.admin(`/refusals/${answer.field('x-request-id')}`)
        assert.equal(body['detail'], '/department')
      }
    }
    const byToken = await gateway.ask('/x', await bearer({ department: { a: 1 } }))
    assert.equal(outcomeOf(byToken), '401 invalid_claims')
    // What nothing asks for may be anything.
    const unused = await gateway.ask('/x', await bearer({ cart: { a: [{}] }, big: 2 ** 60 }))
    assert.equal(outcomeOf(unused), 'passed')
  })
})

describe('a claim in internal tokens', () => {
  it('is repeated as it was, whatever its type', async () => {
    const address = { city: 'Köln', lines: ['a', 1, null] }
    const members = { department: 'Sales', groups: ['a', 'b'], address }
    for (const credential of [await bearer(members), opaque(members), await session(members)]) {
      const answer = await gateway.ask('/token/x', credential)
      assert.equal(memberOf(answer, 'department'), 'Sales')
      assert.deepEqual(memberOf(answer, 'groups'), ['a', 'b'])
      assert.deepEqual(memberOf(answer, 'adr'), address)
      assert.equal(memberOf(answer, 'sub'), 'alice')
    }
    const without = await gateway.ask('/token/x', await bearer({}))
    assert.equal(memberOf(without, 'department'), undefined)
  })
})

describe('a route that requires a claim by its path', () => {
  const good = [
    ['/sales/x', { department: 'Support' }],
    ['/web/x', { azp: 'web' }],
    ['/verified/x', { ref_protected: true }],
    ['/admins/x', { realm_access: { roles: ['user', 'admin'] } }],
    ['/octo/x', { repository: 'octo-org/octo-repo' }],
    ['/two/x', { department: 'Sales', level: 3 }],
  ] as const
  const bad = [
    ['/sales/x', { department: 'Engineering' }],
    ['/sales/x', {}],
    ['/web/x', { azp: 'webshop' }],
    ['/verified/x', { ref_protected: false }],
    ['/admins/x', { realm_access: { roles: ['not-admin'] } }],
    ['/admins/x', { 'realm_access.roles': ['admin'] }],
    ['/octo/x', { repository: 'evil/octo-org' }],
    ['/two/x', { department: 'Sales' }],
    ['/two/x', { level: 3 }],
    ['/two/x', { department: 'Sales', level: { three: 3 } }],
  ] as const

  it('lets pass who has it, from every kind of credential', async () => {
    for (const [path, members] of good) {
      for (const credential of [await bearer(members), opaque(members), await session(members)]) {
        assert.equal(outcomeOf(await gateway.ask(path, credential)), 'passed', path)
      }
    }
    const byKey = await gateway.ask('/sales/x', [['X-API-Key', API_KEY]])
    assert.equal(outcomeOf(byKey), 'passed')
  })

  it('refuses whoever has not, cached verdict or not', async () => {
    for (const [path, members] of bad) {
      for (const credential of [await bearer(members), opaque(members), await session(members)]) {
        // Good elsewhere, so that the verdict is known by then.
        assert.equal(outcomeOf(await gateway.ask('/x', credential)), 'passed')
        assert.equal(outcomeOf(await gateway.ask(path, credential)), '403 insufficient_scope', path)
      }
    }
  })

  it('takes no address that the issuer has not verified', async () => {
    const email = 'eve@corp.example'
    const asked = async (members: object) =>
      outcomeOf(await gateway.ask('/staff/x', await bearer({ email, ...members })))
    assert.equal(await asked({}), 'passed')
    assert.equal(await asked({ email_verified: true }), 'passed')
    assert.equal(await asked({ email_verified: false }), '403 insufficient_scope')
    assert.equal(await asked({ email_verified: 'false' }), '403 insufficient_scope')
  })

  it('names the rule to the operator alone, and no value to anybody', async () => {
    const credential = await bearer({ department: 'Sales', level: 1 })
    const answer = await gateway.ask('/two/x', credential)
    assert.doesNotMatch(answer.text, /level|Sales|claims\[/)
    const id = answer.field('x-request-id') ?? ''
    const { body } = await gateway.admin(`/refusals/${id}`)
    assert.equal(body['reason'], 'claim_unsatisfied')
    assert.equal(body['detail'], 'require.claims[1] (/level)')
    assert.doesNotMatch(JSON.stringify(body), /Sales/)
    const lines = () => gateway.log.filter((line) => line['requestId'] === id)
    await eventually('the line is in the log', () => lines().length > 0)
    assert.equal(lines()[0]?.['detail'], 'require.claims[1] (/level)')
    assert.doesNotMatch(JSON.stringify(gateway.log), /Sales/)
  })

  it('shows in an explanation what was found, and values only where they are asked for', async () => {
    const [, authorization = ''] = (await bearer({ department: 'Sales', level: 1 }))[0] ?? []
    const token = authorization.slice('Bearer '.length)
    const explain = async (showValues: boolean) => {
      const { body } = await gateway.admin('/explain', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ url: '/two/x', token, showValues }),
      })
      return JSON.stringify(body)
    }
    const hidden = await explain(false)
    assert.match(hidden, /level is one of [^;]*; found: present, a string of 1 character/)
    assert.match(hidden, /department: present, a string of 5 characters; upstreams are told/)
    assert.match(hidden, /"detail":"require\.claims\[1\] \(\/level\)"/)
    assert.match(await explain(true), /level is one of [^;]*; found: .{2}1.{2}/)
  })

  it('compares it with the one header of the request', async () => {
    const mine = await bearer({ department: 'Sales' })
    const asked = async (...fields: Fields) =>
      outcomeOf(await gateway.ask('/tenant/x', [...mine, ...fields]))
    assert.equal(await asked(['X-Department', 'Sales']), 'passed')
    const refused = '403 insufficient_scope'
    assert.equal(await asked(), refused)
    assert.equal(await asked(['X-Department', 'Support']), refused)
    assert.equal(await asked(['X_Department', 'Sales']), refused)
    assert.equal(await asked(['X-Department', 'Sales'], ['X-Department', 'Support']), refused)
    assert.equal(await asked(['X-Department', 'Support'], ['x-department', 'Sales']), refused)
    assert.equal(await asked(['X-Department', 'Sales,Support']), refused)
    assert.equal(await asked(['X-Department', 'Sales'], ['Connection', 'x-department']), refused)
  })
})

describe('a reload that asks for other claims', () => {
  let upstream: UpstreamServer
  before(async () => {
    upstream = await startEchoUpstream()
  })
  after(() => upstream.close())

  const plan = (custom: object, rules: readonly object[]) => ({
    issuers: {
      main: { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['HS256'], secret: SECRET },
    },
    identity: { headers: { custom } },
    routes: { '/required/*': claims(...rules), '/*': {} },
    authenticate: ['jwt'],
  })

  it('finds each claim in its place, of tokens whose verdicts were known before', async () => {
    const text = (custom: object, rules: readonly object[]) =>
      gatewayText({ ...plan(custom, rules), upstream: upstream.origin })
    const reloaded = await startGateway(text({ 'X-Middle': 'm' }, [{ path: 'm', equals: '1' }]))
    const credential = await bearer({ a: 'of-a', m: '1', z: 'of-z' })
    const heard = async () => {
      const answer = await reloaded.ask('/x', credential)
      return ['x-first', 'x-middle', 'x-last'].map((name) => upstreamField(answer, name))
    }
    assert.deepEqual(await heard(), [null, '1', null])
    assert.equal(outcomeOf(await reloaded.ask('/required/x', credential)), 'passed')
    const steps = [
      [{ 'X-First': 'a', 'X-Middle': 'm' }, [], ['of-a', '1', null]],
      [{ 'X-Middle': 'm' }, [{ path: 'a', equals: '1' }], [null, '1', null]],
      // The same headers: what an upstream is told changes its place all the same.
      [{ 'X-Middle': 'm' }, [{ path: 'z', equals: '1' }], [null, '1', null]],
      [{ 'X-Last': 'z' }, [{ path: 'm', equals: 'of-z' }], [null, null, 'of-z']],
      [{}, [{ path: 'z', equals: '1' }], [null, null, null]],
    ] as const
    for (const [custom, rules, expected] of steps) {
      await reloaded.write(text(custom, rules))
      assert.equal((await reloaded.admin('/reload', { method: 'POST' })).status, 200)
      assert.deepEqual(await heard(), expected)
      const outcome = rules.length === 0 ? 'passed' : '403 insufficient_scope'
      assert.equal(outcomeOf(await reloaded.ask('/required/x', credential)), outcome)
    }
  })
})
