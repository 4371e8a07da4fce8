import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refuse } from '../../src/protocol/verification.ts'
import { judgeTenant, TENANTS_MAX, TenantRegistry } from '../../src/tenants/tenant-registry.ts'
import { MAIN, outcomeOf, PARTNER, tenant, tenantId } from '../support/tenants.ts'

const ISSUERS = [MAIN, PARTNER]
const ACME = tenant('acme', { issuers: ['main'] })
const GLOBEX = tenant('globex', { status: 'suspended' })

describe('the registry of tenants', () => {
  it('finds a tenant by exactly its name', () => {
    const registry = new TenantRegistry(ISSUERS, [ACME, GLOBEX])
    assert.equal(registry.find('acme'), ACME)
    for (const name of ['ACME', 'acme ', '', 'аcme', '__proto__', 'constructor']) {
      assert.equal(registry.find(name), null, name)
    }
  })

  it('replaces all tenants at once', () => {
    const registry = new TenantRegistry(ISSUERS, [ACME, GLOBEX])
    assert.equal(registry.replace([tenant('acme', { status: 'suspended' })]), true)
    assert.equal(registry.find('acme')?.status, 'suspended')
    assert.equal(registry.find('globex'), null)
    assert.equal(registry.size, 1)
    assert.equal(registry.ownsIssuer(ACME, MAIN.issuer), false)
  })

  it('keeps what it has when it is given too much, or one tenant twice', () => {
    const registry = new TenantRegistry(ISSUERS, [ACME])
    const many = Array.from({ length: TENANTS_MAX + 1 }, (_, index) => tenant(`t${index}`))
    assert.equal(registry.replace(many), false)
    assert.equal(registry.replace([GLOBEX, tenant('globex')]), false)
    assert.equal(registry.find('acme'), ACME)
    assert.equal(registry.find('globex'), null)
    assert.equal(registry.ownsIssuer(ACME, MAIN.issuer), true)
    assert.equal(registry.replace(many.slice(1)), true)
  })
})

describe('the issuers of a tenant', () => {
  const open = tenant('open')
  const lost = tenant('lost', { issuers: ['nobody'] })

  it('are those it lists, or any when it lists none', () => {
    const registry = new TenantRegistry(ISSUERS, [ACME, open, lost])
    assert.equal(registry.acceptsIssuer(ACME, MAIN.issuer), true)
    assert.equal(registry.acceptsIssuer(ACME, PARTNER.issuer), false)
    assert.equal(registry.acceptsIssuer(open, PARTNER.issuer), true)
    for (const issuer of [MAIN.issuer, 'nobody', 'main', '']) {
      assert.equal(registry.acceptsIssuer(lost, issuer), false, issuer)
    }
  })

  it('belong to a tenant only as long as no other one lists them, suspended or not', () => {
    const twice = tenant('acme', { issuers: ['main', 'main'] })
    const registry = new TenantRegistry(ISSUERS, [twice, open])
    assert.equal(registry.ownsIssuer(twice, MAIN.issuer), true)
    assert.equal(registry.ownsIssuer(open, MAIN.issuer), false)
    assert.equal(registry.ownsIssuer(open, PARTNER.issuer), false)
    const rivals = [tenant('x', { issuers: ['main'], status: 'suspended' }), tenant('y')]
    assert.equal(registry.replace([twice, ...rivals, tenant('z', { issuers: ['main'] })]), true)
    assert.equal(registry.ownsIssuer(twice, MAIN.issuer), false)
    assert.equal(registry.ownsIssuer(rivals[0] ?? twice, MAIN.issuer), false)
  })
})

describe('the judgement of the tenant that a request names', () => {
  const registry = new TenantRegistry(ISSUERS, [ACME, GLOBEX])

  it('is the tenant when it is active, required or not', () => {
    assert.equal(judgeTenant(tenantId('acme'), registry, true), ACME)
    assert.equal(judgeTenant(tenantId('acme'), registry, false), ACME)
  })

  it('says not found of an unknown one and suspended of a suspended one, required or not', () => {
    for (const isRequired of [true, false]) {
      const unknown = judgeTenant(tenantId('initech'), registry, isRequired)
      assert.equal(outcomeOf(unknown), 'tenant_not_found')
      const suspended = judgeTenant(tenantId('globex'), registry, isRequired)
      assert.equal(outcomeOf(suspended), 'tenant_suspended')
    }
  })

  it('says not identified of none, where one is required', () => {
    assert.equal(outcomeOf(judgeTenant(null, registry, true)), 'tenant_not_identified')
    assert.equal(judgeTenant(null, registry, false), null)
  })

  it('leaves a refused request refused', () => {
    const refused = refuse('invalid_request')
    assert.equal(judgeTenant(refused, registry, false), refused)
  })
})
