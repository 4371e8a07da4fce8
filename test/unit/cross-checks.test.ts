/** What must hold between settings of a configuration. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'

const BASE = {
  issuers: ISSUERS,
  upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
  routes: [route('users', {})],
}

function route(name: string, more: object, match: object = { path: `/${name}` }): object {
  return { name, match, upstream: 'users', ...more }
}

/** JSON is YAML. */
function text(more: object): string {
  return JSON.stringify({ ...BASE, ...more })
}

function withIssuer(more: object): string {
  return text({ issuers: { main: { ...BASE.issuers.main, ...more } } })
}

const SECRET_32 = 's'.repeat(32)

describe('Routes', () => {
  const cases: readonly (readonly [string, readonly object[], readonly string[]])[] = [
    [
      'an upstream that does not exist',
      [route('a', { upstream: 'nowhere' })],
      ['routes[0].upstream names an upstream that does not exist'],
    ],
    [
      'an upstream named like a member of every object',
      [route('a', { upstream: 'constructor' })],
      ['routes[0].upstream names an upstream that does not exist'],
    ],
    [
      'an issuer that does not exist',
      [route('a', { issuers: ['main', 'other'] })],
      ['routes[0].issuers[1] names an issuer that does not exist'],
    ],
    [
      'an issuer listed twice',
      [route('a', { issuers: ['main', 'main'] })],
      ['routes[0].issuers[1] is listed twice'],
    ],
    [
      'a name that another route has',
      [route('a', {}), route('a', {}, { path: '/b' })],
      ['routes[1].name is the same as that of routes[0]'],
    ],
    [
      'the same match as an earlier route',
      [route('a', {}, { path: '/x' }), route('b', {}, { path: '/x' })],
      ['routes[1].match can never be reached: routes[0] matches everything that it matches'],
    ],
    [
      'a match within that of an earlier route',
      [route('a', {}, { path: '/x/*' }), route('b', {}, { path: '/x/y', methods: ['GET'] })],
      ['routes[1].match can never be reached: routes[0] matches everything that it matches'],
    ],
    [
      'the bare prefix of an earlier route',
      [route('a', {}, { path: '/x/*' }), route('b', {}, { path: '/x' })],
      ['routes[1].match can never be reached: routes[0] matches everything that it matches'],
    ],
    [
      'a host below that of an earlier route',
      [
        route('a', {}, { path: '/*', host: '*.Example.com' }),
        route('b', {}, { path: '/x', host: 'a.example.com' }),
      ],
      ['routes[1].match can never be reached: routes[0] matches everything that it matches'],
    ],
    [
      'requirements without authentication',
      [route('a', { authenticate: 'none', require: { roles: { any: ['x'] } } })],
      [
        'routes[0].require needs a caller that is known: it cannot be combined with ' +
          'authenticate: none',
      ],
    ],
    [
      'the same place for a credential twice',
      [route('a', { credentials: [{ from: 'header' }, { from: 'header' }] })],
      ['routes[0].credentials[1] is listed twice'],
    ],
  ]
  for (const [name, routes, problems] of cases) {
    it(`are refused with ${name}`, () => {
      assert.deepEqual(problemLinesOf(text({ routes })), problems)
    })
  }

  it('may be alike as long as each can be reached', () => {
    const routes = [
      route('a', {}, { path: '/x', methods: ['POST'] }),
      route('b', {}, { path: '/x', host: '*.example.com' }),
      route('c', {}, { path: '/x', host: 'example.com' }),
      route('d', {}, { path: '/x/*/z' }),
      route('e', {}, { path: '/x/*' }),
      route('f', {}, { path: '/*' }),
    ]
    assert.equal(parseText(text({ routes })).routes.length, 6)
  })

  it('need an issuer, unless they look at no credential', () => {
    const routes = [
      route('a', { authenticate: 'none' }),
      route('b', { authenticate: 'optional' }),
      route('c', {}),
    ]
    assert.deepEqual(problemLinesOf(text({ issuers: {}, routes })), [
      'routes[1].authenticate needs a credential, but there is no issuer to trust, no sessions ' +
        'and no apiKeys',
      'routes[2].authenticate[0] needs a credential, but there is no issuer to trust',
    ])
    assert.deepEqual(
      parseText(text({ issuers: {}, routes: routes.slice(0, 1) })).routes[0]?.issuers,
      [],
    )
  })

  for (const path of [
    'x',
    '/x*',
    '//',
    '/a//b',
    '/a/../b',
    '/./a',
    '/a?b',
    '/a#b',
    '/a%2fb',
    '/%',
    '/%75sers',
    '/caf%c3%a9',
    '/a%2eb',
    '/a;v=1',
  ]) {
    it(`cannot have the path ${path}`, () => {
      const problems = problemLinesOf(text({ routes: [route('a', {}, { path })] }))
      assert.equal(problems.length, 1)
      assert.match(problems[0] ?? '', /^routes\[0\]\.match\.path must start with \//)
    })
  }

  it('read credentials from places with their own names', () => {
    const credentials = [
      { from: 'header' },
      { from: 'header', name: 'X-Token', prefix: 'Token ' },
      { from: 'cookie', name: 'token' },
      { from: 'query', name: 'access_token' },
    ]
    assert.deepEqual(
      parseText(text({ routes: [route('a', { credentials })] })).routes[0]?.credentials,
      [
        { kind: 'header', name: 'authorization', scheme: 'Bearer' },
        { kind: 'header', name: 'x-token', scheme: 'Token' },
        { kind: 'cookie', name: 'token' },
        { kind: 'query', name: 'access_token' },
      ],
    )
  })

  for (const name of [
    'X_Token',
    'X.Token',
    'X!Token',
    'Cookie',
    'Host',
    'Content-Length',
    'a b',
    '',
  ]) {
    it(`never take a credential from the header ${JSON.stringify(name)}`, () => {
      const credentials = [{ from: 'header', name }]
      const problems = problemLinesOf(text({ routes: [route('a', { credentials })] }))
      assert.match(problems.join(), /^routes\[0\]\.credentials\[0\]\.name must/)
    })
  }
})

describe('Issuers', () => {
  const cases: readonly (readonly [string, object, readonly string[]])[] = [
    [
      'keys from two places',
      { jwks: { uri: 'https://a/k', discovery: true } },
      ['issuers.main.jwks must have exactly one of uri, discovery: true and file'],
    ],
    [
      'keys from nowhere',
      { jwks: {} },
      ['issuers.main.jwks must have exactly one of uri, discovery: true and file'],
    ],
    [
      'no keys at all',
      { jwks: null },
      ['issuers.main.jwks is required, unless there is introspection'],
    ],
    [
      'keys over http from another machine',
      { jwks: { uri: 'http://10.0.0.1/k' } },
      [
        'issuers.main.jwks.uri must be https, or jwks.allowInsecureHttp set: keys decide who is ' +
          'let in',
      ],
    ],
    [
      'discovery over http from another machine',
      { issuer: 'http://idp.example.com', jwks: { discovery: true } },
      [
        'issuers.main.issuer must be https, or jwks.allowInsecureHttp set: keys decide who is ' +
          'let in',
      ],
    ],
    [
      'discovery below something that is not a URL',
      { issuer: 'main', jwks: { discovery: true } },
      ['issuers.main.issuer must be a URL without query, because jwks.discovery starts there'],
    ],
    [
      'a mix of symmetric and asymmetric algorithms',
      { algorithms: ['HS256', 'RS256'] },
      [
        'issuers.main.algorithms must not mix shared secrets (HS*) with public keys: anyone who can ' +
          'verify could then sign',
      ],
    ],
    [
      'a secret beside public keys',
      { secret: SECRET_32 },
      ['issuers.main.secret is only for issuers whose algorithms are HS256, HS384 or HS512'],
    ],
    [
      'public keys for HS256',
      { algorithms: ['HS256'], secret: SECRET_32 },
      ['issuers.main.jwks cannot be combined with HS256, HS384 or HS512'],
    ],
    [
      'no secret for HS256',
      { algorithms: ['HS256'], jwks: null },
      ['issuers.main.secret or secretFile is required for HS256, HS384 and HS512'],
    ],
    [
      'a clock tolerance of a part of a second',
      { clockTolerance: '500ms' },
      ['issuers.main.clockTolerance must be whole seconds: claims know no smaller unit'],
    ],
    [
      'a clock tolerance above a minute',
      { clockTolerance: '61s' },
      ['issuers.main.clockTolerance must be from 0s to 60s'],
    ],
  ]
  for (const [name, more, problems] of cases) {
    it(`are refused with ${name}`, () => {
      assert.deepEqual(problemLinesOf(withIssuer(more)), problems)
    })
  }

  for (const [algorithm, least] of [
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ] as const) {
    it(`need a secret of ${least} bytes for ${algorithm} (RFC 7518 §3.2)`, () => {
      const issuer = (length: number): string => {
        return withIssuer({ algorithms: [algorithm], jwks: null, secret: 's'.repeat(length) })
      }
      const keys = parseText(issuer(least)).issuers[0]?.keys
      assert.ok(keys?.kind === 'secret')
      assert.equal(keys.secret.byteLength, least)
      assert.deepEqual(problemLinesOf(issuer(least - 1)), [
        `issuers.main.secret must hold at least ${least} bytes for these algorithms`,
      ])
    })
  }

  it('count the bytes of a secret, not its characters', () => {
    const secret = 'é'.repeat(16)
    const keys = parseText(withIssuer({ algorithms: ['HS256'], jwks: null, secret })).issuers[0]
      ?.keys
    assert.ok(keys?.kind === 'secret')
    assert.equal(keys.secret.byteLength, 32)
  })

  it('cannot share what their tokens call them', () => {
    const { main } = BASE.issuers
    assert.deepEqual(problemLinesOf(text({ issuers: { main, other: main } })), [
      'issuers.other.issuer is the same as that of issuers.main',
    ])
  })

  it('may be fetched over http from this machine, and elsewhere when told so', () => {
    for (const jwks of [
      { uri: 'http://127.0.0.1:1/k' },
      { uri: 'http://localhost/k' },
      { uri: 'http://[::1]:1/k' },
      { uri: 'http://10.0.0.1/k', allowInsecureHttp: true },
    ]) {
      assert.equal(parseText(withIssuer({ jwks })).issuers.length, 1)
    }
  })

  it('are not on this machine because their name begins like an address that is', () => {
    assert.equal(
      problemLinesOf(withIssuer({ jwks: { uri: 'http://127.0.0.1.evil.tld/k' } })).length,
      1,
    )
    assert.equal(
      problemLinesOf(withIssuer({ jwks: { uri: 'http://localhost.evil.tld/k' } })).length,
      1,
    )
  })
})

describe('Listeners, headers and targets', () => {
  const cases: readonly (readonly [string, object, readonly string[]])[] = [
    [
      'an admin listener without token away from loopback',
      { admin: { host: '0.0.0.0' } },
      ['admin.token is required because admin.host is not loopback'],
    ],
    [
      'an admin token that is easy to guess',
      { admin: { token: 'short' } },
      [
        'admin.token must be 16 to 1024 characters that a bearer token may hold: letters, digits ' +
          'and -._~+/',
      ],
    ],
    [
      'two listeners on one port',
      { admin: { port: 8_080 } },
      ['admin.port must differ from server.port'],
    ],
    [
      'two identity headers of one name',
      { identity: { headers: { userId: 'X-Who', email: 'x-who' } } },
      ['identity.headers.email is the same header as userId'],
    ],
    [
      'an identity header that HTTP needs',
      { identity: { headers: { userId: 'Authorization' } } },
      [
        'identity.headers.userId must be a header name of letters, digits and - that HTTP itself ' +
          'has no use for',
      ],
    ],
    [
      'a directory for revocations that wait, without a Redis to wait for',
      { revocation: { spoolDirectory: '/var/lib/sallyport' } },
      ['revocation.spoolDirectory needs `redis`: nothing waits to be sent'],
    ],
    [
      'a target listed twice in two spellings',
      { upstreams: { users: { targets: ['http://a:80', 'http://A'] } } },
      ['upstreams.users.targets[1] is listed twice'],
    ],
  ]
  for (const [name, more, problems] of cases) {
    it(`are refused with ${name}`, () => {
      assert.deepEqual(problemLinesOf(text(more)), problems)
    })
  }

  for (const target of [
    'http://a/x',
    'http://a?',
    'http://u:p@a',
    'ftp://a',
    'a:80',
    'http://a#',
  ]) {
    it(`cannot have the target ${target}`, () => {
      const problems = problemLinesOf(text({ upstreams: { users: { targets: [target] } } }))
      assert.match(problems.join(), /^upstreams\.users\.targets\[0\] must be an origin/)
    })
  }

  it('may leave identity headers out', () => {
    const { headers } = parseText(text({ identity: { headers: { email: null } } })).identity
    assert.equal(headers.email, null)
    assert.equal(headers.userId, 'X-User-Id')
  })
})
