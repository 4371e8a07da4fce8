/** What may be written about upstreams and what routes do with requests, and what becomes of it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'
import { OTHER_CERTIFICATE, SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-upstream-'))
after(() => rmSync(directory, { recursive: true }))
const FILES = {
  'ca.pem': OTHER_CERTIFICATE.cert,
  'cert.pem': SELF_SIGNED_CERTIFICATE.cert,
  'key.pem': SELF_SIGNED_CERTIFICATE.key,
  'other-key.pem': OTHER_CERTIFICATE.key,
}
for (const [name, text] of Object.entries(FILES)) writeFileSync(join(directory, name), text)

type Settings = Readonly<Record<string, unknown>>

/** JSON is YAML. Routes are named `r0`, `r1` and so on, go to `users`, and are open to anybody. */
function text(routes: readonly Settings[], upstream: Settings = {}, more: Settings = {}): string {
  const users = { targets: ['http://127.0.0.1:9500'], ...upstream }
  return JSON.stringify({
    issuers: ISSUERS,
    upstreams: { users },
    ...more,
    routes: routes.map(({ path, host, methods, ...rest }, index) => ({
      name: `r${index}`,
      match: { path, host, methods },
      upstream: 'users',
      authenticate: 'none',
      ...rest,
    })),
  })
}

function problems(
  routes: readonly Settings[],
  upstream: Settings = {},
  more: Settings = {},
): readonly string[] {
  return problemLinesOf(text(routes, upstream, more), { directory })
}

function parsed(routes: readonly Settings[], upstream: Settings = {}, more: Settings = {}) {
  return parseText(text(routes, upstream, more), { directory })
}

const ONE = [{ path: '/a' }]

describe('upstreams.<name>.host', () => {
  it('is the client’s, the target’s, or a name, perhaps with a port', () => {
    const host = (value: string) => parsed(ONE, { host: value }).upstreams[0]?.host
    assert.deepEqual(host('client'), { kind: 'client' })
    assert.deepEqual(host('target'), { kind: 'target' })
    assert.deepEqual(host('api.internal'), { kind: 'name', name: 'api.internal' })
    assert.deepEqual(host('api.internal:8443'), { kind: 'name', name: 'api.internal:8443' })
  })

  for (const value of ['a b', 'a/b', 'http://a', 'a:99999', 'user@a', '-a', 'a\r\nx: y', '']) {
    it(`is refused as ${JSON.stringify(value)}`, () => {
      assert.match(problems(ONE, { host: value })[0] ?? '', /^upstreams\.users\.host must /)
    })
  }
})

