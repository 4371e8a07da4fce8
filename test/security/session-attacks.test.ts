/**
 * Attacks on sessions, by pages of other sites, and across tenants, against a whole gateway with a
 * real Redis: each is answered with its code, and no upstream sees it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { outcomeOn } from '../support/engine-differences.ts'
import { expressCookie } from '../support/express-cookie.ts'
import type { Answer, Fields } from '../support/gateway-answer.ts'
import { bearer } from '../support/live-token.ts'
import { assertBounces, assertPasses, type Behind } from '../support/marked-request.ts'
import { RecordingUpstream } from '../support/recording-upstream.ts'
import { RedisServer } from '../support/redis-server.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { TENANT_ISSUERS, tenantToken } from '../support/tenant-issuers.ts'
import { testEngine } from '../support/test-engine.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import {
  ALLOWED_ORIGINS,
  CROSS_SITE_REQUESTS,
  SAME_SITE_REQUESTS,
  TENANT_ORIGIN,
} from './attacks/csrf.ts'
import {
  ambiguousCookies,
  fixedIds,
  forgedCookies,
  lookAlikes,
  malformedIds,
  type SessionIds,
  tossedCookies,
} from './attacks/session-attacks.ts'
import {
  CROSSED_TENANTS,
  contradictions,
  foreignCredentials,
  type TenantCrossing,
} from './attacks/tenant-crossing.ts'

const CLEARED = '__Host-sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure'
const KEYS = { globex: 'a key of a user of globex', plain: 'a key of a user of no tenant' }

const SECRET = 'a secret of the login service'

const ids: SessionIds = { victim: newSessionId(), attacker: newSessionId() }
const globexSession = newSessionId()

let redis: RedisServer
let upstream: RecordingUpstream
let gateway: TestGateway
/** With the sessions of express-session. */
let expressGateway: TestGateway

before(async () => {
  redis = await RedisServer.start()
  upstream = await RecordingUpstream.start()
  await store(ids.victim, { userId: 'victim' })
  await store(ids.attacker, { userId: 'attacker' })
  await store(globexSession, { userId: 'eve', tenantId: 'globex' })
  gateway = await openGateway({
    upstream: upstream.origin,
    redis,
    sessions: { allowedOrigins: ALLOWED_ORIGINS },
    issuers: TENANT_ISSUERS,
    tenants: CROSSED_TENANTS,
    apiKeys: {
      keys: [
        { sha256: sha256(KEYS.globex), userId: 'eve', tenantId: 'globex' },
        { sha256: sha256(KEYS.plain), userId: 'eve' },
      ],
    },
    routes: {
      '/sessions/*': { authenticate: ['session'], tenant: 'none' },
      '/cookies/*': {
        authenticate: ['jwt'],
        tenant: 'none',
        credentials: [{ from: 'cookie', name: 'token' }],
      },
      '/*': { authenticate: ['jwt', 'session', 'apiKey'] },
    },
  })
  expressGateway = await openGateway({
    upstream: upstream.origin,
    redis,
    sessions: { format: 'express-session', secrets: [SECRET], keyPrefix: 'express:' },
    routes: { '/*': { authenticate: ['session'] } },
  })
})

after(async () => {
  await gateway.stop()
  await expressGateway.stop()
  await upstream.close()
  await redis.stop()
})

async function store(id: string, record: object): Promise<void> {
  await redis.command('SET', `sess:${sha256(id)}`, JSON.stringify(record), 'EX', '600')
}

const behind = (at = gateway): Behind => ({ port: at.port, upstream })

function passes(path: string, fields: Fields, method = 'GET'): Promise<Answer> {
  return assertPasses(behind(), { method, path, fields })
}

function bounces(expected: string, path: string, fields: Fields, method = 'GET'): Promise<Answer> {
  return assertBounces(behind(), expected, { method, path, fields })
}

/** How often the store was asked for a session. */
async function lookups(): Promise<number> {
  const text = String(await redis.command('INFO', 'commandstats'))
  const counts = [...text.matchAll(/^cmdstat_get(?:ex)?:calls=(\d+)/gm)]
  return counts.reduce((sum, [, calls]) => sum + Number(calls), 0)
}

