/** Routes that a service may take for one another, and the setting that says that it does not. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'

interface Routed {
  readonly path: string
  readonly caseSensitive?: boolean
  readonly host?: string
  readonly methods?: readonly string[]
  readonly upstream?: string
}

/** JSON is YAML. Routes of the upstream `any`, whose service ignores case, unless they say more. */
function text(routes: readonly Routed[], more: object = {}): string {
  return JSON.stringify({
    issuers: ISSUERS,
    upstreams: {
      any: { targets: ['http://127.0.0.1:9500'] },
      strict: { targets: ['http://127.0.0.1:9501'], caseSensitive: true },
    },
    routes: routes.map(({ caseSensitive, upstream = 'any', ...match }, index) => ({
      name: `r${index}`,
      match,
      upstream,
      ...(caseSensitive === undefined ? {} : { caseSensitive }),
    })),
    ...more,
  })
}

const PROBLEM =
  'routes[1].match.path is spelled differently in routes[0], and a service that ignores case or ' +
  'decodes more than it should takes one for the other: spell both alike, or say caseSensitive: ' +
  'true on both where only the case differs and the services tell it apart'

describe('Two routes that spell a path differently', () => {
  const taken: readonly (readonly [Routed, Routed])[] = [
    [{ path: '/api/Admin' }, { path: '/api/admin' }],
    [{ path: '/API/*' }, { path: '/api/admin/*' }],
    [{ path: '/Api/*/users' }, { path: '/api/admin/*' }],
    [{ path: '/a@b/*' }, { path: '/a%40b' }],
    [{ path: '/admin./*' }, { path: '/admin/*' }],
    [{ path: '/k%C3%A9' }, { path: '/k%C3%89' }],
    [{ path: '/Users/' }, { path: '/users' }],
    [{ path: '/X', caseSensitive: true }, { path: '/x' }],
    [{ path: '/X' }, { path: '/x', upstream: 'strict' }],
    [
      { path: '/X', host: '*.example.com', methods: ['GET'] },
      { path: '/x', host: 'a.example.com', methods: ['HEAD'] },
    ],
  ]
  for (const [first, second] of taken) {
    it(`are a problem: ${first.path} and ${second.path}`, () => {
      assert.deepEqual(problemLinesOf(text([first, second])), [PROBLEM])
    })
  }

  const apart: readonly (readonly [Routed, Routed])[] = [
    [
      { path: '/X', caseSensitive: true },
      { path: '/x', caseSensitive: true },
    ],
    [
      { path: '/X', upstream: 'strict' },
      { path: '/x', upstream: 'strict' },
    ],
    [
      { path: '/X', host: 'a.test' },
      { path: '/x', host: 'b.test' },
    ],
    [
      { path: '/X', methods: ['POST'] },
      { path: '/x', methods: ['GET'] },
    ],
    [{ path: '/X/a' }, { path: '/x/b' }],
    [{ path: '/X' }, { path: '/x/y' }],
  ]
  for (const [first, second] of apart) {
    it(`are none where no service takes one for the other: ${JSON.stringify([first, second])}`, () => {
      assert.equal(parseText(text([first, second])).routes.length, 2)
    })
  }

  it('cannot be told apart by what is encoded twice', () => {
    assert.equal(problemLinesOf(text([{ path: '/%2561' }])).length, 1)
  })
})

describe('Whether a service tells case apart', () => {
  const sensitive = (routes: readonly Routed[], more: object = {}) =>
    parseText(text(routes, more)).routes.map(({ caseSensitive }) => caseSensitive)

  it('is what its upstream says, unless the route says something else', () => {
    assert.deepEqual(
      sensitive([
        { path: '/a' },
        { path: '/b', upstream: 'strict' },
        { path: '/c', caseSensitive: true },
        { path: '/d', upstream: 'strict', caseSensitive: false },
      ]),
      [false, true, true, false],
    )
  })

  it('is what all upstreams say that a tenant may have instead', () => {
    const tenants = (upstream: string) => ({
      tenants: { resolve: [{ from: 'claim' }], registry: { acme: { upstream } } },
    })
    const routes = [{ path: '/a', upstream: 'strict' }]
    assert.deepEqual(sensitive(routes, tenants('strict')), [true])
    assert.deepEqual(sensitive(routes, tenants('any')), [false])
  })
})

describe('A route for GET', () => {
  it('is one for HEAD too, so that a second one for HEAD alone is never reached', () => {
    const [get] = parseText(text([{ path: '/x', methods: ['GET'] }])).routes
    assert.deepEqual(get?.match.methods, ['GET', 'HEAD'])
    const both = text([
      { path: '/x', methods: ['GET'] },
      { path: '/x', methods: ['HEAD'] },
    ])
    assert.deepEqual(problemLinesOf(both), [
      'routes[1].match can never be reached: routes[0] matches everything that it matches',
    ])
  })
})

describe('A path with parameters', () => {
  it('is refused with words that name the semicolon', () => {
    const [problem = ''] = problemLinesOf(text([{ path: '/a;b/*' }]))
    assert.match(problem, /^routes\[0\]\.match\.path must .*no semicolon/)
  })
})
