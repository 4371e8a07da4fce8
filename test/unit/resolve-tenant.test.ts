/** Where a request may name its tenant, and the tricks that must not make it name another one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalPath } from '../../src/http/canonical-path.ts'
import type { HeaderList } from '../../src/http/header-list.ts'
import type { TenantRule } from '../../src/tenants/compile-tenant.ts'
import { TenantResolver } from '../../src/tenants/resolve-tenant.ts'
import { outcomeOf } from '../support/tenants.ts'

const SUBDOMAIN: TenantRule = { from: 'subdomain', pattern: '{tenant}.api.example.com' }
const PATH: TenantRule = { from: 'path', pattern: '/tenants/{tenant}/*' }
const HEADER: TenantRule = { from: 'header', name: 'x-tenant-id' }
const CLAIM: TenantRule = { from: 'claim' }

const BARE_HOST = 'api.example.com'

interface Request {
  readonly host?: string
  readonly path?: string
  readonly headers?: HeaderList
}

function resolve(rules: readonly TenantRule[], request: Request): string | null {
  const path = canonicalPath(request.path ?? '/')
  assert.ok(path !== null, 'the server would have refused this path')
  const resolver = new TenantResolver(rules)
  return outcomeOf(resolver.resolve(request.host ?? BARE_HOST, path, request.headers ?? []))
}

const ALL = [SUBDOMAIN, PATH, HEADER, CLAIM]

describe('the tenant of a request', () => {
  it('is the label in front of the domain', () => {
    assert.equal(resolve([SUBDOMAIN], { host: 'acme.api.example.com' }), 'acme')
    assert.equal(resolve([SUBDOMAIN], { host: 'a-b_9.api.example.com' }), 'a-b_9')
  })

  it('is the segment behind the fixed ones of the path', () => {
    for (const path of [
      '/tenants/acme/',
      '/tenants/acme',
      '/tenants/acme/a/b',
      '/tenants/acme/%20',
    ]) {
      assert.equal(resolve([PATH], { path }), 'acme', path)
    }
    const versioned: TenantRule = { from: 'path', pattern: '/v1/*/t/{tenant}/*' }
    assert.equal(resolve([versioned], { path: '/v1/eu/t/acme/x' }), 'acme')
    assert.equal(resolve([{ from: 'path', pattern: '/{tenant}/*' }], { path: '/acme' }), 'acme')
  })

  it('is the value of the header', () => {
    const headers = ['accept', '*/*', 'x-tenant-id', 'acme']
    assert.equal(resolve([HEADER], { headers }), 'acme')
  })

  it('is none where no place names one', () => {
    assert.equal(resolve(ALL, {}), null)
    assert.equal(resolve(ALL, { host: 'example.com', path: '/tenants' }), null)
    assert.equal(resolve(ALL, { host: 'evilapi.example.com', path: '/x/tenants/acme/' }), null)
    assert.equal(resolve(ALL, { host: 'acme.api.example.com.evil.test' }), null)
    assert.equal(resolve([SUBDOMAIN], { headers: ['x-tenant-id', 'acme'] }), null)
    assert.equal(resolve([CLAIM], { headers: ['x-tenant-id', 'acme'] }), null)
    assert.equal(resolve([], { host: 'acme.api.example.com' }), null)
  })

  it('may be named by several places as long as they agree', () => {
    const request = {
      host: 'acme.api.example.com',
      path: '/tenants/acme/x',
      headers: ['x-tenant-id', 'acme'],
    }
    assert.equal(resolve(ALL, request), 'acme')
    assert.equal(resolve([HEADER, PATH, SUBDOMAIN], request), 'acme')
  })

  it('says whether a claim may name it', () => {
    assert.equal(new TenantResolver(ALL).readsClaim, true)
    assert.equal(new TenantResolver([SUBDOMAIN, PATH, HEADER]).readsClaim, false)
  })
})

describe('a request that names two tenants', () => {
  it('is refused, whichever places they are and in whatever order', () => {
    const host = 'acme.api.example.com'
    const path = '/tenants/globex/'
    const headers = ['x-tenant-id', 'initech']
    for (const request of [
      { host, path },
      { host, headers },
      { path, headers },
      { host, path, headers },
    ]) {
      assert.equal(resolve(ALL, request), 'invalid_request')
      assert.equal(resolve([HEADER, CLAIM, PATH, SUBDOMAIN], request), 'invalid_request')
    }
  })

  it('is refused when one name begins like the other', () => {
    for (const [one, other] of [
      ['acme', 'acme2'],
      ['acme2', 'acme'],
    ]) {
      const request = { host: `${one}.api.example.com`, headers: ['x-tenant-id', other ?? ''] }
      assert.equal(resolve(ALL, request), 'invalid_request')
    }
  })

  it('is refused when a header is repeated, even with the same name', () => {
    for (const second of ['acme', 'globex', '']) {
      const headers = ['x-tenant-id', 'acme', 'accept', '*/*', 'x-tenant-id', second]
      assert.equal(resolve([HEADER], { headers }), 'invalid_request', second)
    }
  })
})

