/** From where routes, tenants and API keys may be used: on the wire, behind a proxy and not. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import {
  type Answer,
  ask,
  type Fields,
  outcomeOf,
  upstreamField,
} from '../support/gateway-answer.ts'
import { RedisServer } from '../support/redis-server.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { TENANT_ISSUERS, tenantToken } from '../support/tenant-issuers.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const PROXY = '127.0.0.2'
const PEER = '127.0.0.1'
const OFFICE = '203.0.113.7'
/** In the office, and denied all the same. */
const KIOSK = '203.0.113.66'
const ELSEWHERE = '198.51.100.9'
const LISTS = { allowFrom: ['203.0.113.0/24', '2001:db8::/32'], denyFrom: [KIOSK] }
const FILE_KEY = 'key-of-the-file-0123456789'
const OPEN_KEY = 'key-for-everywhere-0123456789'
const REDIS_KEY = 'key-in-redis-0123456789'
const DENIED = '403 address_denied'

let redis: RedisServer
let gateway: TestGateway

before(async () => {
  redis = await RedisServer.start()
  await announce('stored', { status: 'active', ...LISTS })
  await storeKey({ userId: 'stored', ...LISTS })
  const byHeader = { authenticate: ['jwt'], tenant: 'required' }
  gateway = await openGateway({
    server: { trustedProxies: [PROXY] },
    redis,
    issuers: TENANT_ISSUERS,
    tenants: {
      resolve: [{ from: 'header' }, { from: 'claim' }],
      redis: true,
      registry: { listed: LISTS, open: {} },
    },
    apiKeys: {
      redis: true,
      keys: [
        { sha256: sha256(FILE_KEY), userId: 'file', ...LISTS },
        { sha256: sha256(OPEN_KEY), userId: 'open' },
      ],
    },
    routes: {
      '/public/*': { authenticate: 'none', tenant: 'none', ...LISTS },
      '/local/*': { authenticate: 'none', tenant: 'none', allowFrom: [PEER] },
      '/token/*': { authenticate: ['jwt'], tenant: 'none', ...LISTS },
      '/shadow/*': { authenticate: ['jwt'], tenant: 'none', mode: 'shadow', ...LISTS },
      '/open-shadow/*': { authenticate: 'none', tenant: 'none', mode: 'shadow', ...LISTS },
      '/tenant/*': byHeader,
      '/key/*': { authenticate: ['apiKey'], tenant: 'none' },
      '/listed-key/*': { authenticate: ['apiKey'], tenant: 'none', allowFrom: [OFFICE] },
    },
  })
})

after(async () => {
  await gateway.stop()
  await redis.stop()
})

async function announce(name: string, record: object): Promise<void> {
  await redis.command('HSET', 'tenants', name, JSON.stringify(record))
  await redis.command('XADD', 'tenants:changes', '*', 'name', name)
}

async function storeKey(record: object): Promise<void> {
  await redis.command('SET', `apikey:${sha256(REDIS_KEY)}`, JSON.stringify(record))
}

/** What a trusted proxy sends on for a client at this address. */
function behindProxy(client: string, path: string, fields: Fields = []): Promise<Answer> {
  const forwarded: Fields = [...fields, ['X-Forwarded-For', client]]
  return ask({ port: gateway.port, localAddress: PROXY }, path, forwarded)
}

/** Of a refusal it also makes sure that no upstream has seen the request. */
async function outcome(client: string, path: string, fields: Fields = []): Promise<string> {
  const before = gateway.upstream.requests
  const result = outcomeOf(await behindProxy(client, path, fields))
  const seen = gateway.upstream.requests - before
  assert.equal(seen, result === 'passed' ? 1 : 0, `${path} from ${client}: ${seen} seen upstream`)
  return result
}

const bearer = (token: string): Fields => [['Authorization', `Bearer ${token}`]]
const apiKey = (key: string): Fields => [['X-API-Key', key]]
const ADDRESSES: readonly (readonly [string, string])[] = [
  [OFFICE, 'passed'],
  ['2001:db8::1', 'passed'],
  ['203.0.113.8:443', 'passed'],
  [`::ffff:${OFFICE}`, 'passed'],
  [KIOSK, DENIED],
  [`::ffff:${KIOSK}`, DENIED],
  [ELSEWHERE, DENIED],
  ['2001:db9::1', DENIED],
  // Not believed: the proxy itself counts.
  ['unknown', DENIED],
  [`${OFFICE}, ${ELSEWHERE}`, DENIED],
]

