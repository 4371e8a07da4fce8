/** Every way to name a tenant at once, against a model that is slow and obvious. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { TenantRule } from '../../src/tenants/compile-tenant.ts'
import { matchTokenTenant } from '../../src/tenants/match-token-tenant.ts'
import { TenantResolver } from '../../src/tenants/resolve-tenant.ts'
import { type Tenant, tenantIdBetween } from '../../src/tenants/tenant.ts'
import { parseTenantName } from '../../src/tenants/tenant-grammar.ts'
import { checkTenant, TenantRegistry } from '../../src/tenants/tenant-registry.ts'
import { identityOf, MAIN, outcomeOf, PARTNER, tenant } from '../support/tenants.ts'

const RULES: readonly TenantRule[] = [
  { from: 'subdomain', pattern: '{tenant}.x.test' },
  { from: 'path', pattern: '/t/{tenant}/*' },
  { from: 'header', name: 'x-tenant-id' },
  { from: 'claim' },
]

/** What may stand where a name belongs: tenants, one that is unknown, and names that are none. */
const anyName = fc.constantFrom('a', 'a', 'ab', 'b', 'gone', 'A', '', 'a.b', 'a;b')

interface Situation {
  readonly rules: readonly TenantRule[]
  readonly required: boolean
  readonly allowTokensWithoutTenant: boolean
  readonly subdomain: string | null
  readonly segment: string | null
  readonly headers: readonly string[]
  readonly claim: string | null
  readonly issuer: string
  readonly tenants: readonly Tenant[]
}

const anyTenant = (name: string) =>
  fc
    .record({
      status: fc.constantFrom('active', 'active', 'active', 'suspended'),
      issuers: fc.subarray(['main', 'partner', 'unknown']),
    })
    .map((part) => tenant(name, part))

const anySituation: fc.Arbitrary<Situation> = fc.record({
  rules: fc.shuffledSubarray([...RULES]),
  required: fc.boolean(),
  allowTokensWithoutTenant: fc.boolean(),
  subdomain: fc.option(anyName, { freq: 2 }),
  segment: fc.option(anyName, { freq: 2 }),
  headers: fc.array(anyName, { maxLength: 2 }),
  claim: fc.option(fc.constantFrom('a', 'a', 'ab', 'b', 'gone', 'A', 'а')),
  issuer: fc.constantFrom(MAIN.issuer, PARTNER.issuer, ''),
  tenants: fc.tuple(anyTenant('a'), anyTenant('ab'), anyTenant('b')),
})

/** What the gateway does with these parts, in its order. */
function decide(situation: Situation): string | null {
  const resolver = new TenantResolver(situation.rules)
  const registry = new TenantRegistry([MAIN, PARTNER], situation.tenants)
  const { required, allowTokensWithoutTenant, claim, issuer } = situation
  const requested = resolver.resolve(
    situation.subdomain === null ? 'x.test' : `${situation.subdomain}.x.test`,
    situation.segment === null ? '/public' : `/t/${situation.segment}/rest`.replace('//', '/'),
    ['host', 'x.test', ...situation.headers.flatMap((value) => ['x-tenant-id', value])],
  )
  const judged = checkTenant(requested, registry, required && !resolver.readsClaim)
  if (judged !== null && 'code' in judged) return judged.code
  const policy = { required, allowTokensWithoutTenant, readsClaim: resolver.readsClaim }
  return outcomeOf(
    matchTokenTenant(judged, identityOf({ tenant: claim, issuer }), registry, policy),
  )
}

/** The specification, read aloud. */
function expected(situation: Situation): string | null {
  const inRequest = expectedOfRequest(situation)
  if (inRequest.code !== null) return inRequest.code
  const mayClaim = situation.rules.some(({ from }) => from === 'claim')
  const name = inRequest.name ?? (mayClaim ? situation.claim : null)
  if (name === null) return situation.required ? 'tenant_not_identified' : null
  const found = situation.tenants.find(({ id }) => id === name)
  if (found === undefined) return 'tenant_not_found'
  if (found.status === 'suspended') return 'tenant_suspended'
  return isForTenant(situation, found) ? name : 'tenant_mismatch'
}

function expectedOfRequest(situation: Situation) {
  let name: string | null = null
  for (const { from } of situation.rules) {
    const named = namesFrom(situation, from)
    if (named.length > 1) return { name, code: 'invalid_request' }
    const next: string | null = named[0] ?? name
    if (next !== null && !/^[a-z0-9][a-z0-9_-]*$/.test(next)) {
      return { name, code: 'tenant_not_found' }
    }
    if (name !== null && name !== next) return { name, code: 'invalid_request' }
    name = next
  }
  return { name, code: null }
}

function namesFrom(situation: Situation, from: TenantRule['from']): readonly string[] {
  if (from === 'header') return situation.headers
  // `/t//rest` does not reach the resolver; what stands there then is `rest`.
  const segment = situation.segment === '' ? 'rest' : situation.segment
  const name = from === 'subdomain' ? situation.subdomain : segment
  return from === 'claim' || name === null ? [] : [name]
}

function isForTenant({ claim, issuer, tenants, ...rest }: Situation, { id, issuers }: Tenant) {
  const name = { [MAIN.issuer]: 'main', [PARTNER.issuer]: 'partner' }[issuer]
  const isListed = name !== undefined && issuers.includes(name)
  if (name !== undefined && issuers.length > 0 && !isListed) return false
  if (claim !== null) return claim === id
  const listing = tenants.filter((other) => name !== undefined && other.issuers.includes(name))
  return rest.allowTokensWithoutTenant || (isListed && listing.length === 1)
}

describe('the tenant of any request with any token', () => {
  it('is what the specification says', () => {
    const seen = new Set<string | null>()
    fc.assert(
      fc.property(anySituation, (situation) => {
        const outcome = decide(situation)
        seen.add(outcome)
        assert.equal(outcome, expected(situation))
      }),
      { numRuns: 10_000 },
    )
    const codes = ['not_found', 'suspended', 'not_identified', 'mismatch']
    const all = ['invalid_request', null, 'a', 'ab', 'b', ...codes.map((code) => `tenant_${code}`)]
    assert.deepEqual([...seen].map(String).sort(), all.map(String).sort())
  })

  it('is never another one than the token names, nor one that any place of the request denies', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const outcome = decide(situation)
        if (outcome === null || outcome.length > 2) return
        if (situation.claim !== null) assert.equal(outcome, situation.claim)
        for (const { from } of situation.rules) {
          for (const name of namesFrom(situation, from)) assert.equal(outcome, name)
        }
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('the scanner for tenant names', () => {
  it('takes exactly what the configuration takes, wherever it stands in a text', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...Array.from('az09_-A.%é')), maxLength: 70 }),
      fc.string({ unit: fc.constantFrom('a', '-'), minLength: 60, maxLength: 66 }),
    )
    fc.assert(
      fc.property(anyText, anyText, anyText, (before, name, behind) => {
        const start = before.length
        const found = tenantIdBetween(before + name + behind, start, start + name.length)
        assert.equal(found, parseTenantName(name))
      }),
      { numRuns: 5_000 },
    )
  })
})