describe('a place that names something that is no tenant name', () => {
  const strange = ['', 'ACME', 'Acme', 'acme,globex', 'acme;globex', 'acme ', '..', 'a/b', '-a']
  const stranger = ['acme%20', '%61cme', 'аcme', 'acmé', 'a.b', '*', '{tenant}', 'a'.repeat(64)]

  it('is told that there is no such tenant, and never passed over', () => {
    for (const value of [...strange, ...stranger]) {
      const headers = ['x-tenant-id', value]
      assert.equal(resolve([HEADER], { headers }), 'tenant_not_found', value)
      const acme = { headers, path: '/tenants/acme/' }
      assert.equal(resolve([HEADER, PATH], acme), 'tenant_not_found', value)
      assert.equal(resolve([PATH, HEADER], acme), 'tenant_not_found', value)
    }
  })

  it('may be a path', () => {
    const paths = ['/tenants/', '/tenants/ACME/', '/tenants/acme;x/', '/tenants/acme%3Bx/']
    for (const path of [...paths, '/tenants/acme%20/', '/tenants/acm%C3%A9', '/tenants/a.b/']) {
      assert.equal(resolve([PATH], { path }), 'tenant_not_found', path)
    }
  })

  it('may be a host', () => {
    for (const name of ['', 'a.b', 'acme.', '.acme', '-', 'a'.repeat(64), 'www.acme']) {
      const host = `${name}.api.example.com`
      assert.equal(resolve([SUBDOMAIN], { host }), 'tenant_not_found', host)
    }
  })
})

describe('tricks of spelling', () => {
  it('make no difference where everybody reads them alike', () => {
    for (const path of ['/tenants/%61cme/x', '/%74enants/acme/x', '/%74%65nants/ac%6De/x']) {
      assert.equal(resolve([PATH], { path }), 'acme', path)
    }
  })

  it('are refused where an upstream may find a tenant and we do not', () => {
    const paths = ['/Tenants/acme/', '/TENANTS/acme', '/tenants;a=b/acme/', '/tenants%3bx/acme/']
    for (const path of [...paths, '/tenants;/acme/', '/tEnAnTs;x/globex/x']) {
      assert.equal(resolve([PATH], { path }), 'invalid_request', path)
      const request = { path, headers: ['x-tenant-id', 'globex'] }
      assert.equal(resolve([HEADER, PATH], request), 'invalid_request', path)
    }
    const deep: TenantRule = { from: 'path', pattern: '/api/*/t-1/{tenant}/*' }
    assert.equal(resolve([deep], { path: '/API/x/t-1/acme/' }), 'invalid_request')
    assert.equal(resolve([deep], { path: '/api/x/T-1;y/acme/' }), 'invalid_request')
  })

  it('are refused where an upstream may find another tenant than we do', () => {
    for (const path of [
      '/tenants/acme/..%252F..%252Ftenants%252Fglobex/x',
      '/tenants/acme/%252e%252e/globex/x',
      '/tenants/acme/..%20/globex/x',
      '/%2574enants/acme/x',
      '/tenants./acme/x',
      '/tenants%20/acme/x',
      '/tenant%C5%BF/acme/x',
      '/x%252F..%252Ftenants/acme/x',
    ]) {
      assert.equal(resolve([PATH], { path }), 'invalid_request', path)
    }
    for (const path of ['/tenants/acme/Orders/AbC', '/tenants/acme/a%20b', '/tenants/acme/x;v=1']) {
      assert.equal(resolve([PATH], { path }), 'acme', path)
    }
  })

  it('are not seen where there are none', () => {
    for (const path of ['/tenantsx/acme/', '/tenant/acme/', '/tenants%40/acme/', '/caf%C3%A9/a/']) {
      assert.equal(resolve([PATH], { path }), null, path)
    }
    // A character that differs in the bit that tells the cases of letters apart, but is no letter.
    const dashed: TenantRule = { from: 'path', pattern: '/t-1/{tenant}/*' }
    assert.equal(resolve([dashed], { path: '/t-!/acme/' }), null)
    assert.equal(
      resolve([{ from: 'path', pattern: '/a~/{tenant}/*' }], { path: '/a^/acme/' }),
      null,
    )
  })

  it('cannot hide the domain behind dots at the end of a host', () => {
    assert.equal(resolve([SUBDOMAIN], { host: 'acme.api.example.com.' }), 'invalid_request')
    assert.equal(resolve([SUBDOMAIN], { host: 'api.example.com.' }), 'invalid_request')
  })

  it('cannot reach the prototype of anything', () => {
    for (const name of ['__proto__', 'constructor', 'tostring']) {
      const outcome = resolve([HEADER], { headers: ['x-tenant-id', name] })
      assert.equal(outcome, name.startsWith('_') ? 'tenant_not_found' : name)
    }
  })
})
