/** What a 201 promises, and what survives when Redis loses its memory or its will to write. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { RedisServer } from '../support/redis-server.ts'
import {
  ISSUER,
  judgedBy,
  logOut,
  openRevocationRig,
  revoke,
} from '../support/revocation-gateways.ts'
import type { TestGateway } from '../support/test-gateway.ts'

type Settings = Readonly<Record<string, unknown>>

const REVOKED = 'token_revoked'
/** Longer than one turn of the event loop takes, shorter than an answer is waited for. */
const SLOW_MS = 300

let redis: RedisServer
let rig: Awaited<ReturnType<typeof openRevocationRig>>
let there: TestGateway
const opened: TestGateway[] = []

before(async () => {
  rig = await openRevocationRig()
})
after(() => rig.close())
beforeEach(async () => {
  redis = await RedisServer.start()
  there = await started()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.stop()))
  await redis.stop()
})

async function started(revocation: Settings = {}): Promise<TestGateway> {
  const gateway = await startedUnready(revocation)
  await eventually('ready', () => gateway.isReady())
  return gateway
}

async function startedUnready(revocation: Settings): Promise<TestGateway> {
  const gateway = await rig.start({ redis: { nodes: [redis.address] }, revocation })
  opened.push(gateway)
  return gateway
}

function isRevoked(gateway: TestGateway, token: string): () => Promise<boolean> {
  return async () => (await judgedBy(gateway, token)) === REVOKED
}

function hasLogged(gateway: TestGateway, event: string): boolean {
  return gateway.log.some((line) => line['event'] === event)
}

function logState(gateway: TestGateway, state: string): Promise<number> {
  return gateway.metric(`sallyport_revocation_log_state{state="${state}"}`)
}

describe('the answer to a revocation', () => {
  it('is true: it holds elsewhere when its author is killed right after it, six times', async () => {
    for (let round = 0; round < 6; round += 1) {
      const jti = `killed-${round}`
      const token = rig.token({ jti })
      const author = await started()
      assert.equal(await judgedBy(there, token), '200')
      await redis.pauseClients(SLOW_MS)
      const { status, body } = await revoke(author, { jti, issuer: ISSUER })
      await author.kill()
      assert.deepEqual([status, body['sentToOtherInstances']], [201, true])
      await eventually('revoked there', isRevoked(there, token))
    }
  })

  it('is true while Redis allows no scripts, and is written by one again when it does', async () => {
    const here = await started()
    await redis.command('acl', 'setuser', 'default', '-eval')
    const token = rig.token({ jti: 'in-steps' })
    const { body } = await revoke(here, { jti: 'in-steps', issuer: ISSUER })
    assert.equal(body['sentToOtherInstances'], true)
    await eventually('revoked there', isRevoked(there, token))
    await redis.command('acl', 'setuser', 'default', '+@all')
    await redis.command('config', 'resetstat')
    const later = await revoke(here, { jti: 'by-script', issuer: ISSUER })
    assert.equal(later.body['sentToOtherInstances'], true)
    assert.match(String(await redis.command('info', 'commandstats')), /cmdstat_eval:calls=1,/)
    await eventually('revoked there', isRevoked(there, rig.token({ jti: 'by-script' })))
  })

  it('says that others do not know yet while Redis is away, and they learn it later', async () => {
    const here = await started()
    const [one, two] = [rig.token({ jti: 'one' }), rig.token({ sub: 'two' })]
    await redis.kill()
    const { status, body } = await revoke(here, { jti: 'one', issuer: ISSUER })
    assert.deepEqual([status, body['sentToOtherInstances']], [201, false])
    const logout = await logOut(here, rig.logoutToken({ sub: 'two' }))
    assert.deepEqual([logout.status, logout.body['sentToOtherInstances']], [200, false])
    assert.ok(hasLogged(here, 'revocation_not_sent'))
    for (const token of [one, two]) assert.equal(await judgedBy(here, token), REVOKED)
    await redis.up()
    await eventually('one is revoked there', isRevoked(there, one))
    await eventually('two is revoked there', isRevoked(there, two))
    const logoutAgain = await logOut(here, rig.logoutToken({ sub: 'three' }))
    assert.equal(logoutAgain.body['sentToOtherInstances'], true)
  })

  it('is made true by an orderly end, when Redis comes back in that very moment', async () => {
    const here = await started()
    const token = rig.token({ jti: 'late' })
    await redis.kill()
    const { body } = await revoke(here, { jti: 'late', issuer: ISSUER })
    assert.equal(body['sentToOtherInstances'], false)
    const [exitCode] = await Promise.all([here.stop(), redis.up()])
    assert.equal(exitCode, 0)
    assert.equal(hasLogged(here, 'revocations_lost'), false)
    await eventually('revoked there', isRevoked(there, token))
  })

  it('is taken back aloud when the process ends while Redis is away', async () => {
    const here = await started()
    await redis.kill()
    await revoke(here, { jti: 'lost', issuer: ISSUER })
    assert.equal(await here.stop(), 0)
    const lost = here.log.find((line) => line['event'] === 'revocations_lost')
    assert.equal(lost?.['count'], 1)
    await redis.up()
  })
})

