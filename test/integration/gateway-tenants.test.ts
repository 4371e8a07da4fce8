import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { RedisServer } from '../support/redis-server.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { TENANT_ISSUERS, tenantToken } from '../support/tenant-issuers.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const JWT = { authenticate: ['jwt'] }

const TENANTS = {
  resolve: [
    { from: 'subdomain', pattern: '{tenant}.api.test' },
    { from: 'path', pattern: '/tenants/{tenant}/*' },
    { from: 'header', name: 'X-Tenant-Id' },
    { from: 'claim' },
  ],
  registry: {
    acme: { plan: 'enterprise', issuers: ['main'] },
    globex: { issuers: ['main', 'own'] },
    initech: { status: 'suspended', issuers: ['main'] },
  },
}

type Source = 'subdomain' | 'path' | 'header' | 'claim'

/** A request that names the tenant in this place. */
function naming(source: Source, tenant: string): [string, Record<string, string>] {
  if (source === 'subdomain') return ['/x', { host: `${tenant}.api.test` }]
  if (source === 'path') return [`/tenants/${tenant}/x`, {}]
  if (source === 'header') return ['/x', { 'x-tenant-id': tenant }]
  return ['/x', {}]
}

describe('tenants of requests and tokens', () => {
  let gateway: TestGateway
  before(async () => {
    gateway = await openGateway({
      issuers: TENANT_ISSUERS,
      tenants: TENANTS,
      apiKeys: {
        keys: [
          { sha256: sha256('key-acme'), userId: 'job', tenantId: 'acme' },
          { sha256: sha256('key-none'), userId: 'job' },
        ],
      },
      routes: {
        '/open/*': { authenticate: 'none' },
        '/maybe/*': { authenticate: 'optional' },
        '/free/*': { ...JWT, tenant: 'optional' },
        '/none/*': { ...JWT, tenant: 'none' },
        '/*': { authenticate: ['jwt', 'apiKey'] },
      },
    })
  })
  after(async () => gateway.stop())

  const ask = async (
    [path, headers]: [string, Record<string, string>],
    token: string,
  ): Promise<string> =>
    outcomeOf(await gateway.ask(path, { ...headers, authorization: `Bearer ${token}` }))

  const EXPECTED: Readonly<Record<Source, Readonly<Record<string, string>>>> = {
    subdomain: atAcme('403 tenant_mismatch'),
    path: atAcme('403 tenant_mismatch'),
    header: atAcme('403 tenant_mismatch'),
    // Nothing in the request says otherwise: the claim decides, and must name somebody.
    claim: {
      same: 'passed',
      other: 'passed',
      absent: '400 tenant_not_identified',
      unknown: '404 tenant_not_found',
    },
  }
  const CLAIMS = { same: 'acme', other: 'globex', absent: null, unknown: 'hooli' }

  for (const source of ['subdomain', 'path', 'header', 'claim'] as const) {
    for (const [claim, tenant] of Object.entries(CLAIMS)) {
      it(`judges the claim of ${claim} tenant at a tenant named by ${source}`, async () => {
        const token = await tenantToken(tenant, 'main', `${source} ${claim}`)
        const expected = EXPECTED[source][claim]
        assert.equal(await ask(naming(source, 'acme'), token), expected)
        assert.equal(await ask(naming(source, 'acme'), token), expected, 'from the cache')
      })
    }
  }

  it('refuses a request whose places name different tenants', async () => {
    const token = await tenantToken('acme')
    const request: [string, Record<string, string>] = [
      '/tenants/acme/x',
      { 'x-tenant-id': 'globex' },
    ]
    assert.equal(await ask(request, token), '400 invalid_request')
  })

  it('says of a tenant that it is unknown or suspended before any credential', async () => {
    for (const path of ['/x', '/open/x', '/maybe/x']) {
      const unknown = await gateway.ask(path, { 'x-tenant-id': 'hooli' })
      assert.equal(outcomeOf(unknown), '404 tenant_not_found')
      const suspended = await gateway.ask(path, { 'x-tenant-id': 'initech' })
      assert.equal(outcomeOf(suspended), '403 tenant_suspended')
    }
  })

  it('takes a token without the claim where its issuer is that of one tenant alone', async () => {
    const token = await tenantToken(null, 'own')
    assert.equal(await ask(naming('header', 'globex'), token), 'passed')
    assert.equal(await ask(naming('header', 'acme'), token), '403 tenant_mismatch')
  })

  it('refuses a token of an issuer that the tenant does not list', async () => {
    const token = await tenantToken('acme', 'own')
    assert.equal(await ask(naming('header', 'acme'), token), '403 tenant_mismatch')
  })

  it('needs no tenant on a route that says so, nor on one without authentication', async () => {
    const reply = await gateway.ask('/free/x', {
      authorization: `Bearer ${await tenantToken(null)}`,
    })
    assert.equal(outcomeOf(reply), 'passed')
    const open = await gateway.ask('/open/x', { 'x-tenant-id': 'acme' })
    assert.equal(outcomeOf(open), 'passed')
    assert.equal(upstreamField(open, 'x-tenant-id'), null, 'no credential has confirmed it')
    assert.equal(outcomeOf(await gateway.ask('/maybe/x')), '400 tenant_not_identified')
  })

  it('tells the upstream no tenant that only the credential names, where none is judged', async () => {
    const authorization = `Bearer ${await tenantToken('initech')}`
    const reply = await gateway.ask('/none/x', { authorization })
    assert.equal(outcomeOf(reply), 'passed')
    assert.equal(upstreamField(reply, 'x-tenant-id'), null)
    assert.equal(outcomeOf(await gateway.ask('/free/x', { authorization })), '403 tenant_suspended')
  })

  it('holds API keys to their tenant', async () => {
    const passed = await gateway.ask('/x', { 'x-api-key': 'key-acme', 'x-tenant-id': 'acme' })
    assert.equal(outcomeOf(passed), 'passed')
    const foreign = await gateway.ask('/x', { 'x-api-key': 'key-acme', 'x-tenant-id': 'globex' })
    assert.equal(outcomeOf(foreign), '403 tenant_mismatch')
    const without = await gateway.ask('/x', { 'x-api-key': 'key-none', 'x-tenant-id': 'acme' })
    assert.equal(outcomeOf(without), '403 tenant_mismatch')
  })

  it('reports the attempt with both tenants and without the subject', async () => {
    const token = await tenantToken('globex', 'main', 'mallory')
    await ask(naming('header', 'acme'), token)
    const isIt = (line: Readonly<Record<string, unknown>>) =>
      line['event'] === 'cross_tenant_attempt' && line['credentialTenant'] === 'globex'
    await eventually('the event', () => gateway.log.some(isIt))
    const event = gateway.log.findLast(isIt) ?? {}
    assert.equal(event['requestTenant'], 'acme')
    assert.equal(event['credentialTenant'], 'globex')
    assert.equal(event['reason'], 'tenant_of_another')
    assert.match(String(event['subjectDigest']), /^[0-9a-f]{64}$/)
    assert.ok(!JSON.stringify(event).includes('mallory'))
  })
})

