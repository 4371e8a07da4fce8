/** Revocations through whole gateways: in one, across several, and while Redis is down. */
import assert from 'node:assert/strict'
import { hash, randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { wallSeconds } from '../support/jwt-gateway.ts'
import { RedisServer } from '../support/redis-server.ts'
import {
  ISSUER,
  judgedBy,
  openRevocationRig,
  revoke,
  withOtherSignature,
} from '../support/revocation-gateways.ts'
import type { RunningGateway } from '../support/running-gateway.ts'

const SPREAD_MS_MAX = 1_000
const RECOVERY_MS_MAX = 2_500
/** Connections of their own: enough for each listener thread to get some. */
const REPETITIONS = 12

let rig: Awaited<ReturnType<typeof openRevocationRig>>
let redis: RedisServer
let one: RunningGateway
let other: RunningGateway

function settings() {
  return { redis: { nodes: [redis.address] } }
}

before(async () => {
  rig = await openRevocationRig()
  redis = await RedisServer.start()
  one = await rig.start(settings())
  other = await rig.start(settings())
})

after(async () => {
  await one.stop()
  await other.stop()
  await redis.stop()
  await rig.close()
})

function judgedOften(gateway: RunningGateway, token: string): Promise<readonly string[]> {
  return Promise.all(Array.from({ length: REPETITIONS }, () => judgedBy(gateway, token)))
}

async function assertAll(gateway: RunningGateway, token: string, expected: string): Promise<void> {
  const judged = await judgedOften(gateway, token)
  assert.deepEqual(new Set(judged), new Set([expected]))
}

/** Until no thread lets it pass. */
async function assertRefusedSoon(
  gateway: RunningGateway,
  token: string,
  withinMs: number,
): Promise<void> {
  await eventually(
    'it is refused',
    async () => (await judgedBy(gateway, token)) === 'token_revoked',
    withinMs,
  )
  await assertAll(gateway, token, 'token_revoked')
}

const KINDS: readonly (readonly [string, () => { claims: object; body: object }])[] = [
  [
    'token',
    () => {
      const jti = randomUUID()
      return { claims: { jti }, body: { jti, issuer: ISSUER } }
    },
  ],
  [
    'session',
    () => {
      const sid = randomUUID()
      return { claims: { sid }, body: { sid, issuer: ISSUER } }
    },
  ],
  [
    'session, named by the digest that upstreams see,',
    () => {
      const sid = randomUUID()
      const digest = hash('sha256', sid, 'hex')
      return { claims: { sid }, body: { sid: `sha256:${digest}`, issuer: ISSUER } }
    },
  ],
  [
    'subject',
    () => {
      const sub = randomUUID()
      return { claims: { sub }, body: { sub, issuer: ISSUER } }
    },
  ],
]

describe('what is revoked at one instance', () => {
  for (const [kind, make] of KINDS) {
    it(`ends a ${kind} in every thread at once, and everywhere within a second`, async () => {
      const { claims, body } = make()
      const token = rig.token({ ...claims })
      const untouched = rig.token()
      for (const gateway of [one, other]) {
        await assertAll(gateway, token, '200')
        await assertAll(gateway, untouched, '200')
      }
      const answer = await revoke(one, body)
      assert.equal(answer.status, 201)
      assert.equal(answer.body['outcome'], 'added')
      assert.equal(answer.body['spread'], true)
      assert.ok((answer.body['until'] as number) > wallSeconds() + 3_600)
      await assertAll(one, token, 'token_revoked')
      await assertRefusedSoon(other, token, SPREAD_MS_MAX)
      for (const gateway of [one, other]) await assertAll(gateway, untouched, '200')
    })
  }

  it('ends every text of a token: ECDSA has two signatures for each', async () => {
    const jti = randomUUID()
    const token = rig.token({ jti })
    const twin = withOtherSignature(token)
    await assertAll(one, token, '200')
    await assertAll(one, twin, '200')
    assert.equal((await revoke(one, { jti, issuer: ISSUER })).status, 201)
    await assertAll(one, token, 'token_revoked')
    await assertAll(one, twin, 'token_revoked')
    await assertRefusedSoon(other, twin, SPREAD_MS_MAX)
  })

  it('leaves what was issued to the subject later alone', async () => {
    const sub = randomUUID()
    const old = rig.token({ sub })
    const before = wallSeconds() - 30
    assert.equal((await revoke(one, { sub, issuer: ISSUER, before })).status, 201)
    await assertAll(one, old, 'token_revoked')
    await assertAll(one, rig.token({ sub, iat: wallSeconds() }), '200')
  })

  it('is known to an instance that starts later before it is ready', async () => {
    const jti = randomUUID()
    const token = rig.token({ jti })
    assert.equal((await revoke(one, { jti, issuer: ISSUER })).status, 201)
    const late = await rig.start(settings())
    try {
      await eventually('it is ready', () => late.isReady())
      await assertAll(late, token, 'token_revoked')
    } finally {
      await late.stop()
    }
  })

  it('is told to the security team without the name of anybody', async () => {
    const sub = `somebody-${randomUUID()}`
    const token = rig.token({ sub })
    assert.equal((await revoke(one, { sub, issuer: ISSUER, reason: 'lost phone' })).status, 201)
    await assertAll(one, token, 'token_revoked')
    const digest = hash('sha256', sub, 'hex')
    await eventually('both are logged', () =>
      Promise.resolve(
        one.log.some((line) => line['subjectDigest'] === digest) &&
          one.log.some((line) => line['reason'] === 'lost phone'),
      ),
    )
    assert.ok(!JSON.stringify(one.log).includes(sub))
  })

  it('is learnt past records that are none, which are counted', async () => {
    const unreadable = 'sallyport_revocation_records_unreadable_total'
    const order = 'revocation:{log}:order'
    const jti = randomUUID()
    const token = rig.token({ jti })
    const place = (Date.now() + 60_000) * 1_000
    for (const [more, record] of ['nothing', '{"version":1}', 'x'.repeat(100_000)].entries()) {
      await redis.command('zadd', order, place + more, record)
    }
    await eventually('they are counted', async () => (await other.metric(unreadable)) === 3)
    assert.equal((await revoke(one, { jti, issuer: ISSUER })).status, 201)
    await assertRefusedSoon(other, token, SPREAD_MS_MAX)
    assert.equal(await other.metric('sallyport_revocations_left_out'), 0)
    const caughtUp = 'sallyport_revocation_log_state{state="caught_up"}'
    assert.equal(await other.metric(caughtUp), 1)
  })

  it('ends all that an issuer has issued', async () => {
    const token = rig.token()
    const fresh = await rig.start({ revocation: { keyPrefix: 'alone:' }, ...settings() })
    const twin = await rig.start({ revocation: { keyPrefix: 'alone:' }, ...settings() })
    try {
      await assertAll(twin, token, '200')
      assert.equal((await revoke(fresh, { issuer: ISSUER })).status, 201)
      await assertAll(fresh, token, 'token_revoked')
      await assertRefusedSoon(twin, token, SPREAD_MS_MAX)
      await assertAll(one, token, '200')
      assert.equal(await twin.metric('sallyport_revocations'), 1)
    } finally {
      await fresh.stop()
      await twin.stop()
    }
  })
})

describe('without Redis', () => {
  it('is in force at once where it was made, and elsewhere when Redis is back', async () => {
    const jti = randomUUID()
    const token = rig.token({ jti })
    await assertAll(other, token, '200')
    await redis.kill()
    const answer = await revoke(one, { jti, issuer: ISSUER })
    assert.equal(answer.status, 201)
    await assertAll(one, token, 'token_revoked')
    await eventually('the outage is told', async () => {
      const response = await fetch(`${other.origin}/health/ready`)
      const body = (await response.json()) as Readonly<Record<string, unknown>>
      return response.ok && body['revocations'] === 'degraded'
    })
    await redis.up()
    await assertRefusedSoon(other, token, RECOVERY_MS_MAX)
  })

  it('an instance that starts is not ready before Redis has been read', async () => {
    await redis.kill()
    const late = await rig.start(settings())
    try {
      const response = await fetch(`${late.origin}/health/ready`)
      assert.equal(response.status, 503)
      const body = (await response.json()) as Readonly<Record<string, unknown>>
      assert.equal(body['status'], 'waiting_for_revocations')
      await redis.up()
      await eventually('it is ready', () => late.isReady(), 8_000)
    } finally {
      await late.stop()
    }
  })

  it('revocations stay with the instance, which says so', async () => {
    const alone = await rig.start()
    try {
      const jti = randomUUID()
      const token = rig.token({ jti })
      await assertAll(alone, token, '200')
      const { status, body } = await revoke(alone, { jti, issuer: ISSUER })
      assert.equal(status, 201)
      assert.equal(body['spread'], false)
      await assertAll(alone, token, 'token_revoked')
      const page = (await (await fetch(`${alone.adminOrigin}/status`)).json()) as {
        readonly revocations: { readonly size: number; readonly log: null }
      }
      assert.equal(page.revocations.size, 1)
      assert.equal(page.revocations.log, null)
    } finally {
      await alone.stop()
    }
  })
})
