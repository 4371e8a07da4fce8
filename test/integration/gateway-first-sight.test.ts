/**
 * Credentials that do not say when they were issued: a revocation of their subject covers those
 * that were seen before it, and leaves the next login alone.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { expressCookie } from '../support/express-cookie.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { IntrospectionServer, json } from '../support/introspection-server.ts'
import { wallSeconds } from '../support/live-token.ts'
import { RedisServer } from '../support/redis-server.ts'
import {
  ISSUER,
  judgedBy,
  lift,
  logOut,
  openRevocationPair,
  revoke,
  secondForm,
} from '../support/revocation-gateways.ts'
import { newSessionId } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const REVOKED = 'token_revoked'
const SECRET = 'a secret of the login service'

/** A revocation covers the whole second that it falls into. */
async function nextSecond(): Promise<void> {
  const startedAtSeconds = wallSeconds()
  await eventually('the second is over', () => Promise.resolve(wallSeconds() > startedAtSeconds))
}

describe('a token without iat', () => {
  let pair: Awaited<ReturnType<typeof openRevocationPair>>
  let redis: RedisServer
  let rig: typeof pair.rig
  let here: TestGateway
  let there: TestGateway
  let start: typeof pair.start
  const undated = (sub: string) => rig.token({ sub, iat: undefined, jti: randomUUID() })

  before(async () => {
    pair = await openRevocationPair({ clockTolerance: '0s' })
    ;({ redis, rig, here, there, start } = pair)
  })
  after(() => pair.close())

  it('is refused everywhere after a logout when it was seen before, and one of later passes', async () => {
    const sub = randomUUID()
    const old = undated(sub)
    assert.equal(await judgedBy(here, old), '200')
    assert.equal((await logOut(here, rig.logoutToken({ sub }))).status, 200)
    assert.equal(await judgedBy(here, old), REVOKED)
    const isRevokedThere = async () => (await judgedBy(there, old)) === REVOKED
    await eventually('revoked there', isRevokedThere)
    await nextSecond()
    const later = undated(sub)
    for (const gateway of [here, there]) {
      assert.equal(await judgedBy(gateway, later), '200')
      assert.equal(await judgedBy(gateway, old), REVOKED)
      assert.equal(await judgedBy(gateway, secondForm(old)), REVOKED, 'its other signature')
    }
  })

  it('is known to an instance that starts after the revocation', async () => {
    const sub = randomUUID()
    const old = undated(sub)
    assert.equal(await judgedBy(here, old), '200')
    assert.equal((await revoke(here, { sub, issuer: ISSUER })).status, 201)
    await nextSecond()
    const again = await start()
    try {
      await eventually('ready', () => again.isReady())
      assert.equal(await judgedBy(again, old), REVOKED)
      assert.equal(await judgedBy(again, undated(sub)), '200')
    } finally {
      await again.stop()
    }
  })

  it('is 503 while it is unknown when it was first seen, and only where that matters', async () => {
    const [sub, other] = [randomUUID(), randomUUID()]
    assert.equal((await revoke(here, { sub, issuer: ISSUER })).status, 201)
    await nextSecond()
    await redis.kill()
    const [undecided, free] = [undated(sub), undated(other)]
    assert.equal(await judgedBy(here, undecided), 'verifier_unavailable')
    assert.equal(await judgedBy(here, free), '200')
    await redis.up()
    await eventually('decided', async () => (await judgedBy(here, undecided)) === '200')
  })

  it('is decided by one process alone where nothing is shared', async () => {
    const alone = await rig.start()
    try {
      const sub = randomUUID()
      const old = undated(sub)
      assert.equal(await judgedBy(alone, old), '200')
      assert.equal((await logOut(alone, rig.logoutToken({ sub }))).status, 200)
      await nextSecond()
      assert.equal(await judgedBy(alone, old), REVOKED)
      assert.equal(await judgedBy(alone, undated(sub)), '200')
      assert.equal((await lift(alone, '', { sub, issuer: ISSUER })).status, 200)
      assert.equal(await judgedBy(alone, old), '200')
    } finally {
      await alone.stop()
    }
  })
})

