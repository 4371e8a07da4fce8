/** What became of revocations when a replica that lags behind is made the master. */
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { RedisServer } from '../support/redis-server.ts'
import { reservePort } from '../support/reserved-port.ts'
import { ISSUER, judgedBy, openRevocationRig, revoke } from '../support/revocation-gateways.ts'
import { SwitchedProxy } from '../support/switched-proxy.ts'
import type { TestGateway } from '../support/test-gateway.ts'

const REVOKED = 'token_revoked'
const NAMES = ['a', 'b', 'c']

let rig: Awaited<ReturnType<typeof openRevocationRig>>
let master: RedisServer
let replica: RedisServer
/** The way on which the replica follows the master. */
let link: SwitchedProxy
/** The name by which gateways reach whichever is master. */
let name: SwitchedProxy
const opened: TestGateway[] = []

before(async () => {
  rig = await openRevocationRig()
})
after(() => rig.close())
beforeEach(async () => {
  master = await RedisServer.start(['--repl-diskless-sync-delay', '0'])
  link = await SwitchedProxy.start(master.port)
  replica = await RedisServer.start(['--replicaof', `127.0.0.1 ${link.port}`])
  await eventually('the replica follows', async () => {
    const facts = String(await replica.command('info', 'replication'))
    return facts.includes('master_link_status:up')
  })
  name = await SwitchedProxy.start(master.port)
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.stop()))
  await Promise.all([link.stop(), name.stop(), master.stop(), replica.stop()])
})

async function started(): Promise<TestGateway> {
  const gateway = await rig.start({ redis: { nodes: [name.address] } })
  opened.push(gateway)
  await eventually('ready', () => gateway.isReady())
  return gateway
}

/** Nothing that the master writes from now on reaches the replica. */
async function holdReplicaBack(): Promise<void> {
  const latest = async (server: RedisServer) => {
    return JSON.stringify(await server.command('xrevrange', 'revocation:new', '+', '-'))
  }
  await eventually('the replica has what there is', async () => {
    return (await latest(master)) === (await latest(replica))
  })
  link.target = await reservePort()
  link.cut()
}

/** As a manager of servers does it when the master is gone. */
async function promoteReplica(): Promise<void> {
  await master.kill()
  await replica.command('replicaof', 'no', 'one')
  name.target = replica.port
  name.cut()
}

async function isSent(gateway: TestGateway, jti: string): Promise<boolean> {
  const { status, body } = await revoke(gateway, { jti, issuer: ISSUER })
  assert.equal(status, 201)
  return body['sentToOtherInstances'] === true
}

async function held(server: RedisServer): Promise<number> {
  return Number(await server.command('zcount', 'revocation:live', '-inf', 9e9))
}

function hasLogged(gateway: TestGateway, event: string): boolean {
  return gateway.log.some((line) => line['event'] === event)
}

describe('revocations that a lagging replica does not have when it is made the master', () => {
  it('are sent again by who has read them, though their author is gone', async () => {
    const [author, survivor] = [await started(), await started()]
    await revoke(author, { jti: 'early', issuer: ISSUER })
    await holdReplicaBack()
    const tokens = NAMES.map((jti) => rig.token({ jti }))
    for (const jti of NAMES) assert.equal(await isSent(author, jti), true)
    for (const token of tokens) {
      await eventually('it is true', async () => (await judgedBy(survivor, token)) === REVOKED)
    }
    await author.kill()
    assert.equal(await held(replica), 1, 'it lags behind')
    await promoteReplica()
    await eventually('Redis has all again', async () => (await held(replica)) === 4)
    assert.ok(hasLogged(survivor, 'revocation_log_lost'))
    const newcomer = await started()
    for (const token of tokens) assert.equal(await judgedBy(newcomer, token), REVOKED)
  })

  it('are sent again by their author, even if no other instance has read them', async () => {
    const survivor = await started()
    await holdReplicaBack()
    const token = rig.token({ jti: 'lagging' })
    await revoke(survivor, { jti: 'lagging', issuer: ISSUER })
    // Not even itself: it looks every 200 ms.
    await promoteReplica()
    await eventually('it was noticed', () => hasLogged(survivor, 'revocation_log_lost'))
    await eventually('Redis has it again', async () => (await held(replica)) === 1)
    const newcomer = await started()
    assert.equal(await judgedBy(newcomer, token), REVOKED)
  })
})

describe('a master that takes no writes because its replica lags behind', () => {
  it('does not have a revocation, says the answer, and gets it when it takes writes', async () => {
    const [here, there] = [await started(), await started()]
    const token = rig.token({ jti: 'refused' })
    await master.command('config', 'set', 'min-replicas-max-lag', 1)
    await master.command('config', 'set', 'min-replicas-to-write', 1)
    await holdReplicaBack()
    await eventually('it takes nothing', async () => !(await isSent(here, 'probe')))
    assert.equal(await isSent(here, 'refused'), false)
    assert.equal(await judgedBy(there, token), '200', 'and it is not')
    await master.command('config', 'set', 'min-replicas-to-write', 0)
    await eventually('revoked there', async () => (await judgedBy(there, token)) === REVOKED)
    await master.command('config', 'resetstat')
    assert.equal(await isSent(here, 'later'), true)
    const calls = String(await master.command('info', 'commandstats'))
    assert.match(calls, /cmdstat_eval:calls=1,/, 'by one write into both keys, as before')
  })
})
