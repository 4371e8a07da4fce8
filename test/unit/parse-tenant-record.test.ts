import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ADDRESS_LIST_LENGTH_MAX } from '../../src/http/address-lists.ts'
import {
  parseTenantRecord,
  TENANT_ISSUERS_MAX,
  TENANT_ORIGINS_MAX,
  TENANT_PLAN_LENGTH_MAX,
  TENANT_RECORD_LENGTH_MAX,
} from '../../src/tenants/parse-tenant-record.ts'
import { tenant } from '../support/tenants.ts'

const parse = (record: unknown) => parseTenantRecord('acme', JSON.stringify(record))

function assertUnreadable(value: unknown, about: RegExp) {
  const problem = parseTenantRecord('acme', value)
  assert.equal(typeof problem, 'string', JSON.stringify(value))
  assert.match(problem as string, about)
}

describe('the record of a tenant in a store', () => {
  it('needs no more than a status', () => {
    assert.deepEqual(parse({ status: 'active' }), tenant('acme'))
    const bare = { status: 'suspended', plan: null, upstream: null, issuers: [] }
    assert.deepEqual(parse(bare), tenant('acme', { status: 'suspended' }))
  })

  it('may say everything that the file may', () => {
    const record = {
      status: 'active',
      plan: 'enterprise',
      issuers: ['main', 'partner'],
      allowedOrigins: ['https://App.example.com', 'http://localhost:3000'],
      allowFrom: ['203.0.113.0/24', '2001:db8::/32'],
      denyFrom: ['203.0.113.7'],
      upstream: 'dedicated',
    } as const
    const allowedOrigins = ['https://app.example.com', 'http://localhost:3000']
    assert.deepEqual(parse(record), tenant('acme', { ...record, allowedOrigins }))
  })

  it('is unreadable unless it is JSON in which every name stands once', () => {
    const texts = ['', '{', '[]', 'null', '"active"', '{"status":"active"} x', undefined, null, 7]
    const twice = '{"status":"suspended","status":"active"}'
    for (const value of [...texts, twice, { status: 'active' }]) assertUnreadable(value, /JSON/)
    const long = JSON.stringify({ status: 'active', plan: ' '.repeat(TENANT_RECORD_LENGTH_MAX) })
    assertUnreadable(long, /JSON/)
  })

  it('is served as a later version wrote it, without what is not known here', () => {
    const later = { version: 1, status: 'active', quota: { perMinute: 7 }, regions: ['eu'] }
    assert.deepEqual(parse(later), tenant('acme'))
    assert.deepEqual(parse({ ...later, __proto__: null, constructor: 7 }), tenant('acme'))
  })

  it('is unreadable when its version says that older ones must not read it', () => {
    for (const version of [2, 0, '1', 1.5, true, {}]) {
      assertUnreadable(JSON.stringify({ version, status: 'active' }), /version/)
    }
  })

  it('is unreadable with a member that is almost a known one, which it does not repeat', () => {
    const names = ['issuer', 'isuers', 'issuesr', 'Issuers', 'issuerss', 'Status', 'allowedorigins']
    for (const name of [...names, 'allow_From', 'allowfrom', 'alowFrom', 'denyForm']) {
      assertUnreadable(
        `{"status":"active","${name}":null}`,
        /^has a member that is almost one of version, status, plan/,
      )
    }
  })

  it('is unreadable with a value of the wrong type', () => {
    const wrong: Record<string, readonly unknown[]> = {
      status: [undefined, null, true, 'Active', 'deleted', ['active'], ''],
      plan: [7, '', 'é', 'a\n', ['free'], {}, 'x'.repeat(TENANT_PLAN_LENGTH_MAX + 1)],
      issuers: ['main', '', {}, [7], ['a b'], [''], [['main']], [null]],
      allowedOrigins: ['https://a.test', ['*'], ['null'], ['https://a.test/x'], [7], ['a.test']],
      allowFrom: ['', '10.0.0.1', {}, [7], [null], [''], ['10.0.0.0/33'], ['10.0.0.1/8'], ['x']],
      denyFrom: ['', '::1', [' 10.0.0.1'], ['10.0.0.1:80'], ['fe80::1%eth0'], ['10.0.0.0/08']],
      upstream: [7, '', 'a b', ['users'], '../users'],
    }
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        assertUnreadable(
          JSON.stringify({ status: 'active', [name]: value }),
          new RegExp(`^${name} `),
        )
      }
    }
  })

  it('is unreadable with longer lists than any tenant needs', () => {
    const list = (length: number, item: string) => Array.from({ length }, () => item)
    const at = { issuers: list(TENANT_ISSUERS_MAX, 'main') }
    assert.equal(typeof parse({ status: 'active', ...at }), 'object')
    const issuers = list(TENANT_ISSUERS_MAX + 1, 'main')
    assertUnreadable(JSON.stringify({ status: 'active', issuers }), /^issuers /)
    const allowedOrigins = list(TENANT_ORIGINS_MAX + 1, 'https://a.test')
    assertUnreadable(JSON.stringify({ status: 'active', allowedOrigins }), /^allowedOrigins /)
    const denyFrom = list(ADDRESS_LIST_LENGTH_MAX, '192.0.2.1')
    assert.equal(typeof parse({ status: 'active', denyFrom }), 'object')
    denyFrom.push('192.0.2.2')
    assertUnreadable(JSON.stringify({ status: 'active', denyFrom }), /^denyFrom /)
  })

  it('is unreadable under a name that no tenant can have', () => {
    for (const name of ['', 'ACME', 'a.b', 'a'.repeat(64)]) {
      const problem = parseTenantRecord(name, '{"status":"active"}')
      assert.equal(problem, 'its name is not a tenant name', name)
    }
  })
})