describe('an opaque token', () => {
  let endpoint: IntrospectionServer
  let parts: TestGateway
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const startWith = (issuer: object) =>
    openGateway({
      issuers: {
        opaque: {
          issuer: ISSUER,
          audiences: ['https://api.example.com'],
          clockTolerance: '0s',
          introspection: {
            endpoint: endpoint.url,
            clientId: 'gateway',
            clientSecret: 'secret',
            cacheTtl: '1s',
          },
          ...issuer,
        },
      },
      routes: { '/*': { authenticate: ['introspection'] } },
    })

  before(async () => {
    endpoint = await IntrospectionServer.start()
    parts = await startWith({})
  })

  after(async () => {
    await parts.stop()
    await endpoint.down()
  })

  it('whose answer has no iat is refused after a revocation of its subject, and a new one is not', async () => {
    const sub = randomUUID()
    endpoint.reply = json({ active: true, sub })
    const [old, later] = [randomUUID(), randomUUID()]
    assert.equal(outcomeOf(await parts.ask('/', bearer(old))), 'passed')
    assert.equal((await revoke(parts, { sub, issuer: ISSUER })).status, 201)
    await nextSecond()
    assert.equal(outcomeOf(await parts.ask('/', bearer(later))), 'passed')
    const asked = endpoint.requests.length
    const isAskedAnew = async () => {
      assert.equal(outcomeOf(await parts.ask('/', bearer(old))), `401 ${REVOKED}`)
      return endpoint.requests.length > asked
    }
    await eventually('the endpoint is asked anew', isAskedAnew)
  })

  it('without exp stays revoked for as long as its issuer may call it good', async () => {
    const jti = randomUUID()
    const { body } = await revoke(parts, { jti, issuer: ISSUER })
    assert.ok(Number(body['until']) >= wallSeconds() + 399 * 86_400)
  })

  it('without exp is refused once it is older than its issuer lets any token be', async () => {
    const bounded = await startWith({ credentialLifetimeMax: '1m' })
    try {
      endpoint.reply = json({ active: true, sub: 'a', iat: wallSeconds() - 56 })
      const headers = bearer(randomUUID())
      assert.equal(outcomeOf(await bounded.ask('/', headers)), 'passed')
      const isOld = async () => outcomeOf(await bounded.ask('/', headers)) === '401 token_expired'
      await eventually('it is too old', isOld)
      const { body } = await revoke(bounded, { jti: 'a', issuer: ISSUER })
      assert.ok(Number(body['until']) <= wallSeconds() + 60)
    } finally {
      await bounded.stop()
    }
  })
})

describe('a session that does not say when it began', () => {
  let redis: RedisServer
  let parts: TestGateway
  let there: TestGateway
  const startWith = (sessions: object) =>
    openGateway({
      redis: redis.patientSettings,
      sessions: {
        format: 'express-session',
        secrets: [SECRET],
        pointers: { userId: '/user/id' },
        ...sessions,
      },
      routes: { '/*': { authenticate: ['session'] } },
    })

  before(async () => {
    redis = await RedisServer.start()
    parts = await startWith({})
    there = await startWith({})
  })

  after(async () => {
    await parts.stop()
    await there.stop()
    await redis.stop()
  })

  async function logIn(userId: string, more: object = {}): Promise<Record<string, string>> {
    const id = newSessionId()
    const record = { cookie: { originalMaxAge: null }, user: { id: userId }, ...more }
    await redis.command('SET', `sess:${id}`, JSON.stringify(record), 'EX', '3600')
    return { cookie: expressCookie(id, SECRET) }
  }

  it('is refused after a revocation of its user, and the next login is not', async () => {
    const userId = randomUUID()
    const old = await logIn(userId)
    assert.equal(outcomeOf(await parts.ask('/', old)), 'passed')
    assert.equal((await revoke(parts, { sub: userId, issuer: null })).status, 201)
    assert.equal(outcomeOf(await parts.ask('/', old)), `401 ${REVOKED}`)
    await nextSecond()
    const later = await logIn(userId)
    assert.equal(outcomeOf(await parts.ask('/', later)), 'passed')
    const isRefusedThere = async () => outcomeOf(await there.ask('/', old)) === `401 ${REVOKED}`
    await eventually('refused there', isRefusedThere)
    assert.equal(outcomeOf(await there.ask('/', later)), 'passed')
  })

  it('ends with absoluteTtl all the same, counted from its first sight, over all instances', async () => {
    const bounded = await startWith({ absoluteTtl: '2s' })
    const other = await startWith({ absoluteTtl: '2s' })
    try {
      const cookie = await logIn(randomUUID())
      assert.equal(outcomeOf(await bounded.ask('/', cookie)), 'passed')
      const startedAtSeconds = wallSeconds()
      const isOver = async () => outcomeOf(await bounded.ask('/', cookie)) !== 'passed'
      await eventually('it is over', isOver)
      assert.ok(wallSeconds() <= startedAtSeconds + 3)
      assert.notEqual(outcomeOf(await other.ask('/', cookie)), 'passed')
    } finally {
      await bounded.stop()
      await other.stop()
    }
  })
})
