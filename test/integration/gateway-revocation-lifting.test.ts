/** Revocations that are lifted, over instances that share a Redis, and what is refused aloud. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { wallSeconds } from '../support/live-token.ts'
import type { RedisServer } from '../support/redis-server.ts'
import {
  ISSUER,
  judgedBy,
  lift,
  logOut,
  OTHER_ISSUER,
  openRevocationPair,
  revoke,
} from '../support/revocation-gateways.ts'
import type { TestGateway } from '../support/test-gateway.ts'

const REVOKED = 'token_revoked'
const FLEET_MS_MAX = 1_000

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

async function isRevokedThere(token: string): Promise<void> {
  const ask = async () => (await judgedBy(there, token)) === REVOKED
  await eventually('revoked there', ask, FLEET_MS_MAX)
}

async function passesThere(token: string): Promise<void> {
  const ask = async () => (await judgedBy(there, token)) === '200'
  await eventually('lifted there', ask, FLEET_MS_MAX)
}

describe('a revocation that is lifted by its id', () => {
  for (const kind of ['jti', 'sid', 'sub'] as const) {
    it(`by ${kind} no longer counts, here at once and there in a second`, async () => {
      const value = randomUUID()
      const token = rig.token({ [kind]: value })
      const revoked = await revoke(here, { [kind]: value, issuer: ISSUER })
      assert.equal(revoked.status, 201)
      assert.match(String(revoked.body['id']), /^[0-9a-f]{32}$/)
      assert.equal(await judgedBy(here, token), REVOKED)
      await isRevokedThere(token)
      const lifted = await lift(there, String(revoked.body['id']))
      assert.equal(lifted.status, 200)
      assert.equal(await judgedBy(there, token), '200')
      await eventually('lifted', async () => (await judgedBy(here, token)) === '200', FLEET_MS_MAX)
    })
  }

  it('stays lifted in an instance that starts later, and for older records of the same', async () => {
    const value = randomUUID()
    const token = rig.token({ jti: value })
    const { body } = await revoke(here, { jti: value, issuer: ISSUER })
    await isRevokedThere(token)
    await lift(here, String(body['id']))
    await passesThere(token)
    const later = await start()
    try {
      await eventually('ready', () => later.isReady())
      assert.equal(await judgedBy(later, token), '200')
    } finally {
      await later.stop()
    }
  })

  it('may be made again, and then counts again everywhere, whatever end it names', async () => {
    const value = randomUUID()
    const token = rig.token({ jti: value })
    const asked = { jti: value, issuer: ISSUER, until: wallSeconds() + 3_600 }
    const { body } = await revoke(here, asked)
    await isRevokedThere(token)
    await lift(here, String(body['id']))
    await passesThere(token)
    assert.equal((await revoke(here, asked)).status, 201)
    assert.equal(await judgedBy(here, token), REVOKED)
    await isRevokedThere(token)
    const later = await start()
    try {
      await eventually('ready', () => later.isReady())
      assert.equal(await judgedBy(later, token), REVOKED)
    } finally {
      await later.stop()
    }
  })

  it('is found by what it names, so that a logout can be lifted, too', async () => {
    const sub = randomUUID()
    const token = rig.token({ sub })
    assert.equal((await logOut(here, rig.logoutToken({ sub }))).status, 200)
    assert.equal(await judgedBy(here, token), REVOKED)
    assert.equal((await lift(here, '', { sub, issuer: ISSUER })).status, 200)
    assert.equal(await judgedBy(here, token), '200')
  })

  it('is 404 when there is none, and 400 when it is no id, and says so', async () => {
    const unknown = await lift(here, '0'.repeat(32))
    assert.equal(unknown.status, 404)
    assert.match(String(unknown.body['message']), /no revocation/)
    const misspelt = await lift(here, 'a name')
    assert.equal(misspelt.status, 400)
    assert.match(String(misspelt.body['message']), /32 hexadecimal digits/)
    assert.equal((await lift(here, '', { sub: randomUUID(), issuer: ISSUER })).status, 404)
    assert.equal((await lift(here, '')).status, 400)
  })

  it('is read although its record has members of a later version', async () => {
    const value = randomUUID()
    const token = rig.token({ jti: value })
    const { body } = await revoke(here, { jti: value, issuer: ISSUER })
    const key = String(body['id'])
    await isRevokedThere(token)
    await lift(here, key)
    await passesThere(token)
    const until = Number(body['until']) + 5
    const record = { version: 3, kind: 'jti', key, watermark: null, until, colour: { of: 'later' } }
    await redis.command('XADD', 'revocation:new', '*', 'record', JSON.stringify(record))
    await isRevokedThere(token)
    assert.equal(await there.metric('sallyport_revocation_records_unreadable_total'), 0)
  })
})

describe('a revocation that can cover nothing', () => {
  it('is refused when the issuer is not configured, and says so', async () => {
    const nowhere = 'https://nowhere.example.com/'
    for (const body of [{ jti: 'a' }, { sid: 'a' }, { sub: 'a' }, {}]) {
      const answer = await revoke(here, { ...body, issuer: nowhere })
      assert.equal(answer.status, 422)
      assert.match(String(answer.body['message']), /issuer/)
    }
  })

  it('is refused without an issuer where there are neither sessions nor API keys', async () => {
    for (const body of [{ sid: 'a' }, { sub: 'a', issuer: null }]) {
      const answer = await revoke(here, body)
      assert.equal(answer.status, 422)
      assert.match(String(answer.body['message']), /neither sessions nor API keys/)
    }
  })

  it('is refused as a logout of a subject that identities are not named by', async () => {
    const settings = { claims: { subject: 'uid' }, logoutRevokes: 'session' }
    const renamed = await rig.start({}, settings)
    try {
      const answer = await logOut(renamed, rig.logoutToken({ sub: 'a' }))
      assert.equal(answer.status, 400)
      assert.match(String(answer.body['error_description']), /covers nothing/)
    } finally {
      await renamed.stop()
    }
  })
})

describe('a token whose clock is ahead of ours', () => {
  it('is covered by a revocation of its subject within the clock tolerance', async () => {
    const sub = randomUUID()
    const ahead = rig.token({ sub, iat: wallSeconds() + 3 })
    assert.equal(await judgedBy(here, ahead), '200')
    assert.equal((await revoke(here, { sub, issuer: ISSUER })).status, 201)
    assert.equal(await judgedBy(here, ahead), REVOKED)
    await isRevokedThere(ahead)
  })

  it('is covered by a revocation of its issuer, and one of later is not', async () => {
    const before = wallSeconds() + 2
    const [ahead, later] = [before, before + 2].map((iat) => rig.token({ iat }, OTHER_ISSUER))
    assert.equal((await revoke(here, { issuer: OTHER_ISSUER, before })).status, 201)
    assert.equal(await judgedBy(here, String(ahead)), REVOKED)
    assert.equal(await judgedBy(here, String(later)), '200')
  })
})
