/** What a configuration may say of issuers, audiences, origins and parameters in paths. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { warnOfTokens } from '../../src/cli/check-tokens.ts'
import { parseText, problemLinesOf } from '../support/configuration-text.ts'

const JWKS = { uri: 'https://idp.example.com/keys' }
const MAIN = { issuer: 'https://idp.example.com/', audiences: ['api'], jwks: JWKS }
const ENTRA = 'https://login.microsoftonline.com/{tenantid}/v2.0'
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47'

interface Parts {
  readonly issuer?: object
  readonly issuers?: object
  readonly route?: object
  readonly upstream?: object
  readonly more?: object
}

/** JSON is YAML. */
function text({ issuer, issuers, route, upstream, more }: Parts): string {
  return JSON.stringify({
    issuers: issuers ?? { main: { ...MAIN, ...issuer } },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'], ...upstream } },
    routes: [{ name: 'a', match: { path: '/a' }, upstream: 'users', ...route }],
    ...more,
  })
}

const entra = (issuerValues: object | null, more: object = {}) =>
  text({ issuer: { issuer: ENTRA, issuerValues, ...more } })

const path = (value: string) => text({ route: { match: { path: value } } })

const PLACEHOLDER = /^issuers\.main\.issuer may hold one placeholder such as \{tenantid\}/
const VALUE = /must be 1 to 128 letters, digits, -, _ and single dots/
const PARAMETER = /^routes\[0\]\.match\.path must start .* write \/users\/:id, not \/users\/\{id\}/
const ORIGIN =
  /must be an origin such as https:\/\/app\.example\.com, or https:\/\/\*\.example\.com/

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  [
    'a * in an issuer',
    text({ issuer: { issuer: 'https://*.okta.com/' } }),
    /^issuers\.main\.issuer .* where \* means nothing: .* write \{name\} in its place/,
  ],
  ['two placeholders', text({ issuer: { issuer: 'https://x/{a}/{b}' } }), PLACEHOLDER],
  ['a brace that is none', text({ issuer: { issuer: 'https://x/{' } }), PLACEHOLDER],
  ['a placeholder without a name', text({ issuer: { issuer: 'https://x/{}' } }), PLACEHOLDER],
  ['a placeholder alone', text({ issuer: { issuer: '{issuer}' } }), PLACEHOLDER],
  [
    'a placeholder of which nothing is said',
    entra(null),
    /^issuers\.main\.issuerValues is required for an issuer with a placeholder/,
  ],
  [
    'values without a placeholder',
    text({ issuer: { issuerValues: { claim: 'tid', values: ['a'] } } }),
    /^issuers\.main\.issuerValues is only for an issuer with a placeholder/,
  ],
  [
    'any value that is not confirmed',
    entra({ claim: 'tid', values: 'any' }),
    /^issuers\.main\.issuerValues\.iUnderstand must be true for values: any/,
  ],
  ['a value with a slash', entra({ claim: 'tid', values: ['a/b'] }), VALUE],
  ['a value of dots', entra({ claim: 'tid', values: ['..'] }), VALUE],
  ['a * as a value', entra({ claim: 'tid', values: ['*'] }), VALUE],
  ['no value', entra({ claim: 'tid', values: [] }), /values/],
  ['no claim', entra({ values: [TENANT] }), /issuerValues\.claim/],
  [
    'issuers that can be one',
    text({
      issuers: {
        one: { ...MAIN, issuer: ENTRA, issuerValues: { claim: 'tid', values: ['a', 'b'] } },
        two: {
          ...MAIN,
          issuer: ENTRA.replace('tenantid', 'tid'),
          issuerValues: { claim: 'tid', values: ['b'] },
        },
      },
    }),
    /^issuers\.two\.issuerValues can be the same issuer as one of issuers\.one/,
  ],
  [
    'placeholders that overlap',
    text({
      issuers: Object.fromEntries(
        ['https://x/{a}', 'https://x/a{b}'].map((issuer, place) => [
          `i${place}`,
          { ...MAIN, issuer, issuerValues: { claim: 't', values: 'any', iUnderstand: true } },
        ]),
      ),
    }),
    /^issuers\.i1\.issuerValues can be the same issuer/,
  ],
  [
    'neither audiences nor clients',
    text({ issuer: { audiences: null } }),
    /^issuers\.main\.audiences is required, unless clientIds/,
  ],
  ['no client', text({ issuer: { clientIds: [] } }), /clientIds/],
  [
    'audiences that no token can name',
    text({
      issuer: { audiences: null, clientIds: ['web'] },
      route: { audiences: ['orders'] },
    }),
    /^routes\[0\]\.audiences can never be met: .* have clientIds alone/,
  ],
  [
    'audiences on a route without tokens',
    text({
      route: { audiences: ['orders'], authenticate: ['session'] },
      more: { sessions: { store: 'memory' } },
    }),
    /^routes\[0\]\.audiences is for bearer tokens/,
  ],
  [
    'a requirement of an issuer that can be any',
    text({
      issuer: {
        issuer: ENTRA,
        issuerValues: { claim: 'tid', values: 'any', iUnderstand: true },
      },
      route: { require: { issuers: ['main'] } },
    }),
    /^routes\[0\]\.require\.issuers\[0\] .* name it in issuers of the route/,
  ],
  [
    'JWTs to be asked about where no endpoint is',
    text({ route: { introspectJwts: true } }),
    /^routes\[0\]\.introspectJwts needs authenticate with jwt and introspection/,
  ],
  [
    'a * in a target',
    text({ upstream: { targets: ['http://*.internal:80'] } }),
    /^upstreams\.users\.targets\[0\] must be an origin .* and \*: each target is written out/,
  ],
  [
    'a * for a whole origin',
    text({ more: { sessions: { store: 'memory', allowedOrigins: ['*'] } } }),
    ORIGIN,
  ],
  [
    'a * within a label',
    text({ more: { sessions: { store: 'memory', allowedOrigins: ['https://a*.example.com'] } } }),
    ORIGIN,
  ],
  [
    'a * above everybody',
    text({
      more: {
        tenants: {
          resolve: [{ from: 'claim' }],
          registry: { a: { allowedOrigins: ['https://*.com'] } },
        },
      },
    }),
    ORIGIN,
  ],
  [
    'a field that is read whole and by a scheme',
    text({
      route: {
        credentials: [
          { from: 'header', name: 'X-Token' },
          { from: 'header', name: 'X-Token', prefix: 'DPoP' },
        ],
      },
    }),
    /^routes\[0\]\.credentials\[1\] is listed twice/,
  ],
  [
    'a scheme twice',
    text({ route: { credentials: [{ from: 'header' }, { from: 'header', prefix: 'bearer' }] } }),
    /^routes\[0\]\.credentials\[1\] is listed twice/,
  ],
  ['a parameter in braces', path('/users/{id}'), PARAMETER],
  ['a parameter that may be absent', path('/users/:id?'), PARAMETER],
  ['a parameter of part of a segment', path('/users/:id.json'), PARAMETER],
  ['a parameter with a star', path('/users/:id*'), PARAMETER],
  ['a parameter with a pattern', path('/users/:id(x)'), PARAMETER],
  ['a parameter without a name', path('/users/:'), PARAMETER],
  ['two parameters of one name', path('/users/:id/friends/:id'), PARAMETER],
]