describe('upstreams.<name>.tls', () => {
  const https = { targets: ['https://127.0.0.1:9500'] }
  it('has authorities, and a certificate with its key', () => {
    const tls = { caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' }
    assert.deepEqual(parsed(ONE, { ...https, tls }).upstreams[0]?.tls, {
      ca: FILES['ca.pem'],
      certificate: FILES['cert.pem'],
      key: FILES['key.pem'],
    })
  })

  it('is refused by halves, with another key, and without its file', () => {
    const of = (tls: object) => problems(ONE, { ...https, tls })[0] ?? ''
    assert.match(of({ certFile: 'cert.pem' }), /tls\.keyFile is required with certFile/)
    assert.match(of({ certFile: 'cert.pem', keyFile: 'other-key.pem' }), /does not belong/)
    assert.match(of({ caFile: 'absent' }), /cannot be read \(ENOENT\)/)
  })

  it('is refused where no target has https, and has no switch that turns verification off', () => {
    const plain = problems(ONE, { tls: { caFile: 'ca.pem' } })
    assert.deepEqual(plain, ['upstreams.users.tls is for targets with https, and there is none'])
    for (const name of ['insecure', 'rejectUnauthorized', 'verify']) {
      assert.match(problems(ONE, { ...https, tls: { [name]: false } })[0] ?? '', /tls/)
    }
  })
})

describe('Paths that are put in front', () => {
  for (const value of [
    '/',
    '/a/',
    'a',
    '/a//b',
    '/..',
    '/a/.',
    '/a/b.',
    '/%61',
    '/a;b',
    '/a*',
    '/:id',
  ]) {
    it(`are refused as ${value}`, () => {
      assert.match(problems(ONE, { basePath: value })[0] ?? '', /^upstreams\.users\.basePath must/)
      const added = problems([{ path: '/a', addPrefix: value }])
      assert.match(added[0] ?? '', /^routes\[0\]\.addPrefix must be a path/)
    })
  }

  it('are not part of a target, which says where they belong', () => {
    const [problem] = problems(ONE, { targets: ['http://127.0.0.1:9500/v2'] })
    assert.match(problem ?? '', /targets\[0\] must be an origin .* is basePath/)
  })
})

describe('routes[].stripPrefix', () => {
  it('is whole segments at the beginning of the pattern, parameters too', () => {
    const of = (path: string, stripPrefix: string) =>
      parsed([{ path, stripPrefix }]).routes[0]?.rewrite
    assert.deepEqual(of('/orders/*', '/orders'), { strippedSegments: 1, added: '' })
    assert.deepEqual(of('/orders', '/orders'), { strippedSegments: 1, added: '' })
    assert.deepEqual(of('/t/:id/x/*', '/t/:id'), { strippedSegments: 2, added: '' })
  })

  for (const [path, stripPrefix] of [
    ['/orders/*', '/order'],
    ['/orders/*', '/orders/v1'],
    ['/*', '/orders'],
    ['/:id/*', '/orders'],
  ] as const) {
    it(`is refused as ${stripPrefix} of ${path}`, () => {
      const problem = 'routes[0].stripPrefix is not what every path of match.path begins with'
      assert.deepEqual(problems([{ path, stripPrefix }]), [problem])
    })
  }

  for (const stripPrefix of ['/', '/orders/', '/*', '/orders/*', 'orders', '/a//b', '/%2e%2e']) {
    it(`is refused as ${stripPrefix}`, () => {
      assert.match(
        problems([{ path: '/*', stripPrefix }])[0] ?? '',
        /stripPrefix must be the begin/,
      )
    })
  }
})

describe('A route that would reach what another one protects', () => {
  const admin = { path: '/admin/*', authenticate: ['jwt'], require: { roles: { all: ['admin'] } } }
  const users = { authenticate: ['jwt'] }
  const refused = (
    routes: readonly Settings[],
    at: string,
    way: string,
    more: Settings = {},
    upstream: Settings = {},
  ) => {
    const [problem = ''] = problems(routes, upstream, more)
    assert.ok(problem.startsWith(`${at} makes ${way} a way to what `), problem)
  }

  it('is refused by stripPrefix, in whatever order, and in whatever case', () => {
    const api = { path: '/api/*', stripPrefix: '/api', ...users }
    refused([admin, api], 'routes[1].stripPrefix', '/api/admin/*')
    refused([api, admin], 'routes[0].stripPrefix', '/api/admin/*')
    refused([{ ...admin, path: '/Admin/*' }, api], 'routes[1].stripPrefix', '/api/Admin/*')
    const moved = { path: '/x/*', stripPrefix: '/x', addPrefix: '/admin', ...users }
    refused([{ ...admin, path: '/ADMIN/keys' }, moved], 'routes[1].stripPrefix', '/x/*')
    refused(
      [admin, { path: '/pub/*', stripPrefix: '/pub' }],
      'routes[1].stripPrefix',
      '/pub/admin/*',
    )
  })

  it('is refused by addPrefix and by basePath', () => {
    const inner = { ...admin, path: '/v2/admin/*' }
    const moved = { path: '/x/*', stripPrefix: '/x', addPrefix: '/v2', ...users }
    refused([inner, moved], 'routes[1].stripPrefix', '/x/admin/*')
    const added = { path: '/admin/*', addPrefix: '/v2', ...users }
    refused([{ ...inner, path: '/v2/admin/keys' }, added], 'routes[1].addPrefix', '/admin/keys')
    const whole = { targets: ['http://127.0.0.1:9500'] }
    const based = { whole, based: { ...whole, basePath: '/v2' } }
    const routes = [
      { ...inner, upstream: 'whole' },
      { path: '/*', upstream: 'based', ...users },
    ]
    refused(routes, 'routes[1].upstream', '/admin/*', { upstreams: based })
  })

  it('is refused in shadow, from more addresses, and by a tenant’s own upstream', () => {
    const api = { path: '/api/*', stripPrefix: '/api' }
    refused(
      [{ ...api, ...admin, path: '/api/*', mode: 'shadow' }, admin],
      'routes[0].stripPrefix',
      '/api/admin/*',
    )
    const inside = { path: '/admin/*', allowFrom: ['10.0.0.0/8'] }
    refused([inside, api], 'routes[1].stripPrefix', '/api/admin/*')
    const targets = ['http://127.0.0.1:9500']
    const more = {
      upstreams: {
        users: { targets: ['http://127.0.0.1:9501'] },
        own: { targets },
        its: { targets },
      },
      tenants: {
        resolve: [{ from: 'header', name: 'X-Tenant-Id' }],
        registry: { acme: { status: 'active', upstream: 'own' } },
      },
    }
    refused(
      [
        { ...admin, upstream: 'its', tenant: 'none' },
        { ...api, ...users },
      ],
      'routes[1].stripPrefix',
      '/api/admin/*',
      more,
    )
  })

  it('passes once an earlier route says who may use it', () => {
    const api = { path: '/api/*', stripPrefix: '/api', ...users }
    const inner = { ...admin, path: '/api/admin/*', stripPrefix: '/api' }
    assert.equal(parsed([admin, inner, api]).routes.length, 3)
    refused(
      [admin, api, { ...inner, path: '/api/admin/x' }],
      'routes[1].stripPrefix',
      '/api/admin/*',
    )
    refused([admin, { ...inner, methods: ['GET'] }, api], 'routes[2].stripPrefix', '/api/admin/*')
  })

  it('passes where nothing is exposed', () => {
    const api = { path: '/api/*', stripPrefix: '/api', ...users }
    const good: readonly (readonly Settings[])[] = [
      // The same service, in two ways as a whole.
      [api, { ...admin, path: '/web/*', stripPrefix: '/web' }],
      // What is open to anybody is not protected.
      [api, { path: '/status' }],
      // The same policy.
      [api, { path: '/orders/*', ...users }],
      // Other hosts, other methods.
      [
        { ...api, host: 'a.example' },
        { ...admin, host: 'b.example' },
      ],
      [
        { ...api, methods: ['GET'] },
        { ...admin, methods: ['POST'] },
      ],
      // A part of what the other one protects.
      [{ path: '/key/*', stripPrefix: '/key', addPrefix: '/admin/keys', ...users }, admin],
      // Other paths of the service.
      [{ ...api, addPrefix: '/users' }, admin],
      // Another service.
      [api, { ...admin, upstream: 'others' }],
    ]
    const upstreams = {
      users: { targets: ['http://127.0.0.1:9500'] },
      others: { targets: ['http://127.0.0.1:9501'] },
    }
    for (const routes of good) assert.equal(parsed(routes, {}, { upstreams }).routes.length, 2)
  })
})

describe('routes[].headers', () => {
  const edits = (request: object, response: object = {}, more: Settings = {}) =>
    problems([{ path: '/a', headers: { request, response }, ...more }])
  const OWN = 'names a field that the gateway writes itself, or by which a message is framed'

  for (const name of [
    ...['X-User-Id', 'x-user-roles', 'X-Auth-Status', 'X-Tenant-Id', 'X-Request-Id', 'Traceparent'],
    ...['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Expect', 'TE', 'Upgrade'],
    ...['X-Forwarded-For', 'X-Forwarded-Anything', 'Forwarded', 'X-Real-IP', 'X-Original-URL'],
    ...['X-HTTP-Method-Override', 'Remote-User', 'X-Remote-User', 'X-Forwarded-User'],
    ...['X-Auth-Request-Email', 'X-WEBAUTH-USER', 'Client-Cert', 'Ssl-Client-Verify'],
  ]) {
    it(`never sets, adds or removes ${name} of a request`, () => {
      assert.deepEqual(edits({ set: { [name]: 'x' } }), [
        `routes[0].headers.request.set.${name} ${OWN}`,
      ])
      assert.deepEqual(edits({ add: { [name]: 'x' } }), [
        `routes[0].headers.request.add.${name} ${OWN}`,
      ])
      assert.deepEqual(edits({ remove: [name] }), [`routes[0].headers.request.remove[0] ${OWN}`])
    })
  }

  it('never sets an identity or a tenant under the names of the configuration', () => {
    const more = {
      identity: { headers: { custom: { 'X-Department': '/department' } } },
      tenants: { resolve: [{ from: 'header', name: 'X-Org' }], registry: { acme: {} } },
    }
    for (const name of ['x-department', 'x-org']) {
      const [problem] = problems(
        [{ path: '/a', headers: { request: { set: { [name]: 'x' } } } }],
        {},
        more,
      )
      assert.equal(problem, `routes[0].headers.request.set.${name} ${OWN}`)
    }
  })

  it('sets Authorization only where the gateway says nothing there', () => {
    const headers = { request: { set: { Authorization: 'Basic eDp5' } } }
    const route = { path: '/a', headers, authenticate: ['jwt'] }
    assert.equal(parsed([route]).routes.length, 1)
    for (const identity of ['internal-token', 'pass-through']) {
      assert.match(problems([{ ...route, identity }])[0] ?? '', /request\.set\.Authorization names/)
    }
  })

  for (const name of [
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Date',
    'X-Request-Id',
    'RateLimit',
  ]) {
    it(`never edits ${name} of an answer`, () => {
      assert.deepEqual(edits({}, { set: { [name]: 'x' } }), [
        `routes[0].headers.response.set.${name} ${OWN}`,
      ])
    })
  }

  for (const value of ['a\r\nset-cookie: sid=evil', 'a\nb', 'a\0', 'ü', '   ', '']) {
    it(`refuses the value ${JSON.stringify(value)}`, () => {
      assert.equal(edits({ set: { 'X-A': value } }).length, 1)
      assert.equal(edits({}, { add: { 'X-A': value } }).length, 1)
    })
  }

  it('refuses names that are none, and names that are edited twice in any case', () => {
    for (const name of ['a b', 'x_y', 'a:', 'ü', '']) {
      assert.equal(edits({ set: { [name]: 'x' } }).length, 1, name)
    }
    const twice = ['routes[0].headers.request.remove[0] names a field that is edited twice']
    assert.deepEqual(edits({ set: { 'X-A': 'x' }, remove: ['x-a'] }), twice)
  })

  it('takes numbers and switches, and drops white space around a value', () => {
    const headers = { request: { set: { 'X-A': 2, 'X-B': true, 'X-C': ' c ' } } }
    const [route] = parsed([{ path: '/a', headers }]).routes
    assert.deepEqual(route?.headers.request.set, { 'X-A': '2', 'X-B': 'true', 'X-C': 'c' })
  })

  it('are at most 32 of each direction', () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`X-${index}`, 'x']))
    assert.deepEqual(edits({ set: many }), [
      'routes[0].headers.request must edit at most 32 fields',
    ])
  })
})

describe('Limits of bodies', () => {
  it('are at most those of the server', () => {
    const more = { server: { limits: { bodyBytes: 1_000 } } }
    const problem = 'bodyBytes must be at most server.limits.bodyBytes: no more is read'
    assert.deepEqual(problems([{ path: '/a', bodyBytes: 1_001 }], {}, more), [
      `routes[0].${problem}`,
    ])
    assert.deepEqual(problems(ONE, { bodyBytes: 1_001 }, more), [`upstreams.users.${problem}`])
    assert.equal(
      parsed([{ path: '/a', bodyBytes: 1_000 }], { bodyBytes: 0 }, more).routes.length,
      1,
    )
  })
})
