import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { TENANT_ISSUERS, tenantToken } from '../support/tenant-issuers.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const TENANTS = ['acme', 'globex', 'umbrella'] as const
const CLAIMS = [...TENANTS, null] as const
const SUBJECTS = ['alice', 'bob'] as const

interface Step {
  /** `null`: the request names no tenant. */
  readonly tenant: (typeof TENANTS)[number] | null
  readonly claim: (typeof CLAIMS)[number]
  readonly subject: (typeof SUBJECTS)[number]
}

/** What the specification says of one request by itself, whatever came before. */
function expected({ tenant, claim }: Step): string {
  if (tenant === null) return claim === null ? '400 tenant_not_identified' : 'passed'
  return tenant === claim ? 'passed' : '403 tenant_mismatch'
}

const step: fc.Arbitrary<Step> = fc.record({
  tenant: fc.constantFrom(...TENANTS, null),
  claim: fc.constantFrom(...CLAIMS),
  subject: fc.constantFrom(...SUBJECTS),
})

describe('the tenant boundary', () => {
  let gateway: TestGateway
  const tokens = new Map<string, string>()
  before(async () => {
    gateway = await openGateway({
      issuers: TENANT_ISSUERS,
      tenants: {
        resolve: [{ from: 'header', name: 'X-Tenant-Id' }, { from: 'claim' }],
        registry: Object.fromEntries(TENANTS.map((name) => [name, { issuers: ['main'] }])),
      },
      routes: { '/*': { authenticate: ['jwt'] } },
    })
    for (const claim of CLAIMS) {
      for (const subject of SUBJECTS) {
        tokens.set(`${claim} ${subject}`, await tenantToken(claim, 'main', subject))
      }
    }
  })
  after(async () => gateway.stop())

  it('lets no decision for one tenant serve another, in whatever order requests come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        // Several at once, over both threads and their one cache.
        await Promise.all(
          steps.map(async (each) => {
            const { tenant, claim, subject } = each
            const authorization = `Bearer ${tokens.get(`${claim} ${subject}`)}`
            const named = tenant === null ? {} : { 'x-tenant-id': tenant }
            const reply = await gateway.ask('/x', { authorization, ...named })
            assert.equal(outcomeOf(reply), expected(each), JSON.stringify(each))
            if (reply.status !== 200) return
            assert.equal(upstreamField(reply, 'x-tenant-id'), tenant ?? claim)
            assert.equal(upstreamField(reply, 'x-user-id'), subject)
          }),
        )
      }),
      { numRuns: 40 },
    )
  })
})