describe('check', () => {
  function warningsOf(yaml: string): readonly string[] {
    const lines: string[] = []
    warnOfTokens(parseText(yaml), { printError: (line) => lines.push(line) })
    return lines
  }

  it('warns of bound tokens, of any tenant, and of audiences that no issuer lists', () => {
    const any = { claim: 'tid', values: 'any', iUnderstand: true }
    const lines = warningsOf(
      text({
        issuer: { issuer: ENTRA, issuerValues: any, boundTokens: 'accept' },
        route: { audiences: ['api', 'orders'] },
      }),
    )
    assert.deepEqual(
      lines.map((line) => line.split(': ', 2).join(': ')),
      [
        'warning: issuers.main.boundTokens',
        'warning: issuers.main.issuerValues',
        'warning: routes[0].audiences',
      ],
    )
    assert.match(lines[2] ?? '', /"orders" is in the audiences of no issuer of the route/)
  })

  it('says nothing of what refuses by default', () => {
    const values = { claim: 'tid', values: [TENANT] }
    assert.deepEqual(warningsOf(text({})), [])
    assert.deepEqual(warningsOf(entra(values, { audiences: ['orders', 'api'] })), [])
    assert.deepEqual(warningsOf(text({ route: { audiences: ['api'] } })), [])
  })
})

