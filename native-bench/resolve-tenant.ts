/**
 * What resolving and checking the tenant of one request costs, by the place that names it. Run:
 * `node build/native-bench/resolve-tenant.js`.
 */
import type { TenantRule } from '../src/tenants/compile-tenant.ts'
import { TenantResolver } from '../src/tenants/resolve-tenant.ts'
import { parseTenantId, type Tenant } from '../src/tenants/tenant.ts'
import { checkTenant, TenantRegistry } from '../src/tenants/tenant-registry.ts'
import { type BenchCase, runBench } from './bench.ts'

const TENANTS = 1_000
const RULES: readonly TenantRule[] = [
  { from: 'subdomain', pattern: '{tenant}.api.example.com' },
  { from: 'path', pattern: '/tenants/{tenant}/*' },
  { from: 'header', name: 'x-tenant-id' },
  { from: 'claim' },
]
const OTHERS = ['host', 'a', 'user-agent', 'b', 'accept', '*/*', 'connection', 'keep-alive']

const tenants: Tenant[] = Array.from({ length: TENANTS }, (_, index) => ({
  kind: 'tenant',
  id: parseTenantId(`tenant-${index}`) ?? raise(),
  status: 'active',
  plan: null,
  issuers: [],
  allowedOrigins: [],
  allowFrom: [],
  denyFrom: [],
  rate: null,
  upstream: null,
}))

function raise(): never {
  throw new Error('not a tenant name')
}

const resolver = new TenantResolver(RULES)
const registry = new TenantRegistry([], tenants)
const withHeader = [...OTHERS, 'x-tenant-id', 'tenant-500']

let sink: unknown = null

function resolving(
  name: string,
  host: string,
  path: string,
  headers: readonly string[],
): BenchCase {
  return {
    name,
    timesPerRound: 100_000,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        sink = checkTenant(resolver.resolve(host, path, headers), registry, false)
      }
    },
  }
}

await runBench('CPU for resolving and checking the tenant of one request', [
  resolving('none', 'api.example.com', '/users/1', OTHERS),
  resolving('subdomain', 'tenant-500.api.example.com', '/users/1', OTHERS),
  resolving('path', 'api.example.com', '/tenants/tenant-500/users/1', OTHERS),
  resolving('header', 'api.example.com', '/users/1', withHeader),
  resolving('all three', 'tenant-500.api.example.com', '/tenants/tenant-500/users/1', withHeader),
])
if (sink === undefined) console.log('no result')
