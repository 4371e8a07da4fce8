/** What may be written of claims by path: headers, claims of internal tokens, requirements. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'

function text(more: object, claims: readonly object[] = []): string {
  return JSON.stringify({
    issuers: ISSUERS,
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [
      { name: 'users', match: { path: '/users/*' }, upstream: 'users', require: { claims } },
    ],
    ...more,
  })
}

const withHeaders = (custom: object, more: object = {}) =>
  text({ identity: { headers: { ...more, custom } } })
const withMembers = (claims: object) => text({ identity: { internalToken: { claims } } })

/** Name, path and format of each header. */
function customOf(custom: object) {
  const { headers } = parseText(withHeaders(custom)).identity
  return Object.entries(headers.custom).map(([name, { path, format }]) => [name, path.text, format])
}

describe('identity.headers.custom', () => {
  it('takes a path, or a path and a format', () => {
    const custom = {
      'X-Department': '/department',
      'X-Address': { path: 'address', format: 'json' },
    }
    assert.deepEqual(customOf(custom), [
      ['X-Department', '/department', 'text'],
      ['X-Address', 'address', 'json'],
    ])
  })

  const OWN = 'is a header that HTTP or the gateway itself uses'
  for (const name of [
    ...['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Keep-Alive', 'Upgrade'],
    ...['TE', 'Trailer', 'Expect', 'Cookie', 'Authorization', 'Proxy-Authorization'],
    ...['Forwarded', 'X-Forwarded-For', 'x-forwarded-anything', 'X-Real-IP', 'X-Original-URL'],
    ...['X-HTTP-Method-Override', 'traceparent', 'X-Auth-Status'],
  ]) {
    it(`refuses ${name}`, () => {
      const path = `identity.headers.custom.${name}`
      assert.deepEqual(problemLinesOf(withHeaders({ [name]: 'c' })), [`${path} ${OWN}`])
    })
  }

  it('takes the names in which oauth2-proxy, Authelia and Grafana look for an identity', () => {
    for (const name of ['X-Forwarded-Email', 'X-Forwarded-User', 'Remote-User', 'X-WEBAUTH-USER']) {
      assert.deepEqual(customOf({ [name]: 'c' }), [[name, 'c', 'text']])
    }
  })

  it('refuses names that are none, or that servers read as others', () => {
    for (const name of [
      'X_Department',
      'X.Department',
      'X Department',
      'X:Y',
      'X-Ä',
      'X\r\nY',
      '',
    ]) {
      const [problem = ''] = problemLinesOf(withHeaders({ [name]: 'c' }))
      assert.match(problem, /must be a header name of letters, digits and -/, name)
    }
  })

  it('refuses a header that tells something else already, in any case', () => {
    assert.deepEqual(problemLinesOf(withHeaders({ 'x-user-ROLES': '/groups' })), [
      'identity.headers.custom.x-user-ROLES is the same header as roles',
    ])
    assert.deepEqual(problemLinesOf(withHeaders({ 'X-A': 'a', 'x-a': 'b' })), [
      'identity.headers.custom.x-a is the same header as custom.X-A',
    ])
    // Where it is not sent otherwise, its name is free.
    parseText(withHeaders({ 'X-User-Roles': '/groups' }, { roles: null }))
  })

  it('refuses paths that are none, and more headers than a request can bear', () => {
    const [problem = ''] = problemLinesOf(withHeaders({ 'X-A': '/a/~2' }))
    assert.match(problem, /^identity\.headers\.custom\.X-A must /)
    assert.match(problemLinesOf(withHeaders({ 'X-A': '__proto__' }))[0] ?? '', /must not name/)
    assert.match(
      problemLinesOf(withHeaders({ 'X-A': { path: 'a', format: 'xml' } }))[0] ?? '',
      /json/,
    )
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`X-${at}`, 'a']))
    assert.deepEqual(problemLinesOf(withHeaders(many)), [
      'identity.headers.custom must have at most 32 headers',
    ])
  })
})