describe('a configuration', () => {
  for (const [what, yaml, problem] of REFUSED) {
    it(`is refused with ${what}`, () => {
      const lines = problemLinesOf(yaml)
      assert.ok(
        lines.some((line) => problem.test(line)),
        lines.join('\n'),
      )
    })
  }

  it('may have an issuer for each tenant of Entra ID, beside one that is written out', () => {
    const values = { claim: 'tid', values: 'any', iUnderstand: true }
    const own = ENTRA.replace('{tenantid}', TENANT)
    const { issuers } = parseText(
      text({
        issuers: {
          own: { ...MAIN, issuer: own },
          entra: { ...MAIN, issuer: ENTRA, issuerValues: values, jwks: { discovery: true } },
          listed: {
            ...MAIN,
            issuer: 'https://sts.windows.net/{tenantid}/',
            issuerValues: { claim: 'tid', values: [TENANT] },
            jwks: { discovery: true },
          },
          told: {
            ...MAIN,
            issuer: 'https://x.example.com/{realm}',
            issuerValues: { claim: 'realm', values: ['a', 'b'], discovery: 'b' },
          },
        },
      }),
    )
    assert.deepEqual(
      issuers.map(({ discoveryIssuer, placeholder }) => [discoveryIssuer, placeholder]),
      [
        [own, null],
        ['https://login.microsoftonline.com/common/v2.0', { claim: 'tid', values: null }],
        [`https://sts.windows.net/${TENANT}/`, { claim: 'tid', values: [TENANT] }],
        ['https://x.example.com/b', { claim: 'realm', values: ['a', 'b'] }],
      ],
    )
  })

  it('may have clients in place of audiences, and refuses bound tokens unless it says so', () => {
    const [issuer] = parseText(text({ issuer: { audiences: null, clientIds: ['web'] } })).issuers
    assert.deepEqual(
      [issuer?.audiences, issuer?.clientIds, issuer?.acceptsBound, issuer?.placeholder],
      [[], ['web'], false, null],
    )
    const [accepting] = parseText(text({ issuer: { boundTokens: 'accept' } })).issuers
    assert.ok(accepting?.acceptsBound)
  })

  it('may have parameters for whole segments, and colons elsewhere', () => {
    for (const good of ['/users/:id', '/:tenant/users/:user_2/*', '/v1/users:batchGet', '/a:b/*']) {
      assert.equal(parseText(path(good)).routes[0]?.match.path, good)
    }
  })

  it('tells routes apart by what their parameters match', () => {
    const routes = (...paths: readonly string[]) =>
      JSON.stringify({
        issuers: {},
        upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
        routes: paths.map((it, place) => ({
          name: `r${place}`,
          match: { path: it },
          upstream: 'users',
          authenticate: 'none',
        })),
      })
    const unreachable = /^routes\[1\]\.match can never be reached/
    assert.match(problemLinesOf(routes('/users/:id', '/users/me'))[0] ?? '', unreachable)
    assert.match(problemLinesOf(routes('/users/:id', '/users/:name'))[0] ?? '', unreachable)
    assert.match(problemLinesOf(routes('/users/*', '/users/:id'))[0] ?? '', unreachable)
    assert.equal(parseText(routes('/users/:id', '/users/*')).routes.length, 2)
    assert.equal(parseText(routes('/users/me', '/users/:id')).routes.length, 2)
  })
})
