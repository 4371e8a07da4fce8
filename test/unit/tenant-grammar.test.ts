import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  areSubdomainPatternsNested,
  parsePathPattern,
  parseSubdomainPattern,
  parseTenantName,
} from '../../src/tenants/tenant-grammar.ts'

function assertAllRefused(judge: (value: string) => string | null, values: readonly string[]) {
  for (const value of values) assert.equal(judge(value), null, value)
}

describe('the name of a tenant', () => {
  it('is up to 63 lower-case letters, digits, _ and -', () => {
    for (const name of ['a', '0', 'acme', 'a-b_c', '9lives', 'a'.repeat(63)]) {
      assert.equal(parseTenantName(name), name)
    }
  })

  it('has one spelling, and nothing that means something elsewhere', () => {
    assertAllRefused(parseTenantName, ['', 'ACME', 'Acme', '-a', '_a', 'a.b', 'a b', 'a/b', 'a%62'])
    assertAllRefused(parseTenantName, ['a'.repeat(64), 'acme\n', ' acme', '..', 'аcme', 'a,b', 'é'])
  })
})

describe('the pattern of a subdomain', () => {
  it('is the tenant, a dot and a host name, kept in lower case', () => {
    const pattern = '{tenant}.api.example.com'
    assert.equal(parseSubdomainPattern(pattern), pattern)
    assert.equal(parseSubdomainPattern('{tenant}.API.Example.com'), pattern)
    assert.equal(parseSubdomainPattern('{tenant}.localhost'), '{tenant}.localhost')
  })

  it('has the tenant as one whole label, the first', () => {
    assertAllRefused(parseSubdomainPattern, [
      ...['', '{tenant}', '{tenant}.', '{tenant}example.com', 'api.{tenant}.example.com'],
      ...['{tenant}.{tenant}.com', '{TENANT}.example.com', '*.example.com', '{tenant}..com'],
      ...[
        '{tenant}.example.com.',
        '{tenant}.example.com:8080',
        '{tenant}.a_b.com',
        'x{tenant}.com',
      ],
      ...['{tenant}.-a.com', '{tenant}.a/b', `{tenant}.${'a.'.repeat(120)}com`],
    ])
  })

  it('must not lie within another one', () => {
    const [outer, inner] = ['{tenant}.example.com', '{tenant}.api.example.com']
    assert.ok(areSubdomainPatternsNested(outer, inner))
    assert.ok(areSubdomainPatternsNested(inner, outer))
    assert.ok(!areSubdomainPatternsNested(outer, outer))
    assert.ok(!areSubdomainPatternsNested(outer, '{tenant}.badexample.com'))
  })
})

describe('the pattern of a path', () => {
  it('leads to the tenant through segments with one spelling', () => {
    for (const pattern of ['/tenants/{tenant}/*', '/{tenant}/*', '/v1/*/t~._-/{tenant}/*']) {
      assert.equal(parsePathPattern(pattern), pattern)
    }
  })

  it('covers everything below the tenant, and has nothing that could be read in two ways', () => {
    assertAllRefused(parsePathPattern, [
      ...['', '/', '/tenants', '/tenants/{tenant}', '/tenants/{tenant}/', 'tenants/{tenant}/*'],
      ...['/tenants/{tenant}/orders/*', '/tenants//{tenant}/*', '//{tenant}/*', '/../{tenant}/*'],
      ...['/a;b/{tenant}/*', '/caf%C3%A9/{tenant}/*', '/a@b/{tenant}/*', '/{tenant}/{tenant}/*'],
      ...['/a*/{tenant}/*', '/x{tenant}/*', '/a?b/{tenant}/*', '/./{tenant}/*', '/a\\b/{tenant}/*'],
      `/${'a'.repeat(1_024)}/{tenant}/*`,
    ])
  })
})