describe('revocations that wait to be sent when the process ends, with a directory for them', () => {
  let spoolDirectory: string
  beforeEach(() => {
    spoolDirectory = mkdtempSync(join(tmpdir(), 'sallyport-spool-'))
  })
  afterEach(() => rmSync(spoolDirectory, { recursive: true, force: true }))

  const files = () => readdirSync(spoolDirectory)
  const eventOf = (gateway: TestGateway, event: string) =>
    gateway.log.find((line) => line['event'] === event)

  it('are in force at once after the next start, and reach the others with Redis', async () => {
    const token = rig.token({ jti: 'kept' })
    const here = await started({ spoolDirectory })
    await redis.kill()
    const { body } = await revoke(here, { jti: 'kept', issuer: ISSUER })
    assert.equal(body['sentToOtherInstances'], false)
    assert.equal(await here.stop(), 0)
    assert.equal(hasLogged(here, 'revocations_lost'), false)
    assert.equal(eventOf(here, 'revocations_kept')?.['count'], 1)
    assert.equal(files().length, 1)

    // Once more without Redis: nothing is lost by that either.
    const again = await startedUnready({ spoolDirectory, beforeReady: 'serve' })
    assert.equal(eventOf(again, 'revocations_restored')?.['count'], 1)
    assert.equal(await judgedBy(again, token), REVOKED)
    assert.equal(await again.stop(), 0)
    assert.equal(files().length, 1)

    await redis.up()
    const last = await started({ spoolDirectory })
    await eventually('revoked there', isRevoked(there, token))
    assert.equal(await judgedBy(last, token), REVOKED)
    assert.equal(await last.stop(), 0)
    assert.deepEqual(files(), [], 'Redis has it')
  })

  it('are refused aloud when others could have written them', async () => {
    const here = await started({ spoolDirectory })
    await redis.kill()
    await revoke(here, { jti: 'forged', issuer: ISSUER })
    await here.stop()
    for (const name of files()) chmodSync(join(spoolDirectory, name), 0o666)
    await redis.up()
    const next = await started({ spoolDirectory })
    assert.equal(eventOf(next, 'revocation_spool_refused')?.['reason'], 'unsafe_permissions')
    assert.equal(await judgedBy(next, rig.token({ jti: 'forged' })), '200')
    assert.equal(files().length, 1)
  })
})

describe('revocations that Redis has lost', () => {
  const losses = [
    ['by FLUSHALL', () => redis.command('FLUSHALL')],
    [
      'by an empty server at its address',
      async () => {
        await redis.kill()
        await redis.up()
      },
    ],
  ] as const
  for (const [how, lose] of losses) {
    it(`are given back by who knows them, though their author is gone: lost ${how}`, async () => {
      const author = await started()
      const tokens = ['a', 'b', 'c'].map((jti) => rig.token({ jti }))
      for (const jti of ['a', 'b', 'c']) await revoke(author, { jti, issuer: ISSUER })
      await author.stop()
      for (const token of tokens) await eventually('revoked there', isRevoked(there, token))
      await lose()
      const newcomer = await started()
      for (const token of tokens) assert.equal(await judgedBy(newcomer, token), REVOKED)
      await eventually('it was noticed', () => hasLogged(there, 'revocation_log_lost'))
    })
  }

  it('are given back while new ones come in, and both reach everybody', async () => {
    const other = await started()
    const old = rig.token({ jti: 'old' })
    await revoke(other, { jti: 'old', issuer: ISSUER })
    await eventually('old is revoked there', isRevoked(there, old))
    await redis.command('FLUSHALL')
    const young = rig.token({ jti: 'young' })
    const { body } = await revoke(other, { jti: 'young', issuer: ISSUER })
    assert.equal(body['sentToOtherInstances'], true)
    await other.kill()
    await eventually('young is revoked there', isRevoked(there, young))
    const newcomer = await started()
    for (const token of [old, young]) assert.equal(await judgedBy(newcomer, token), REVOKED)
  })
})

describe('the state of the revocation log', () => {
  it('is not caught up while Redis takes nothing, and is again when it does', async () => {
    await eventually('caught up', async () => (await logState(there, 'caught_up')) === 1)
    await redis.becomeReplica()
    await eventually('cannot send', async () => (await logState(there, 'cannot_send')) === 1)
    assert.equal(await logState(there, 'caught_up'), 0)
    await redis.becomeMaster()
    await eventually('caught up', async () => (await logState(there, 'caught_up')) === 1)
  })
})
