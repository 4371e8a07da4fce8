/** Revocations in a real Redis Cluster of six: one write where that can be, and a dead master. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { RedisCluster, type RedisServer } from '../support/redis-server.ts'
import { ISSUER, judgedBy, openRevocationRig, revoke } from '../support/revocation-gateways.ts'
import type { TestGateway } from '../support/test-gateway.ts'

const REVOKED = 'token_revoked'
const FAIL_OVER_MS_MAX = 60_000
const TOKENS = 20
/** Both keys at one node, or at two. */
const TOGETHER = '{revocation}:'
const APART = 'revocation:'

let cluster: RedisCluster
let rig: Awaited<ReturnType<typeof openRevocationRig>>
const opened: TestGateway[] = []

before(async () => {
  cluster = await RedisCluster.start()
  rig = await openRevocationRig()
})
after(async () => {
  await rig.close()
  await cluster.stop()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.stop()))
})

async function started(keyPrefix: string): Promise<TestGateway> {
  const redis = { mode: 'cluster', nodes: cluster.addresses, commandTimeout: '2s' }
  const gateway = await rig.start({ redis, revocation: { keyPrefix } })
  opened.push(gateway)
  await eventually('ready', () => gateway.isReady(), FAIL_OVER_MS_MAX)
  return gateway
}

/** How often a command was run at this node since its statistics were reset. */
async function callsAt(server: RedisServer, command: string): Promise<number> {
  const text = String(await server.command('info', 'commandstats'))
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(text)?.[1] ?? 0)
}

async function isSent(gateway: TestGateway, jti: string): Promise<boolean> {
  const { status, body } = await revoke(gateway, { jti, issuer: ISSUER })
  assert.equal(status, 201)
  return body['sentToOtherInstances'] === true
}

describe('revocations in a Redis Cluster', () => {
  for (const [where, keyPrefix] of [
    ['in keys at one node', TOGETHER],
    ['in keys at two nodes', APART],
  ] as const) {
    it(`reach everybody, though their author is killed after the answer: ${where}`, async () => {
      const [live, latest] = [
        await cluster.masterOf(`${keyPrefix}live`),
        await cluster.masterOf(`${keyPrefix}new`),
      ]
      assert.equal(live === latest, keyPrefix === TOGETHER)
      const [author, there] = [await started(keyPrefix), await started(keyPrefix)]
      const names = Array.from({ length: TOKENS }, (_, number) => `${keyPrefix}${number}`)
      await live.command('config', 'resetstat')
      const sent = await Promise.all(names.map((jti) => isSent(author, jti)))
      await author.kill()
      assert.ok(sent.every((it) => it))
      const newcomer = await started(keyPrefix)
      for (const jti of names) {
        const token = rig.token({ jti })
        await eventually('revoked there', async () => (await judgedBy(there, token)) === REVOKED)
        assert.equal(await judgedBy(newcomer, token), REVOKED)
      }
      assert.equal((await callsAt(live, 'eval')) > 0, live === latest, 'one write where it can be')
      const length = Number(await latest.command('xlen', `${keyPrefix}new`))
      assert.equal(length, 1 + TOKENS, 'each is told once')
    })
  }

  it('are written, and known, after the master of their keys has died', async () => {
    const [here, there] = [await started(TOGETHER), await started(TOGETHER)]
    assert.equal(await isSent(here, 'before-death'), true)
    const dying = await cluster.masterOf(`${TOGETHER}live`)
    await dying.kill()
    assert.equal(await isSent(here, 'meanwhile'), false, 'no node has it')
    assert.equal(await judgedBy(here, rig.token({ jti: 'meanwhile' })), REVOKED)
    const token = rig.token({ jti: 'meanwhile' })
    await eventually(
      'revoked there',
      async () => (await judgedBy(there, token)) === REVOKED,
      FAIL_OVER_MS_MAX,
    )
    assert.equal(await isSent(here, 'afterwards'), true)
    const newcomer = await started(TOGETHER)
    for (const jti of ['before-death', 'meanwhile', 'afterwards']) {
      assert.equal(await judgedBy(newcomer, rig.token({ jti })), REVOKED)
    }
  })
})