/** What a tenant named in the request makes of the four claims. */
function atAcme(mismatch: string): Readonly<Record<string, string>> {
  return { same: 'passed', other: mismatch, absent: mismatch, unknown: mismatch }
}

describe('tenants in Redis', () => {
  let redis: RedisServer
  let gateways: TestGateway[]
  before(async () => {
    redis = await RedisServer.start()
    const settings = {
      issuers: TENANT_ISSUERS,
      redis: redis.patientSettings,
      tenants: { ...TENANTS, registry: { acme: {} }, redis: true, refreshInterval: '500ms' },
    }
    gateways = [
      await openGateway({ ...settings, routes: { '/*': JWT } }),
      await openGateway({ ...settings, routes: { '/*': JWT } }),
    ]
  })
  after(async () => {
    for (const gateway of gateways) await gateway.stop()
    await redis.stop()
  })

  const outcomes = async (tenant: string): Promise<readonly string[]> => {
    const authorization = `Bearer ${await tenantToken(tenant)}`
    const headers = { authorization, 'x-tenant-id': tenant }
    return Promise.all(gateways.map(async (gateway) => outcomeOf(await gateway.ask('/x', headers))))
  }
  const everywhere = async (tenant: string, outcome: string): Promise<void> => {
    await eventually(`${tenant}: ${outcome}`, async () =>
      (await outcomes(tenant)).every((found) => found === outcome),
    )
  }

  it('come, are suspended and go at all instances', async () => {
    await everywhere('umbrella', '404 tenant_not_found')
    const record = (status: string) => JSON.stringify({ status, plan: 'free' })
    await redis.command('HSET', 'tenants', 'umbrella', record('active'))
    await redis.command('INCR', 'tenants:version')
    await everywhere('umbrella', 'passed')
    await redis.command('HSET', 'tenants', 'umbrella', record('suspended'))
    await redis.command('INCR', 'tenants:version')
    await everywhere('umbrella', '403 tenant_suspended')
    // Without an announcement: by the next reading.
    await redis.command('HDEL', 'tenants', 'umbrella')
    await everywhere('umbrella', '404 tenant_not_found')
  })

  it('never replace one of the file, and are undecided when their record says nothing', async () => {
    await redis.command('HSET', 'tenants', 'acme', JSON.stringify({ status: 'suspended' }))
    await redis.command('HSET', 'tenants', 'stark', '{"status":"active","isuers":["main"]}')
    await everywhere('stark', '503 verifier_unavailable')
    assert.deepEqual(await outcomes('acme'), ['passed', 'passed'])
  })

  it('leave undecided who alone lists an issuer while one may list it that cannot be read', async () => {
    const owner = JSON.stringify({ status: 'active', issuers: ['own'] })
    await redis.command('HSET', 'tenants', 'cyberdyne', owner)
    const authorization = `Bearer ${await tenantToken(null, 'own')}`
    const is = (outcome: string) => async () => {
      const [first] = gateways
      const reply = await first?.ask('/x', { authorization, 'x-tenant-id': 'cyberdyne' })
      return reply !== undefined && outcomeOf(reply) === outcome
    }
    // Another one cannot be read since the last test, but it does not name this issuer.
    await eventually('alone', is('passed'))
    await redis.command('HSET', 'tenants', 'stark', '{"status":"active","isuers":["own"]}')
    await eventually('undecided', is('503 verifier_unavailable'))
    await redis.command('HDEL', 'tenants', 'stark')
    await eventually('alone again', is('passed'))
  })

  it('hold as they were last read while Redis is away', async () => {
    await redis.command('HSET', 'tenants', 'wayne', JSON.stringify({ status: 'active' }))
    await everywhere('wayne', 'passed')
    await redis.kill()
    assert.deepEqual(await outcomes('wayne'), ['passed', 'passed'])
    assert.deepEqual(await outcomes('hooli'), ['404 tenant_not_found', '404 tenant_not_found'])
  })
})
