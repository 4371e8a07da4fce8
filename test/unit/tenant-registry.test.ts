import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refuse } from '../../src/protocol/verification.ts'
import { checkTenant, TenantRegistry } from '../../src/tenants/tenant-registry.ts'
import { changeOf, MAIN, outcomeOf, PARTNER, tenant, tenantId } from '../support/tenants.ts'

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

  it('changes what a change names, and leaves everything else as it is', () => {
    const registry = new TenantRegistry(ISSUERS, [ACME, GLOBEX])
    registry.apply(changeOf({ tenants: [tenant('acme', { status: 'suspended' })] }))
    assert.equal(registry.find('acme')?.status, 'suspended')
    assert.equal(registry.find('globex')?.status, 'suspended')
    assert.equal(registry.ownsIssuer(ACME, MAIN.issuer), false)
    registry.apply(changeOf({ gone: [tenantId('globex')] }))
    assert.equal(registry.find('globex'), null)
    assert.equal(registry.size, 1)
  })

  it('takes no name for unknown as long as some are not known', () => {
    const registry = new TenantRegistry(ISSUERS, [])
    registry.apply(changeOf({ tenants: [ACME], isComplete: false }))
    assert.equal(registry.isUndecided('initech'), true)
    registry.apply(changeOf({}))
    assert.equal(registry.isUndecided('initech'), false)
    assert.equal(registry.find('acme'), ACME)
  })

  it('leaves undecided a tenant whose record cannot be read, and no other', () => {
    const registry = new TenantRegistry(ISSUERS, [ACME, GLOBEX])
    registry.apply(changeOf({ unreadable: [{ name: tenantId('globex'), mayList: [] }] }))
    assert.equal(registry.find('globex'), null)
    assert.equal(registry.isUndecided('globex'), true)
    assert.equal(registry.isUndecided('initech'), false)
    registry.apply(changeOf({ tenants: [GLOBEX] }))
    assert.equal(registry.isUndecided('globex'), false)
  })
})

describe('the issuers of a tenant', () => {
  const open = tenant('open')
  const lost = tenant('lost', { issuers: ['unknown'] })

  it('are those it lists, or any when it lists none', () => {
    const registry = new TenantRegistry(ISSUERS, [ACME, open, lost])
    assert.equal(registry.acceptsIssuer(ACME, MAIN.issuer), true)
    assert.equal(registry.acceptsIssuer(ACME, PARTNER.issuer), false)
    assert.equal(registry.acceptsIssuer(open, PARTNER.issuer), true)
    for (const issuer of [MAIN.issuer, 'unknown', 'main', '']) {
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
    registry.apply(changeOf({ tenants: [...rivals, tenant('z', { issuers: ['main'] })] }))
    assert.equal(registry.ownsIssuer(twice, MAIN.issuer), false)
    assert.equal(registry.ownsIssuer(rivals[0] ?? twice, MAIN.issuer), false)
    registry.apply(changeOf({ gone: [tenantId('x'), tenantId('z')] }))
    assert.equal(registry.ownsIssuer(twice, MAIN.issuer), true)
  })

  it('may be listed elsewhere only where a record that cannot be read may list them', () => {
    const registry = new TenantRegistry(ISSUERS, [ACME])
    registry.apply(changeOf({ unreadable: [{ name: tenantId('x'), mayList: ['partner'] }] }))
    assert.equal(registry.mayBeListedElsewhere(MAIN.issuer), false)
    assert.equal(registry.mayBeListedElsewhere(PARTNER.issuer), true)
    registry.apply(changeOf({ gone: [tenantId('x')] }))
    assert.equal(registry.mayBeListedElsewhere(PARTNER.issuer), false)
    registry.apply(changeOf({ isComplete: false }))
    assert.equal(registry.mayBeListedElsewhere(MAIN.issuer), true)
  })
})

describe('an issuer with a placeholder', () => {
  const issuer = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  const contoso = issuer.replace('{tenantid}', 'contoso')
  const owner = tenant('owner', { issuers: ['entra'] })
  const registryWith = (values: readonly string[] | null) =>
    new TenantRegistry([{ name: 'entra', issuer, placeholder: { claim: 'tid', values } }], [owner])

  it('is accepted by the tenants that list it, whatever stands in its place', () => {
    const registry = registryWith(['contoso', 'fabrikam'])
    assert.equal(registry.acceptsIssuer(owner, contoso), true)
    assert.equal(registry.acceptsIssuer(owner, contoso.replace('contoso', 'northwind')), false)
    assert.equal(registry.acceptsIssuer(owner, issuer), false)
  })

  it('is not owned by the tenant that alone lists it, if it stands for several', () => {
    assert.equal(registryWith(['contoso', 'fabrikam']).ownsIssuer(owner, contoso), false)
    assert.equal(registryWith(null).ownsIssuer(owner, contoso), false)
    assert.equal(registryWith(['contoso']).ownsIssuer(owner, contoso), true)
  })
})

describe('the judgement of the tenant that a request names', () => {
  const registry = new TenantRegistry(ISSUERS, [ACME, GLOBEX])

  it('is the tenant when it is active, required or not', () => {
    assert.equal(checkTenant(tenantId('acme'), registry, true), ACME)
    assert.equal(checkTenant(tenantId('acme'), registry, false), ACME)
  })

  it('says not found of an unknown one and suspended of a suspended one, required or not', () => {
    for (const isRequired of [true, false]) {
      const unknown = checkTenant(tenantId('initech'), registry, isRequired)
      assert.equal(outcomeOf(unknown), 'tenant_not_found')
      const suspended = checkTenant(tenantId('globex'), registry, isRequired)
      assert.equal(outcomeOf(suspended), 'tenant_suspended')
    }
  })

  it('says not identified of none, where one is required', () => {
    assert.equal(outcomeOf(checkTenant(null, registry, true)), 'tenant_not_identified')
    assert.equal(checkTenant(null, registry, false), null)
  })

  it('leaves a refused request refused', () => {
    const refused = refuse('tenant_contradictory')
    assert.equal(checkTenant(refused, registry, false), refused)
  })
})
