/** What routes require beyond scopes and roles, and what tenants change about a route. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { TENANT_ISSUERS, tenantToken } from '../support/tenant-issuers.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream } from '../support/upstream-servers.ts'

describe('requirements on claims and issuers', () => {
  let gateway: TestGateway
  before(async () => {
    const claim = (rule: object) => ({ require: { claims: [{ claim: 'tenant', ...rule }] } })
    gateway = await openGateway({
      issuers: TENANT_ISSUERS,
      routes: {
        '/equals/*': claim({ equals: 'acme' }),
        '/oneof/*': claim({ oneOf: ['acme', 'globex'] }),
        '/matches/*': claim({ matches: 'ac*' }),
        '/issuers/*': { require: { issuers: ['own'] } },
      },
    })
  })
  after(async () => gateway.stop())

  const ask = async (path: string, tenant: string, issuer: 'main' | 'own' = 'main') => {
    const authorization = `Bearer ${await tenantToken(tenant, issuer)}`
    return outcomeOf(await gateway.ask(path, { authorization }))
  }

  const cases = [
    ['/equals/', 'acme', 'globex'],
    ['/oneof/', 'globex', 'initech'],
    ['/matches/', 'acropolis', 'globex'],
  ] as const
  for (const [path, good, bad] of cases) {
    it(`let pass a caller that satisfies ${path}, and no other`, async () => {
      assert.equal(await ask(path, good), 'passed')
      assert.equal(await ask(path, bad), '403 insufficient_scope')
    })
  }

  it('are about the issuer of the token, not only its claims', async () => {
    assert.equal(await ask('/issuers/', 'acme', 'own'), 'passed')
    assert.equal(await ask('/issuers/', 'acme', 'main'), '403 insufficient_scope')
  })
})

describe('what a tenant has of its own', () => {
  const shared = { origin: '', requests: () => 0 }
  const own = { origin: '', requests: () => 0 }
  const closing: (() => Promise<void>)[] = []
  let gateway: TestGateway
  before(async () => {
    for (const place of [shared, own]) {
      const upstream = await startEchoUpstream()
      place.origin = upstream.origin
      place.requests = () => upstream.requests
      closing.push(() => upstream.close())
    }
    gateway = await openGateway({
      issuers: TENANT_ISSUERS,
      sessions: { store: 'memory' },
      upstream: shared.origin,
      upstreams: { own: { targets: [own.origin] } },
      tenants: {
        resolve: [{ from: 'header' }],
        registry: {
          acme: {
            plan: 'enterprise',
            upstream: 'own',
            allowedOrigins: ['https://acme.example.com'],
          },
          globex: { allowedOrigins: ['https://globex.example.com'] },
        },
      },
      routes: { '/*': { authenticate: ['jwt', 'session'] } },
    })
  })
  after(async () => {
    await gateway.stop()
    for (const close of closing) await close()
  })

  it('is served by its upstream, which hears of the plan', async () => {
    for (const [tenant, upstream, plan] of [
      ['acme', own, 'enterprise'],
      ['globex', shared, null],
    ] as const) {
      const authorization = `Bearer ${await tenantToken(tenant)}`
      const before = upstream.requests()
      const reply = await gateway.ask('/x', {
        authorization,
        'x-tenant-id': tenant,
        'x-tenant-plan': 'of my own making',
      })
      assert.equal(outcomeOf(reply), 'passed')
      assert.equal(upstream.requests(), before + 1)
      assert.equal(upstreamField(reply, 'x-tenant-plan'), plan)
    }
  })

  it('lets pages of its own sites send what changes something, and none of another tenant', async () => {
    const response = await fetch(`${gateway.adminOrigin}/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userId: 'alice', tenantId: 'acme' }),
    })
    const { id } = (await response.json()) as { readonly id: string }
    const post = async (origin: string) => {
      const headers = { cookie: `__Host-sid=${id}`, 'x-tenant-id': 'acme', origin }
      return outcomeOf(await gateway.ask('/x', headers, 'POST'))
    }
    assert.equal(await post('https://acme.example.com'), 'passed')
    assert.equal(await post('https://globex.example.com'), '403 csrf_rejected')
  })
})
