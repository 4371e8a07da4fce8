/** What instances make of tenants in Redis that change, are lost, or are written oddly. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { RedisServer } from '../support/redis-server.ts'
import { TENANT_ISSUERS, tenantToken } from '../support/tenant-issuers.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ACTIVE = JSON.stringify({ status: 'active' })
const SUSPENDED = JSON.stringify({ status: 'suspended' })
const OWNER = JSON.stringify({ status: 'active', issuers: ['own'] })

let redis: RedisServer
let gateway: TestGateway

function startGateway(tenants: object): Promise<TestGateway> {
  return openGateway({
    issuers: TENANT_ISSUERS,
    redis: redis.patientSettings,
    tenants: { resolve: [{ from: 'header' }], redis: true, ...tenants },
    routes: { '/*': { authenticate: ['jwt'] } },
  })
}

/** As an operator does it: the change and its announcement in one transaction. */
async function announce(name: string, ...change: readonly string[]): Promise<void> {
  const script =
    "redis.call(unpack(ARGV, 2)) redis.call('XADD', KEYS[1], '*', 'name', ARGV[1]) return 1"
  await redis.command('EVAL', script, 1, 'tenants:changes', name, ...change)
}

async function outcome(tenant: string, claim: string | null = tenant): Promise<string> {
  const token = await tenantToken(claim, claim === null ? 'own' : 'main')
  const headers = { authorization: `Bearer ${token}`, 'x-tenant-id': tenant }
  return outcomeOf(await gateway.ask('/x', headers))
}

async function becomes(tenant: string, expected: string): Promise<void> {
  await eventually(`${tenant}: ${expected}`, async () => (await outcome(tenant)) === expected)
}

function hasTold(event: string): boolean {
  return gateway.log.some((line) => line['event'] === event)
}

async function fill(): Promise<void> {
  const records = Array.from({ length: 20 }, (_, at) => [`t${at}`, ACTIVE]).flat()
  await redis.command('HSET', 'tenants', ...records)
  await redis.command('INCR', 'tenants:version')
}

describe('a change of the tenants in Redis', () => {
  before(async () => {
    redis = await RedisServer.start()
    await fill()
    // Nothing is read again for its own sake while this test runs.
    gateway = await startGateway({ refreshInterval: '10m' })
  })
  after(async () => {
    await gateway.stop()
    await redis.stop()
  })

  it('is known by its name in the stream of changes, and by that alone', async () => {
    assert.equal(await outcome('t1'), 'passed')
    await announce('t1', 'HSET', 'tenants', 't1', SUSPENDED)
    await becomes('t1', '403 tenant_suspended')
    await announce('acme', 'HSET', 'tenants', 'acme', ACTIVE)
    await becomes('acme', 'passed')
    await announce('acme', 'HDEL', 'tenants', 'acme')
    await becomes('acme', '404 tenant_not_found')
  })

  it('is found by itself where its writer only counts the version up, as before', async () => {
    await redis.command('HSET', 'tenants', 't2', SUSPENDED)
    await redis.command('INCR', 'tenants:version')
    await becomes('t2', '403 tenant_suspended')
  })

  it('that adds or removes one is noticed though its writer tells nothing', async () => {
    await redis.command('HSET', 'tenants', 'globex', ACTIVE)
    await becomes('globex', 'passed')
    await redis.command('HDEL', 'tenants', 'globex')
    await becomes('globex', '404 tenant_not_found')
  })

  it('is not missed when the stream was emptied or shortened meanwhile', async () => {
    await redis.command('DEL', 'tenants:changes')
    await announce('t3', 'HSET', 'tenants', 't3', SUSPENDED)
    await becomes('t3', '403 tenant_suspended')
    await redis.command('HSET', 'tenants', 't4', SUSPENDED)
    for (const name of ['t4', 't5', 't6']) {
      await redis.command('XADD', 'tenants:changes', 'MAXLEN', '1', '*', 'name', name)
    }
    await becomes('t4', '403 tenant_suspended')
  })

  it('is known soon after Redis was away, without a restart', async () => {
    await redis.killClients()
    await announce('t7', 'HSET', 'tenants', 't7', SUSPENDED)
    await becomes('t7', '403 tenant_suspended')
  })
})

describe('a record of a tenant', () => {
  before(async () => {
    redis = await RedisServer.start()
    await announce('owner', 'HSET', 'tenants', 'owner', OWNER)
    gateway = await startGateway({})
  })
  after(async () => {
    await gateway.stop()
    await redis.stop()
  })

  it('is served as a later version wrote it', async () => {
    const later = { version: 1, status: 'active', quota: { perMinute: 600 }, region: 'eu' }
    await announce('later', 'HSET', 'tenants', 'later', JSON.stringify(later))
    await becomes('later', 'passed')
  })

  it('concerns its tenant alone when it cannot be read', async () => {
    const forbidding = JSON.stringify({ version: 2, status: 'active', trust: 'none' })
    for (const [name, record] of Object.entries({ broken: '{"status":', newer: forbidding })) {
      await announce(name, 'HSET', 'tenants', name, record)
      await becomes(name, '503 verifier_unavailable')
    }
    assert.equal(await outcome('owner', 'owner'), '403 tenant_mismatch', 'a foreign issuer')
    assert.equal(await outcome('owner', null), 'passed', 'a token without a tenant claim')
    assert.equal(await outcome('unknown'), '404 tenant_not_found')
  })

  it('that cannot be read leaves undecided who alone lists an issuer that it names', async () => {
    const record = JSON.stringify({ version: 2, status: 'active', trusts: ['own'] })
    await announce('rival', 'HSET', 'tenants', 'rival', record)
    await becomes('rival', '503 verifier_unavailable')
    assert.equal(await outcome('owner', null), '503 verifier_unavailable')
  })
})

describe('a registry of tenants that has lost everything at once', () => {
  beforeEach(async () => {
    redis = await RedisServer.start()
    await fill()
  })
  afterEach(async () => {
    await gateway.stop()
    await redis.stop()
  })

  for (const [what, lose] of Object.entries({
    'was deleted': () => redis.command('DEL', 'tenants'),
    'was flushed': () => redis.command('FLUSHALL'),
    'is now another, empty server': async () => {
      await redis.kill()
      await redis.up()
    },
  })) {
    it(`serves its tenants as they were last read when it ${what}`, async () => {
      gateway = await startGateway({})
      assert.equal(await outcome('t1'), 'passed')
      await lose()
      await eventually('it is told', () => hasTold('tenants_lost'))
      assert.equal(await outcome('t1'), 'passed')
      assert.equal(await outcome('unknown'), '404 tenant_not_found')
      // What is known of it by now counts all the same.
      await announce('t2', 'HSET', 'tenants', 't2', SUSPENDED)
      await becomes('t2', '403 tenant_suspended')
      assert.equal(await outcome('t1'), 'passed')
    })
  }

  it('says for none of its tenants that there is no such one, however long ago it was', async () => {
    gateway = await startGateway({ staleMaxAge: '1s' })
    assert.equal(await outcome('t1'), 'passed')
    await redis.command('FLUSHALL')
    await becomes('t1', '503 verifier_unavailable')
    assert.ok(hasTold('tenants_given_up'))
    await fill()
    await becomes('t1', 'passed')
  })

  it('has none when its writer says that this is meant', async () => {
    gateway = await startGateway({})
    await announce('*', 'DEL', 'tenants')
    await becomes('t1', '404 tenant_not_found')
    assert.ok(!hasTold('tenants_lost'))
  })
})
