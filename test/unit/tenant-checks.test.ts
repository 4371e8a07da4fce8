import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LEAST_CONFIGURATION, parseText, problemLinesOf } from '../support/configuration-text.ts'

const GOOD = `resolve: [{ from: header }], registry: { acme: {} }`

/** Problems about a configuration with these tenants, and these lines of its one route. */
function problems(tenants: string, route = ''): readonly string[] {
  const text = LEAST_CONFIGURATION.replace('upstream: users }', `upstream: users${route} }`)
  return problemLinesOf(`${text}\ntenants: { ${tenants} }\n`)
}

const ONE_OF =
  'needs exactly one of equals, oneOf, contains, matches, equalsHeader, equalsPathParameter'

describe('the tenants section', () => {
  it('is complete with a place and a tenant, and needs one unless it says otherwise', () => {
    const { tenants, routes } = parseText(`${LEAST_CONFIGURATION}\ntenants: { ${GOOD} }\n`)
    assert.equal(tenants?.required, true)
    assert.deepEqual(tenants?.resolve, [{ from: 'header', name: 'x-tenant-id' }])
    assert.equal(routes[0]?.tenant, 'required')
  })

  const bad = [
    [
      'resolve: [{ from: header }]',
      'tenants.registry names no tenant, and tenants.redis is not set',
    ],
    ['resolve: [], registry: { acme: {} }', 'tenants.resolve must list at least one'],
    ['resolve: [{ from: header }], redis: true', 'tenants.redis needs a redis section'],
    [
      'resolve: [{ from: header }, { from: header }], registry: { acme: {} }',
      'tenants.resolve[1] is listed twice',
    ],
    [
      'resolve: [{ from: header }], registry: { acme: { issuers: [unknown] } }',
      'tenants.registry.acme.issuers[0] names an issuer that does not exist',
    ],
    [
      'resolve: [{ from: header }], registry: { acme: { upstream: nowhere } }',
      'tenants.registry.acme.upstream names an upstream that does not exist',
    ],
    [
      "resolve: [{ from: subdomain, pattern: '{tenant}.a.test' }, " +
        "{ from: subdomain, pattern: '{tenant}.b.a.test' }], registry: { acme: {} }",
      'tenants.resolve[1].pattern reads hosts of another pattern as other tenants',
    ],
  ] as const
  for (const [tenants, problem] of bad) {
    it(`says that ${problem}`, () => {
      assert.deepEqual(problems(tenants), [problem])
    })
  }

  it('takes no name that could be spelled in two ways', () => {
    const [problem] = problems('resolve: [{ from: header }], registry: { ACME: {} }')
    assert.match(problem ?? '', /is not a tenant name/)
  })

  it('is needed by a route that speaks of a tenant', () => {
    const text = LEAST_CONFIGURATION.replace('upstream: users }', 'upstream: users, tenant: none }')
    assert.deepEqual(problemLinesOf(text), ['routes[0].tenant needs a tenants section'])
  })

  it('lets a route require claims, each in exactly one way, and issuers that exist', () => {
    const route =
      ', require: { issuers: [unknown], claims: [{ claim: email }, ' +
      "{ claim: email, equals: a, matches: 'a*' }, { claim: email, equals: a }] }"
    assert.deepEqual(problems(GOOD, route), [
      'routes[0].require.issuers[0] names an issuer that does not exist',
      `routes[0].require.claims[0] ${ONE_OF}`,
      `routes[0].require.claims[1] ${ONE_OF}`,
    ])
  })
})