describe('a session cookie', () => {
  it('is good as it came, or the refusals below would prove nothing', async () => {
    const asked = await lookups()
    await passes('/sessions/x', [['Cookie', `__Host-sid=${ids.victim}`]])
    await passes('/sessions/x', [['Cookie', `a=b; __Host-sid=${ids.attacker}; c=d`]])
    assert.equal(await lookups(), asked + 2)
  })

  for (const [kind, attacks] of Object.entries({ malformedIds, ambiguousCookies, lookAlikes })) {
    for (const [name, answer, fields] of attacks(ids)) {
      it(`is refused without a question to the store: ${name} (${kind})`, async () => {
        const asked = await lookups()
        const expected = outcomeOn(testEngine, name, answer)
        const refused = await bounces(expected, '/sessions/x', fields)
        const isCleared = expected === '401 invalid_session_format'
        assert.deepEqual(refused.values('set-cookie'), isCleared ? [CLEARED] : [])
        assert.equal(await lookups(), asked)
      })
    }
  }

  for (const [name, fields] of tossedCookies(ids)) {
    it(`is good whatever a page of another host puts beside it: ${name}`, async () => {
      const asked = await lookups()
      const passed = await passes('/sessions/x', fields)
      assert.deepEqual(passed.values('set-cookie'), [])
      assert.equal(await lookups(), asked + 1)
    })
  }

  for (const [name, answer, fields] of fixedIds(ids)) {
    it(`is no session because somebody says so: ${name}`, async () => {
      const keys = await redis.command('DBSIZE')
      const refused = await bounces(answer, '/sessions/x', fields)
      assert.deepEqual(refused.values('set-cookie'), [CLEARED], 'it is taken away')
      assert.equal(await redis.command('DBSIZE'), keys, 'nothing was made of it')
    })
  }

  it('is never one that was fixed before the sign-in: a login is given a new id', async () => {
    const keys = await redis.command('DBSIZE')
    const chosen = newSessionId()
    await bounces('401 session_not_found', '/sessions/x', [['Cookie', `__Host-sid=${chosen}`]])
    const login = (record: object) =>
      fetch(`${gateway.adminOrigin}/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(record),
      })
    for (const member of ['id', 'sessionId', 'digest']) {
      const refused = await login({ userId: 'victim', [member]: chosen })
      assert.equal(refused.status, 400, member)
    }
    assert.equal(await redis.command('DBSIZE'), keys)
    const signedIn = (await (await login({ userId: 'victim' })).json()) as { readonly id: string }
    assert.notEqual(signedIn.id, chosen)
    await passes('/sessions/x', [['Cookie', `__Host-sid=${signedIn.id}`]])
    await bounces('401 session_not_found', '/sessions/x', [['Cookie', `__Host-sid=${chosen}`]])
  })
})

describe('a signed session cookie', () => {
  const signed = (id: string) => {
    return [['Cookie', expressCookie(id, SECRET)] as const] as const
  }

  before(async () => {
    for (const id of [ids.victim, ids.attacker]) {
      await redis.command('SET', `express:${id}`, JSON.stringify({ userId: id }), 'EX', '600')
    }
  })

  it('is good as the login service signed it', async () => {
    const asked = await lookups()
    await assertPasses(behind(expressGateway), { path: '/x', fields: signed(ids.victim) })
    await assertPasses(behind(expressGateway), { path: '/x', fields: signed(ids.attacker) })
    assert.ok((await lookups()) > asked)
  })

  for (const [name, answer, fields] of forgedCookies(ids, SECRET)) {
    it(`is refused without a question to the store, with ${name}`, async () => {
      const asked = await lookups()
      const refused = await assertBounces(behind(expressGateway), answer, { path: '/x', fields })
      assert.deepEqual(refused.values('set-cookie'), [], 'it may be of another application')
      assert.equal(await lookups(), asked)
    })

    it(`locks no user out, with ${name}`, async () => {
      const [[, forged] = []] = fields
      const [[, good]] = signed(ids.victim)
      for (const pairs of [`${forged}; ${good}`, `${good}; ${forged}`]) {
        const both = [['Cookie', pairs]] as const
        await assertPasses(behind(expressGateway), { path: '/x', fields: both })
      }
    })
  }

  it('counts once in two spellings, and is refused beside another one', async () => {
    const [[, victim]] = signed(ids.victim)
    const [[, attacker]] = signed(ids.attacker)
    const plain = decodeURIComponent(victim)
    const spellings = [['Cookie', `${victim}; ${plain}`]] as const
    await assertPasses(behind(expressGateway), { path: '/x', fields: spellings })
    const asked = await lookups()
    for (const pairs of [`${victim}; ${attacker}`, `${attacker}; ${plain}`]) {
      const two = [['Cookie', pairs]] as const
      await assertBounces(behind(expressGateway), '400 invalid_request', {
        path: '/x',
        fields: two,
      })
    }
    assert.equal(await lookups(), asked)
  })

  it('that a visitor had before the sign-in is no login', async () => {
    const visitor = newSessionId()
    const key = `express:${visitor}`
    await redis.command('SET', key, '{"cookie":{"path":"/"}}', 'EX', '600')
    const refused = await assertBounces(behind(expressGateway), '401 no_session', {
      path: '/x',
      fields: signed(visitor),
    })
    assert.deepEqual(refused.values('set-cookie'), [], 'the visitor keeps it')
    assert.equal(
      await redis.command('GET', key),
      '{"cookie":{"path":"/"}}',
      'and it stays as it was',
    )
  })
})

describe('a request of a page of another site, with a cookie', () => {
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE']
  const cookie: Fields = [['Cookie', `__Host-sid=${ids.victim}`]]

  it('would pass from a page that is allowed', async () => {
    const token: Fields = [['Cookie', `token=${await tenantToken('acme')}`]]
    for (const method of methods) {
      for (const [, fields] of SAME_SITE_REQUESTS) {
        await passes('/sessions/x', [...cookie, ...fields], method)
        await passes('/cookies/x', [...token, ...fields], method)
      }
    }
  })

  for (const [name, fields] of CROSS_SITE_REQUESTS) {
    it(`is refused with ${name}`, async () => {
      const token: Fields = [['Cookie', `token=${await tenantToken('acme')}`]]
      for (const method of methods) {
        await bounces('403 csrf_rejected', '/sessions/x', [...cookie, ...fields], method)
      }
      await bounces('403 csrf_rejected', '/cookies/x', [...token, ...fields], 'POST')
    })
  }

  it('is refused at every tenant but the one whose page it is', async () => {
    const origin: Fields = [['Origin', TENANT_ORIGIN]]
    await store(ids.victim, { userId: 'victim', tenantId: 'acme' })
    await passes('/x', [['X-Tenant-Id', 'acme'], ...origin, ...cookie], 'POST')
    await bounces(
      '403 csrf_rejected',
      '/x',
      [['X-Tenant-Id', 'globex'], ...origin, ['Cookie', `__Host-sid=${globexSession}`]],
      'POST',
    )
  })
})

describe('a credential of one tenant', () => {
  const bounce = async (test: TestContext, crossings: readonly TenantCrossing[]) => {
    for (const [name, answer, path, fields] of crossings) {
      await test.test(name, async () => {
        await bounces(answer, path, fields)
        await bounces(answer, path, fields)
      })
    }
  }

  it('is good at that tenant', async () => {
    const token = await tenantToken('globex')
    for (const _time of ['verified', 'cached']) {
      await passes('/x', [['X-Tenant-Id', 'globex'], ...bearer(token)])
      await bounces('403 tenant_mismatch', '/x', [['X-Tenant-Id', 'acme'], ...bearer(token)])
    }
    await passes('/x', [
      ['X-Tenant-Id', 'globex'],
      ['Cookie', `__Host-sid=${globexSession}`],
    ])
    await passes('/x', [
      ['X-Tenant-Id', 'globex'],
      ['X-API-Key', KEYS.globex],
    ])
  })

  it('is refused at another one, verified and cached', async (test) => {
    const stored = {
      globexSession,
      plainSession: ids.attacker,
      globexKey: KEYS.globex,
      plainKey: KEYS.plain,
    }
    await bounce(test, await foreignCredentials(stored))
  })

  it('is refused where a request names that tenant in one place and not in another', async (test) => {
    await bounce(test, await contradictions())
  })
})
