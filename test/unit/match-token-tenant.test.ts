/** The tenant of a request against the tenant of the credential that it carries. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Identity } from '../../src/protocol/verification.ts'
import type { TenantRule } from '../../src/tenants/compile-tenant.ts'
import {
  matchTokenTenant,
  subjectDigest,
  type TenantPolicy,
} from '../../src/tenants/match-token-tenant.ts'
import { TenantResolver } from '../../src/tenants/resolve-tenant.ts'
import { checkTenant, TenantRegistry } from '../../src/tenants/tenant-registry.ts'
import { changeOf, identityOf, MAIN, outcomeOf, PARTNER, tenant } from '../support/tenants.ts'

const POLICY: TenantPolicy = { required: true, readsClaim: false, allowTokensWithoutTenant: false }
const ACME = tenant('acme')
const GLOBEX = tenant('globex')
const CLOSED = tenant('closed', { status: 'suspended' })
const registry = new TenantRegistry([MAIN, PARTNER], [ACME, GLOBEX, CLOSED])

const match = (claim: string | null, policy: Partial<TenantPolicy> = {}, part = {}) =>
  matchTokenTenant(ACME, identityOf({ tenant: claim, ...part }), registry, { ...POLICY, ...policy })

describe('the tenant of a request and that of its token', () => {
  const SOURCES: Record<string, TenantRule> = {
    subdomain: { from: 'subdomain', pattern: '{tenant}.api.example.com' },
    path: { from: 'path', pattern: '/tenants/{tenant}/*' },
    header: { from: 'header', name: 'x-tenant-id' },
    claim: { from: 'claim' },
  }
  const CLAIMS: Record<string, string | null> = {
    same: 'acme',
    other: 'globex',
    absent: null,
    unknown: 'initech',
  }
  const EXPECTED: Record<string, Record<string, string>> = {
    subdomain: row('acme', 'tenant_mismatch', 'tenant_mismatch', 'tenant_mismatch'),
    path: row('acme', 'tenant_mismatch', 'tenant_mismatch', 'tenant_mismatch'),
    header: row('acme', 'tenant_mismatch', 'tenant_mismatch', 'tenant_mismatch'),
    // Nothing to differ from: the token names the tenant.
    claim: row('acme', 'globex', 'tenant_not_identified', 'tenant_not_found'),
  }

  function row(same: string, other: string, absent: string, unknown: string) {
    return { same, other, absent, unknown }
  }

  for (const [source, rule] of Object.entries(SOURCES)) {
    for (const [state, claim] of Object.entries(CLAIMS)) {
      const expected = EXPECTED[source]?.[state] ?? 'missing'
      it(`named by ${source}, claim ${state}: ${expected}`, () => {
        const resolver = new TenantResolver([rule])
        const requested = resolver.resolve(
          source === 'subdomain' ? 'acme.api.example.com' : 'api.example.com',
          source === 'path' ? '/tenants/acme/x' : '/x',
          source === 'header' ? ['x-tenant-id', 'acme'] : [],
        )
        const judged = checkTenant(requested, registry, !resolver.readsClaim)
        assert.ok(judged?.kind !== 'refused')
        const policy = { ...POLICY, readsClaim: resolver.readsClaim }
        const matched = matchTokenTenant(judged, identityOf({ tenant: claim }), registry, policy)
        assert.equal(outcomeOf(matched), expected)
      })
    }
  }
})

describe('the claim of a token', () => {
  it('equals the tenant in every code unit, so that no look-alike does', () => {
    const fullWidth = 'ａｃｍｅ'
    for (const claim of [
      'ACME',
      'acme ',
      ' acme',
      'аcme',
      'acme\u200b',
      fullWidth,
      'acmé',
      'acm',
    ]) {
      assert.equal(outcomeOf(match(claim)), 'tenant_mismatch', claim)
    }
    assert.deepEqual(match('acme'), ACME)
  })

  it('is judged like any tenant when it is what names the tenant', () => {
    const judge = (claim: string | null, required: boolean) => {
      const policy = { ...POLICY, required, readsClaim: true }
      return outcomeOf(matchTokenTenant(null, identityOf({ tenant: claim }), registry, policy))
    }
    assert.equal(judge('acme', true), 'acme')
    assert.equal(judge('closed', false), 'tenant_suspended')
    assert.equal(judge('ACME', false), 'tenant_not_found')
    assert.equal(judge('__proto__', false), 'tenant_not_found')
    assert.equal(judge(null, false), null)
    assert.equal(judge(null, true), 'tenant_not_identified')
  })

  it('names no tenant where it is not a source', () => {
    const policy = { ...POLICY, required: false }
    const identity = identityOf({ tenant: 'acme' })
    assert.equal(matchTokenTenant(null, identity, registry, policy), null)
    const required = matchTokenTenant(null, identity, registry, POLICY)
    assert.equal(outcomeOf(required), 'tenant_not_identified')
  })
})

describe('a token without a tenant', () => {
  const own = tenant('own', { issuers: ['partner'] })
  const sharing = [
    tenant('one', { issuers: ['main'] }),
    tenant('two', { issuers: ['main'], status: 'suspended' }),
  ]
  const listing = new TenantRegistry([MAIN, PARTNER], [own, ...sharing, ACME])
  const without = (at: typeof own, issuer: string, policy: Partial<TenantPolicy> = {}) =>
    outcomeOf(matchTokenTenant(at, identityOf({ issuer }), listing, { ...POLICY, ...policy }))

  it('passes where its issuer belongs to that tenant alone', () => {
    assert.equal(without(own, PARTNER.issuer), 'own')
  })

  it('does not pass where the issuer is shared, listed by another tenant, or by none', () => {
    assert.equal(without(sharing[0] ?? own, MAIN.issuer), 'tenant_mismatch')
    assert.equal(without(ACME, PARTNER.issuer), 'tenant_mismatch')
    assert.equal(without(ACME, MAIN.issuer), 'tenant_mismatch')
    assert.equal(outcomeOf(match(null)), 'tenant_mismatch')
  })

  it('does not pass where its issuer is one of several by a placeholder', () => {
    const issuer = 'https://login.example.com/{tenantid}'
    const at = (values: readonly string[] | null) => {
      const placeholder = { claim: 'tid', values }
      const alone = new TenantRegistry([{ name: 'partner', issuer, placeholder }], [own])
      const identity = identityOf({ issuer: 'https://login.example.com/contoso' })
      return outcomeOf(matchTokenTenant(own, identity, alone, POLICY))
    }
    assert.equal(at(null), 'tenant_mismatch')
    assert.equal(at(['contoso', 'fabrikam']), 'tenant_mismatch')
    assert.equal(at(['contoso']), 'own')
    assert.equal(at(['fabrikam']), 'tenant_mismatch')
  })

  it('passes where the configuration says so, but not from a foreign issuer', () => {
    const lenient = { allowTokensWithoutTenant: true }
    assert.equal(without(ACME, MAIN.issuer, lenient), 'acme')
    assert.equal(without(sharing[0] ?? own, MAIN.issuer, lenient), 'one')
    assert.equal(without(own, MAIN.issuer, lenient), 'tenant_mismatch')
    assert.equal(outcomeOf(match('globex', lenient)), 'tenant_mismatch')
  })
})

describe('a tenant that lists its issuers', () => {
  const own = tenant('own', { issuers: ['partner'] })
  const listing = new TenantRegistry([MAIN, PARTNER], [own])
  const policy = { ...POLICY, readsClaim: true }

  it('refuses the tokens of others, though they name it', () => {
    const foreign = identityOf({ tenant: 'own' })
    assert.equal(outcomeOf(matchTokenTenant(own, foreign, listing, POLICY)), 'tenant_mismatch')
    assert.equal(outcomeOf(matchTokenTenant(null, foreign, listing, policy)), 'tenant_mismatch')
    const good = identityOf({ tenant: 'own', issuer: PARTNER.issuer })
    assert.equal(matchTokenTenant(null, good, listing, policy), own)
  })

  it('takes a session or an API key that names it, which no issuer has issued', () => {
    const session = (claim: string | null): Identity => identityOf({ tenant: claim, issuer: '' })
    assert.equal(matchTokenTenant(own, session('own'), listing, POLICY), own)
    assert.equal(
      outcomeOf(matchTokenTenant(own, session(null), listing, POLICY)),
      'tenant_mismatch',
    )
    const unknown = session('globex')
    assert.equal(outcomeOf(matchTokenTenant(own, unknown, listing, POLICY)), 'tenant_mismatch')
  })
})

describe('a registry that changes while a token is being verified', () => {
  it('decides by what it says at the end', () => {
    const changing = new TenantRegistry([MAIN], [ACME])
    const identity = identityOf({ tenant: 'acme' })
    const renewed = tenant('acme', { plan: 'free' })
    changing.apply(changeOf({ tenants: [renewed] }))
    assert.deepEqual(matchTokenTenant(ACME, identity, changing, POLICY), renewed)
    changing.apply(changeOf({ tenants: [tenant('acme', { status: 'suspended' })] }))
    const suspended = matchTokenTenant(ACME, identity, changing, POLICY)
    assert.equal(outcomeOf(suspended), 'tenant_suspended')
    changing.apply(changeOf({ gone: [ACME.id] }))
    assert.equal(outcomeOf(matchTokenTenant(ACME, identity, changing, POLICY)), 'tenant_not_found')
  })
})

describe('what is told of an attempt to cross tenants', () => {
  const told = (claim: string | null, part: Partial<Identity> = {}) => {
    const matched = match(claim, {}, part)
    assert.ok(matched !== null && 'requestTenant' in matched)
    return [matched.reason, matched.requestTenant, matched.tokenTenant]
  }

  it('names both tenants, and none that a token made up', () => {
    assert.deepEqual(told('globex'), ['tenant_of_another', 'acme', 'globex'])
    assert.deepEqual(told('closed'), ['tenant_of_another', 'acme', 'closed'])
    assert.deepEqual(told('made up\n'), ['tenant_of_another', 'acme', null])
    assert.deepEqual(told(null), ['tenant_claim_absent', 'acme', null])
    const own = tenant('own', { issuers: ['partner'] })
    const listing = new TenantRegistry([MAIN, PARTNER], [own])
    const matched = matchTokenTenant(own, identityOf({ tenant: 'own' }), listing, POLICY)
    assert.ok(matched !== null && 'requestTenant' in matched)
    assert.equal(matched.reason, 'tenant_issuer_foreign')
    assert.equal(matched.tokenTenant, 'own')
  })

  it('names the subject by a digest that is different for each issuer', () => {
    const digests = [
      identityOf(),
      identityOf({ issuer: PARTNER.issuer }),
      identityOf({ subject: 'bob' }),
      identityOf({ issuer: '', subject: `${MAIN.issuer}alice` }),
    ].map(subjectDigest)
    assert.equal(new Set(digests).size, digests.length)
    for (const digest of digests) assert.match(digest, /^[0-9a-f]{64}$/)
    assert.equal(subjectDigest(identityOf({ tenant: 'x' })), digests[0])
  })
})