describe('identity.internalToken.claims', () => {
  it('refuses what only the gateway may say of a token', () => {
    for (const name of [
      ...['iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'jti', 'client_id', 'scope', 'scopes'],
      ...['email', 'roles', 'tenant_id', 'org_id', 'original_issuer', 'cnf', 'act', 'events'],
    ]) {
      assert.deepEqual(problemLinesOf(withMembers({ [name]: '/x' })), [
        `identity.internalToken.claims.${name} is a claim that only the gateway itself may set`,
      ])
    }
    assert.match(problemLinesOf(withMembers({ constructor: '/x' }))[0] ?? '', /only the gateway/)
  })

  it('takes other names, those of URLs included', () => {
    const claims = { department: '/department', 'https://acme.example/groups': 'groups' }
    assert.deepEqual(
      Object.keys(parseText(withMembers(claims)).identity.internalToken.claims),
      Object.keys(claims),
    )
  })
})

describe('require.claims', () => {
  const AT = 'routes[0].require.claims[0]'
  const WAYS = 'equals, oneOf, contains, matches, equalsHeader, equalsPathParameter'
  const cases: readonly (readonly [string, object, readonly string[]])[] = [
    ['neither claim nor path', { equals: 'a' }, [`${AT} needs exactly one of claim, path`]],
    [
      'both',
      { claim: 'tenant', path: '/a', equals: 'a' },
      [`${AT} needs exactly one of claim, path`],
    ],
    ['no way', { path: '/a' }, [`${AT} needs exactly one of ${WAYS}`]],
    [
      'two ways',
      { path: '/a', equals: 'a', contains: 'a' },
      [`${AT} needs exactly one of ${WAYS}`],
    ],
    [
      'a parameter that the path does not have',
      { path: '/a', equalsPathParameter: 'id' },
      [`${AT}.equalsPathParameter names a parameter that match.path does not have`],
    ],
    [
      'a header that frames the message',
      { path: '/a', equalsHeader: 'Content-Length' },
      [
        `${AT}.equalsHeader must be a header name of letters, digits and - that HTTP itself has no use for`,
      ],
    ],
  ]
  for (const [what, rule, problems] of cases) {
    it(`refuses ${what}`, () => {
      assert.deepEqual(problemLinesOf(text({}, [rule])), problems)
    })
  }

  it('takes what YAML reads as a number or a truth value', () => {
    const rules = [
      { path: '/verified', equals: true },
      { path: '/level', oneOf: [1, 'two', false] },
      { path: '/level', contains: 3 },
    ]
    const claims = parseText(text({}, rules)).routes[0]?.require.claims ?? []
    assert.deepEqual(
      claims.map(({ equals, oneOf, contains }) => equals ?? oneOf ?? contains),
      ['true', ['1', 'two', 'false'], '3'],
    )
    assert.match(problemLinesOf(text({}, [{ path: 'a', equals: 1.5 }]))[0] ?? '', /whole number/)
    assert.match(problemLinesOf(text({}, [{ path: 'a', equals: ['a'] }]))[0] ?? '', /must be text/)
  })

  it('bounds how many different claims are looked up', () => {
    const rules = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ path: `/c${at}`, equals: 'a' }))
    parseText(text({}, [...rules(64), ...rules(64)]))
    assert.deepEqual(problemLinesOf(text({}, rules(65))), [
      'routes must require at most 64 different claims by path',
    ])
  })
})

describe('apiKeys.keys[].claims', () => {
  const withClaims = (claims: object) =>
    text({ apiKeys: { keys: [{ sha256: 'a'.repeat(64), userId: 'u', claims }] } })

  it('takes values and lists of values, by names that may be paths', () => {
    const claims = { department: 'sales', '/realm/level': 7, groups: ['a', 'b'], isBot: true }
    assert.deepEqual(parseText(withClaims(claims)).apiKeys?.keys[0]?.claims, claims)
  })

  it('refuses, by its path, what upstreams are to be told and cannot be', () => {
    const claims = { note: 'x', department: Array.from({ length: 5 }, () => 'x'.repeat(1_200)) }
    const withHeaders = (custom: object) => {
      const apiKeys = { keys: [{ sha256: 'a'.repeat(64), userId: 'u', claims }] }
      return text({ apiKeys, identity: { headers: { custom } } })
    }
    parseText(withHeaders({ 'X-A': 'department', 'X-B': 'note' }))
    parseText(withHeaders({ 'X-A': 'department', 'X-B': { path: 'department', format: 'json' } }))
    // Two paths to one claim: each counts, and each request with the key would get 503.
    const problems = problemLinesOf(withHeaders({ 'X-A': 'department', 'X-B': '/department' }))
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', /^apiKeys\.keys\[0\]\.claims\.department cannot be told/)
    const object = withClaims({ department: { name: 'Sales' } })
    assert.match(problemLinesOf(object)[0] ?? '', /^apiKeys\.keys\[0\]\.claims\.department must/)
  })

  it('refuses objects, names that every object answers to, and what is too long', () => {
    assert.match(problemLinesOf(withClaims({ a: { b: 1 } }))[0] ?? '', /claims\.a must be text/)
    assert.match(problemLinesOf(withClaims({ constructor: 'x' }))[0] ?? '', /must be the name/)
    const long = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [at, 'x'.repeat(2_048)]))
    assert.deepEqual(problemLinesOf(withClaims(long)), [
      'apiKeys.keys[0].claims must have at most 8192 characters, as JSON',
    ])
  })
})
