/** Redis behind TLS: reached when its certificate is trusted, and not otherwise. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RedisNode } from '../../src/redis/redis-options.ts'
import { eventually } from '../support/eventually.ts'
import { RedisClients } from '../support/redis-clients.ts'
import { PATIENT } from '../support/redis-options.ts'
import { RedisServer } from '../support/redis-server.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'

describe('Redis behind TLS', () => {
  const clients = new RedisClients()
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-redis-tls-'))
  let server: RedisServer
  let node: RedisNode
  before(async () => {
    const certFile = join(directory, 'redis.crt')
    const keyFile = join(directory, 'redis.key')
    writeFileSync(certFile, SELF_SIGNED_CERTIFICATE.cert)
    writeFileSync(keyFile, SELF_SIGNED_CERTIFICATE.key)
    const started = await RedisServer.startWithTls(certFile, keyFile)
    server = started.server
    node = started.node
  })
  after(async () => {
    clients.closeAll()
    await server.stop()
    rmSync(directory, { recursive: true })
  })

  it('is reached when the authority is trusted', async () => {
    const tls = { ca: SELF_SIGNED_CERTIFICATE.cert, serverName: null }
    const { redis } = await clients.connect([node], { ...PATIENT, tls })
    assert.deepEqual(await redis.ping(), { ok: true, value: 'PONG' })
    const named = await clients.connect([node], {
      ...PATIENT,
      tls: { ...tls, serverName: 'localhost' },
    })
    assert.equal((await named.redis.ping()).ok, true)
  })

  const distrusted = [
    ['the authority is unknown', { ca: null, serverName: null }],
    ['the name is another', { ca: SELF_SIGNED_CERTIFICATE.cert, serverName: 'redis.example' }],
    ['it is asked without TLS', null],
  ] as const
  for (const [why, tls] of distrusted) {
    it(`is unavailable when ${why}`, async () => {
      const { redis, states } = clients.create([node], { tls })
      await eventually('it is told', () => states.length > 0)
      assert.deepEqual(states, ['unreachable'])
      assert.deepEqual(await redis.ping(), { ok: false, reason: 'unavailable' })
    })
  }
})