describe('the addresses of a route', () => {
  for (const [client, expected] of ADDRESSES) {
    it(`are compared with ${client}: ${expected}`, async () => {
      const token = await tenantToken('open')
      assert.equal(await outcome(client, '/public/x'), expected)
      assert.equal(await outcome(client, '/token/x', bearer(token)), expected)
    })
  }

  it('are those of peers that are no proxies, whatever these say', async () => {
    const target = { port: gateway.port, localAddress: PEER }
    const lies: Fields = [['X-Forwarded-For', OFFICE]]
    assert.equal(outcomeOf(await ask(target, '/public/x', lies)), DENIED)
    assert.equal(outcomeOf(await ask(target, '/local/x', lies)), 'passed')
    assert.equal(outcomeOf(await ask({ ...target, localAddress: '127.0.0.3' }, '/local/x')), DENIED)
    assert.equal(await outcome(PEER, '/local/x'), 'passed')
  })

  it('come before the credential, and the answer says nothing about it', async () => {
    const answer = await behindProxy(ELSEWHERE, '/token/x', bearer('rubbish'))
    assert.equal(outcomeOf(answer), DENIED)
    assert.equal(answer.field('www-authenticate'), null)
    assert.equal(answer.field('retry-after'), null)
    assert.equal(answer.text.includes(ELSEWHERE), false)
    const here = await behindProxy(OFFICE, '/token/x', bearer('rubbish'))
    assert.equal(outcomeOf(here), '401 invalid_token')
  })

  it('are counted by their reason', async () => {
    const labels = { reason: 'address_denied_by_route', code: 'address_denied' }
    const counted = () => gateway.metric('sallyport_refusals_total', labels)
    const before = await counted()
    await outcome(ELSEWHERE, '/public/x')
    assert.equal(await counted(), before + 1)
  })

  it('are only reported in shadow, also where no credential is asked for', async () => {
    for (const path of ['/shadow/x', '/open-shadow/x']) {
      const token = await tenantToken('open')
      const answer = await behindProxy(ELSEWHERE, path, bearer(token))
      assert.equal(answer.status, 200)
      assert.equal(upstreamField(answer, 'x-user-id'), null)
    }
    const reported = () => gateway.log.filter((line) => line['event'] === 'shadow_refused')
    await eventually('both are told', () => reported().length >= 2)
    assert.deepEqual(
      reported().map((line) => line['reason']),
      ['address_denied_by_route', 'address_denied_by_route'],
    )
  })

  it('are not asked for what the gateway answers by itself', async () => {
    assert.equal((await behindProxy(ELSEWHERE, '/health/live')).status, 200)
  })
})

describe('the addresses of a tenant', () => {
  for (const name of ['listed', 'stored']) {
    for (const [client, expected] of ADDRESSES) {
      it(`${name} are compared with ${client}: ${expected}`, async () => {
        const token = bearer(await tenantToken(name, 'main', 'alice'))
        const named: Fields = [...token, ['X-Tenant-Id', name]]
        // Twice: the verdict about the token is cached by then.
        for (let round = 0; round < 2; round += 1) {
          assert.equal(await outcome(client, '/tenant/x', named), expected, 'named by the request')
          assert.equal(await outcome(client, '/tenant/x', token), expected, 'named by the claim')
        }
      })
    }
  }

  it('come before the credential where the request names the tenant', async () => {
    const fields: Fields = [...bearer('rubbish'), ['X-Tenant-Id', 'listed']]
    assert.equal(await outcome(ELSEWHERE, '/tenant/x', fields), DENIED)
    assert.equal(await outcome(OFFICE, '/tenant/x', fields), '401 invalid_token')
  })

  it('are none of those of another tenant', async () => {
    const token = bearer(await tenantToken('open'))
    assert.equal(await outcome(ELSEWHERE, '/tenant/x', token), 'passed')
  })

  it('hold as soon as they are changed in Redis, for tokens that are known already', async () => {
    const token = bearer(await tenantToken('stored', 'main', 'carol'))
    assert.equal(await outcome(OFFICE, '/tenant/x', token), 'passed')
    await announce('stored', { status: 'active', ...LISTS, denyFrom: [OFFICE] })
    await eventually('denied', async () => {
      return outcomeOf(await behindProxy(OFFICE, '/tenant/x', token)) === DENIED
    })
    await announce('stored', { status: 'active', allowFrom: [ELSEWHERE] })
    await eventually('allowed from elsewhere', async () => {
      return outcomeOf(await behindProxy(ELSEWHERE, '/tenant/x', token)) === 'passed'
    })
    await announce('stored', { status: 'active', allowFrom: ['203.0.113.1/24'] })
    await eventually('undecided, as nothing that cannot be read is guessed', async () => {
      const result = outcomeOf(await behindProxy(ELSEWHERE, '/tenant/x', token))
      return result === '503 verifier_unavailable'
    })
  })
})

describe('the addresses of an API key', () => {
  for (const [name, key] of [
    ['of the file', FILE_KEY],
    ['in Redis', REDIS_KEY],
  ] as const) {
    for (const [client, expected] of ADDRESSES) {
      it(`${name} are compared with ${client}: ${expected}`, async () => {
        for (let round = 0; round < 2; round += 1) {
          assert.equal(await outcome(client, '/key/x', apiKey(key)), expected)
        }
      })
    }
  }

  it('are none of those of another key, and a key that there is not is invalid', async () => {
    assert.equal(await outcome(ELSEWHERE, '/key/x', apiKey(OPEN_KEY)), 'passed')
    assert.equal(await outcome(ELSEWHERE, '/key/x', apiKey('guessed')), '401 invalid_api_key')
  })

  it('do not open what the route denies', async () => {
    assert.equal(await outcome(OFFICE, '/listed-key/x', apiKey(FILE_KEY)), 'passed')
    assert.equal(await outcome('203.0.113.8', '/listed-key/x', apiKey(FILE_KEY)), DENIED)
  })

  it('hold on the very next request after they were changed in Redis', async () => {
    assert.equal(await outcome(OFFICE, '/key/x', apiKey(REDIS_KEY)), 'passed')
    await storeKey({ userId: 'stored', ...LISTS, denyFrom: [OFFICE] })
    assert.equal(await outcome(OFFICE, '/key/x', apiKey(REDIS_KEY)), DENIED)
    await storeKey({ userId: 'stored', allowForm: [OFFICE] })
    const unread = await outcome(OFFICE, '/key/x', apiKey(REDIS_KEY))
    assert.equal(unread, '503 verifier_unavailable')
    await storeKey({ userId: 'stored' })
    assert.equal(await outcome(ELSEWHERE, '/key/x', apiKey(REDIS_KEY)), 'passed')
  })
})
