/** Limits of an API over two threads: exact, told to the client, and before any cryptography. */
import assert from 'node:assert/strict'
import { Agent, request as httpRequest } from 'node:http'
import { before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { errorOf, outcomeOf } from '../support/gateway-answer.ts'
import { liveToken } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const CONNECTIONS = 64
const RUNS = 20
const RATE = 200
const BURST = 20
const RUN_MS = 250
const SECRET = 'a shared secret of thirty-two bytes at the least'
const ISSUER = 'https://shared.example.com/'
const BUSY_KEY = 'key-of-the-busy-job-0123456789'
const QUIET_KEY = 'key-of-the-quiet-job-0123456789'
const OLD_KEY = 'key-of-the-job-that-ended-0123456789'
const FREE_KEY = 'key-of-the-job-without-0123456789'

const key = { ...mintKey('HS256'), signingKey: new Uint8Array(Buffer.from(SECRET)) }
const wrongKey = { ...key, signingKey: new Uint8Array(Buffer.from(`another ${SECRET}`)) }

let gateway: TestGateway

before(async () => {
  const runs = Array.from({ length: RUNS }, (_, run) => `run${'abcdefghijklmnopqrst'[run]}`)
  gateway = await openGateway({
    issuers: {
      shared: { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['HS256'], secret: SECRET },
    },
    apiKeys: {
      keys: [
        { sha256: sha256(BUSY_KEY), userId: 'busy', rateLimit: { rate: '2/h' } },
        { sha256: sha256(QUIET_KEY), userId: 'quiet' },
        { sha256: sha256(FREE_KEY), userId: 'free' },
        { sha256: sha256(OLD_KEY), userId: 'old', expiresAt: '2020-01-01T00:00:00Z' },
        ...['small', 'large'].map((tenantId) => ({
          sha256: sha256(`${tenantId}-${FREE_KEY}`),
          userId: 'worker',
          tenantId,
        })),
      ],
    },
    tenants: {
      resolve: [{ from: 'header' }],
      required: false,
      allowTokensWithoutTenant: true,
      registry: { small: { rateLimit: { rate: '3/h', burst: 2 } }, large: {} },
    },
    rateLimits: {
      ...Object.fromEntries(
        runs.map((name) => [name, { perAddress: { rate: `${RATE}/s`, burst: BURST } }]),
      ),
      keys: { perKey: { rate: '3/h' } },
      tenants: { perTenant: { rate: '5/h' } },
      fresh: { validation: { rate: '2/h' } },
      own: { perKey: { rate: '2/h' } },
      guesses: { failures: { perAddress: { threshold: 3, lockout: '1h' } } },
      expired: { failures: { perAddress: { threshold: 1, lockout: '1h' } } },
    },
    routes: {
      ...Object.fromEntries(
        runs.map((name) => [`/${name}/*`, { authenticate: 'none', rateLimit: name }]),
      ),
      '/keys/*': { authenticate: ['apiKey'], rateLimit: 'keys' },
      '/own/*': { authenticate: ['apiKey'] },
      '/tenants/*': { authenticate: 'none', rateLimit: 'tenants' },
      '/fresh/*': { authenticate: ['jwt'], rateLimit: 'fresh' },
      '/guesses/*': { authenticate: ['jwt', 'apiKey'], rateLimit: 'guesses' },
      '/of-tenants/*': { authenticate: ['apiKey'] },
      '/few/*': { authenticate: ['apiKey'], rateLimit: 'own' },
      '/expired/*': { authenticate: ['jwt'], rateLimit: 'expired' },
      '/shadow/*': { authenticate: ['jwt'], rateLimit: 'fresh', mode: 'shadow' },
      '/free/*': { authenticate: 'none' },
    },
    server: { trustedProxies: ['127.0.0.1'] },
    environment: { SALLYPORT_LISTENER_THREADS: '2' },
  })
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const from = (address: string) => ({ 'x-forwarded-for': address })
const withKey = (apiKey: string) => ({ 'x-api-key': apiKey })

function token(claims: Record<string, unknown>, signer = key): string {
  return liveToken(signer, ISSUER, claims)
}

/** Requests one after another on each connection until the time is over. */
async function passedIn(path: string, spanMs: number): Promise<{ passed: number; ms: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const options = { host: '127.0.0.1', port: gateway.port, path, agent }
  const once = () =>
    new Promise<number>((resolve, reject) => {
      const sent = httpRequest(options, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
      })
      sent.once('error', reject).end()
    })
  const startedAtMs = performance.now()
  let passed = 0
  const worker = async () => {
    while (performance.now() - startedAtMs < spanMs) {
      const status = await once()
      if (status === 200) passed += 1
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
  agent.destroy()
  return { passed, ms: performance.now() - startedAtMs }
}

describe('a limit of an address over two threads and 64 connections', () => {
  for (let run = 0; run < RUNS; run += 1) {
    const path = `/run${'abcdefghijklmnopqrst'[run]}/x`
    it(`lets through the rate and its burst, and no request more (run ${run + 1})`, async () => {
      const { passed, ms } = await passedIn(path, RUN_MS)
      const most = Math.floor((ms / 1_000) * RATE) + BURST
      assert.ok(passed <= most, `${passed} of at most ${most}`)
      assert.ok(passed >= BURST, `only ${passed}`)
    })
  }
})

describe('limits of API keys', () => {
  it('count each key by itself, and only requests that may pass', async () => {
    for (let count = 0; count < 3; count += 1) {
      assert.equal(outcomeOf(await gateway.ask('/keys/x', withKey(QUIET_KEY))), 'passed')
    }
    const refused = await gateway.ask('/keys/x', withKey(QUIET_KEY))
    assert.equal(outcomeOf(refused), '429 rate_limited')
    assert.equal(refused.field('ratelimit-policy'), '"key";q=3;w=3600')
    assert.equal(outcomeOf(await gateway.ask('/keys/x', withKey(FREE_KEY))), 'passed')
  })

  it('may stand in the record of a key, for every route', async () => {
    for (let count = 0; count < 2; count += 1) {
      assert.equal(outcomeOf(await gateway.ask('/own/x', withKey(BUSY_KEY))), 'passed')
    }
    const refused = await gateway.ask('/own/x', withKey(BUSY_KEY))
    assert.equal(outcomeOf(refused), '429 rate_limited')
    assert.ok(Number(refused.field('retry-after')) > 1_700)
    assert.equal(outcomeOf(await gateway.ask('/own/x', withKey(QUIET_KEY))), 'passed')
  })
})

describe('limits of tenants', () => {
  const open = (tenant: string) => gateway.ask('/tenants/x', { 'x-tenant-id': tenant })
  const by = (tenant: string, path: string) =>
    gateway.ask(path, { 'x-tenant-id': tenant, ...withKey(`${tenant}-${FREE_KEY}`) })

  it('are those of the route', async () => {
    for (let count = 0; count < 5; count += 1)
      assert.equal(outcomeOf(await open('large')), 'passed')
    assert.equal(outcomeOf(await open('large')), '429 rate_limited')
  })

  it('are those of the record for its own callers, whatever strangers and one key ask', async () => {
    for (let count = 0; count < 4; count += 1)
      assert.equal(outcomeOf(await open('small')), 'passed')
    const outcomes: string[] = []
    for (const path of ['/few/x', '/of-tenants/x', '/of-tenants/x']) {
      outcomes.push(outcomeOf(await by('small', path)))
    }
    assert.deepEqual(outcomes, ['passed', 'passed', '429 rate_limited'])
    // Two in an hour, and what the key is refused is not taken from the tenant.
    for (const expected of ['passed', 'passed', '429 rate_limited', '429 rate_limited']) {
      assert.equal(outcomeOf(await by('large', '/few/x')), expected)
    }
  })
})

describe('a limit of verifications', () => {
  it('counts tokens that are not known yet, and no others', async () => {
    const known = bearer(token({ sub: 'known' }))
    assert.equal(outcomeOf(await gateway.ask('/fresh/x', known)), 'passed')
    assert.equal(outcomeOf(await gateway.ask('/fresh/x', bearer(token({ sub: 'b' })))), 'passed')
    const refused = await gateway.ask('/fresh/x', bearer(token({ sub: 'c' })))
    assert.equal(outcomeOf(refused), '429 rate_limited')
    assert.equal(outcomeOf(await gateway.ask('/fresh/x', known)), 'passed')
  })

  it('has no effect on a route in shadow', async () => {
    const unknown = bearer(token({ sub: 'shadow' }))
    assert.equal((await gateway.ask('/shadow/x', unknown)).status, 200)
  })
})

describe('lock-out after bad credentials', () => {
  const guess = async (address: string, name: string) =>
    gateway.ask('/guesses/x', {
      ...bearer(token({ sub: name }, wrongKey)),
      ...from(address),
    })

  it('refuses everything from the address, before anything is verified', async () => {
    for (const name of ['a', 'b', 'c']) {
      assert.equal(outcomeOf(await guess('192.0.2.1', name)), '401 invalid_token')
    }
    const verified = () => gateway.metric('sallyport_verification_tokens_total')
    const lookups = () => gateway.metric('sallyport_token_cache_lookups_total', {})
    // What has been done before is in the metrics once they have been read twice alike.
    let counted = [await verified(), await lookups()]
    await eventually('the metrics stand still', async () => {
      const earlier = counted
      counted = [await verified(), await lookups()]
      return counted.every((value, index) => value === earlier[index])
    })
    for (let count = 0; count < 10; count += 1) {
      const refused = await guess('192.0.2.1', `d${count}`)
      assert.equal(outcomeOf(refused), '429 locked_out')
      assert.ok(Number(refused.field('retry-after')) > 3_500)
    }
    const good = { ...bearer(token({ sub: 'good' })), ...from('192.0.2.1') }
    assert.equal(outcomeOf(await gateway.ask('/guesses/x', good)), '429 locked_out')
    assert.deepEqual([await verified(), await lookups()], counted)
  })

  it('is in the metrics', async () => {
    assert.equal(await gateway.metric('sallyport_rate_limit_tracked_keys', { state: 'locked' }), 1)
    assert.ok((await gateway.metric('sallyport_rate_limit_tracked_keys', { state: 'counted' })) > 1)
  })

  it('leaves other addresses and other routes alone', async () => {
    const good = bearer(token({ sub: 'else' }))
    const elsewhere = { ...good, ...from('192.0.2.2') }
    assert.equal(outcomeOf(await gateway.ask('/guesses/x', elsewhere)), 'passed')
    assert.equal(outcomeOf(await gateway.ask('/free/x', from('192.0.2.1'))), 'passed')
  })

  it('counts the same credential once, as a page sends it that was left open', async () => {
    const fields = { ...bearer(token({ sub: 'stale' }, wrongKey)), ...from('192.0.2.40') }
    for (let count = 0; count < 6; count += 1) {
      assert.equal(errorOf(await gateway.ask('/guesses/x', fields)), 'invalid_token')
    }
    for (let count = 0; count < 6; count += 1) {
      const expired = { ...withKey(OLD_KEY), ...from('192.0.2.40') }
      assert.equal(errorOf(await gateway.ask('/guesses/x', expired)), 'invalid_api_key')
    }
    const good = { ...bearer(token({ sub: 'fine' })), ...from('192.0.2.40') }
    assert.equal(outcomeOf(await gateway.ask('/guesses/x', good)), 'passed')
    for (const name of ['key-guess-1-0123456789', 'key-guess-2-0123456789']) {
      const guessed = { ...withKey(name), ...from('192.0.2.40') }
      assert.equal(errorOf(await gateway.ask('/guesses/x', guessed)), 'invalid_api_key')
    }
    assert.equal(outcomeOf(await gateway.ask('/guesses/x', good)), '429 locked_out')
  })

  it('takes no expired token and no missing one for a guess', async () => {
    const asked = (fields: Readonly<Record<string, string>>) =>
      gateway.ask('/expired/x', { ...fields, ...from('192.0.2.3') })
    const expired = bearer(token({ exp: 1_000_000_000 }))
    assert.equal(outcomeOf(await asked(expired)), '401 token_expired')
    assert.equal(outcomeOf(await asked({})), '401 missing_token')
    assert.equal(outcomeOf(await asked(bearer(token({ sub: 'good' })))), 'passed')
    assert.equal(errorOf(await asked(bearer(token({ sub: 'x' }, wrongKey)))), 'invalid_token')
    assert.equal(outcomeOf(await asked({})), '429 locked_out')
  })
})
