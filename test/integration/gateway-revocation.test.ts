/** Revocation over instances that share a Redis, and what becomes of it when that is away. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import type { RedisServer } from '../support/redis-server.ts'
import {
  ISSUER,
  judgedBy,
  OTHER_ISSUER,
  openRevocationPair,
  revoke,
  secondForm,
} from '../support/revocation-gateways.ts'
import type { TestGateway } from '../support/test-gateway.ts'

const REVOKED = 'token_revoked'
const FLEET_MS_MAX = 1_000

describe('revocation over two instances on one Redis', () => {
  let pair: Awaited<ReturnType<typeof openRevocationPair>>
  let redis: RedisServer
  let rig: typeof pair.rig
  let here: TestGateway
  let there: TestGateway
  let start: typeof pair.start

  before(async () => {
    pair = await openRevocationPair()
    ;({ redis, rig, here, there, start } = pair)
  })
  after(() => pair.close())

  const forms = [
    ['jti', ISSUER, { jti: 'a', sub: 'alice' }, { jti: 'a', issuer: ISSUER }],
    ['sid', ISSUER, { sid: 'b', sub: 'bob' }, { sid: 'b', issuer: ISSUER }],
    ['sub', ISSUER, { sub: 'carol' }, { sub: 'carol', issuer: ISSUER }],
    ['issuer', OTHER_ISSUER, { sub: 'dave' }, { issuer: OTHER_ISSUER }],
  ] as const
  for (const [kind, issuer, claims, body] of forms) {
    it(`refuses what was revoked by ${kind}, hot or not, here at once and there in a second`, async () => {
      const token = rig.token(claims, issuer)
      const spared = rig.token({ sub: `not ${claims.sub}` })
      for (const gateway of [here, there, here, there]) {
        assert.equal(await judgedBy(gateway, token), '200')
      }
      assert.equal((await revoke(here, body)).status, 201)
      assert.equal(await judgedBy(here, token), REVOKED)
      const isRevokedThere = async () => (await judgedBy(there, token)) === REVOKED
      await eventually('revoked there', isRevokedThere, FLEET_MS_MAX)
      const other = secondForm(token)
      assert.notEqual(other, token)
      assert.equal(await judgedBy(here, other), REVOKED)
      assert.equal(await judgedBy(there, other), REVOKED)
      assert.equal(await judgedBy(there, spared), '200')
    })
  }

  it('knows all of it before it is ready again, after a restart', async () => {
    const token = rig.token({ jti: 'restart' })
    await revoke(here, { jti: 'restart', issuer: ISSUER })
    const again = await start()
    try {
      await eventually('ready', () => again.isReady())
      assert.equal(await judgedBy(again, token), REVOKED)
    } finally {
      await again.stop()
    }
  })

  it('is in force at once where it was made while Redis is away, and elsewhere afterwards', async () => {
    const token = rig.token({ jti: 'outage' })
    assert.equal(await judgedBy(there, token), '200')
    await redis.kill()
    assert.equal((await revoke(here, { jti: 'outage', issuer: ISSUER })).status, 201)
    assert.equal(await judgedBy(here, token), REVOKED)
    assert.equal(await judgedBy(there, token), '200')
    assert.equal(await here.isReady(), true, 'an outage does not make it unready')
    await redis.up()
    await eventually('revoked there', async () => (await judgedBy(there, token)) === REVOKED)
  })

  it('keeps neither tokens nor names in Redis', async () => {
    await revoke(here, { sub: 'a very private name', issuer: ISSUER })
    await eventually('written', async () => (await redis.command('ZCARD', 'revocation:live')) !== 0)
    const live = JSON.stringify(await redis.command('ZRANGE', 'revocation:live', 0, -1))
    const latest = JSON.stringify(await redis.command('XRANGE', 'revocation:new', '-', '+'))
    assert.match(live, /sub/)
    assert.doesNotMatch(live + latest, /a very private name/)
  })

  it('is not ready before it has learnt what others revoked', async () => {
    await redis.kill()
    const blind = await start()
    try {
      const response = await fetch(`${blind.origin}/health/ready`)
      assert.equal(response.status, 503)
      assert.match(await response.text(), /waiting_for_revocations/)
      assert.equal(await judgedBy(blind, rig.token()), 'verifier_unavailable')
      assert.equal((await fetch(`${blind.origin}/open`)).status, 200)
      assert.equal((await fetch(`${blind.origin}/private`)).status, 401)
      await redis.up()
      await eventually('ready', () => blind.isReady())
      assert.equal(await judgedBy(blind, rig.token()), '200')
      await redis.kill()
      assert.equal(await judgedBy(blind, rig.token()), '200', 'learnt once is enough')
      await redis.up()
    } finally {
      await blind.stop()
    }
  })

  it('serves before it has learnt what others revoked where the configuration says so', async () => {
    await redis.kill()
    const settings = { redis: redis.patientSettings, revocation: { beforeReady: 'serve' } }
    const blind = await rig.start(settings)
    try {
      assert.equal(await blind.isReady(), false)
      assert.equal(await judgedBy(blind, rig.token()), '200')
    } finally {
      await redis.up()
      await blind.stop()
    }
  })
})
