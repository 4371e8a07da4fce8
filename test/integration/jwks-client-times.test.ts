/** One issuer's keys while the times change that they are kept by. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { DiskCache } from '../../src/keys/disk-cache.ts'
import type { JwksTimings } from '../../src/keys/refresh-schedule.ts'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { aliveKeys } from '../support/generations.ts'
import { JwksClients } from '../support/jwks-clients.ts'
import { es256Jwk } from '../support/key-documents.ts'

const TIMES: JwksTimings = {
  cacheTtlMs: 300_000,
  refreshIntervalMs: 60_000,
  unknownKidCooldownMs: 30_000,
  staleMaxAgeMs: 3_600_000,
  timeoutMs: 1_000,
}

describe('JWKS client with other times', () => {
  let clients: JwksClients
  let server: FaultyServer

  beforeEach(async () => {
    clients = new JwksClients()
    server = await FaultyServer.start()
    server.publish(es256Jwk('one'))
  })
  afterEach(async () => {
    await clients.stopAll()
    await server.down()
  })

  it('keeps its keys without a fetch, and counts the next one from the last', async () => {
    const { client, keySets } = clients.create(server.jwksUri, TIMES)
    await client.start()
    const before = client.keySet()
    client.adopt({ ...TIMES, refreshIntervalMs: 10_000 }, null)
    const { nextRefreshInMs } = client.status()
    assert.ok(nextRefreshInMs !== null && nextRefreshInMs > 8_000 && nextRefreshInMs < 10_000)
    assert.deepEqual(client.keySet(), before)
    assert.equal(server.fetches, 1)
    assert.equal(keySets.length, 1)
  })

  it('fetches at once what is overdue by them', async () => {
    const { client } = clients.create(server.jwksUri, TIMES)
    await client.start()
    client.adopt({ ...TIMES, refreshIntervalMs: 1 }, null)
    await eventually('it has fetched again', () => server.fetches > 1)
  })

  it('comes back to a provider that is down no later than it would have', async () => {
    const { client } = clients.create(server.jwksUri, { retry: { initialMs: 9_000, maxMs: 9_000 } })
    await server.down()
    await client.start()
    client.adopt(TIMES, null)
    const { nextRefreshInMs } = client.status()
    assert.ok(nextRefreshInMs !== null && nextRefreshInMs <= 9_000)
  })

  it('has stale keys fresh again where they may be older, and dead where they may not', async () => {
    const { client, table, keySets } = clients.create(server.jwksUri, { ...TIMES, cacheTtlMs: 1 })
    await client.start()
    await server.down()
    await eventually('they are stale', () => client.keySet().state === 'stale')
    const before = client.keySet()
    client.adopt(TIMES, null)
    assert.equal(keySets.at(-1)?.state, 'fresh')
    assert.deepEqual(aliveKeys(before, table), [true])
    client.adopt({ ...TIMES, cacheTtlMs: 1, staleMaxAgeMs: 0 }, null)
    assert.equal(keySets.at(-1)?.state, 'dead')
    assert.deepEqual(aliveKeys(before, table), [false])
    client.adopt(TIMES, null)
    assert.equal(client.keySet().state, 'dead')
  })

  it('puts copies into the new directory from the next set on', async (context) => {
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-times-'))
    context.after(() => rm(directory, { recursive: true, force: true }))
    const { client } = clients.create(server.jwksUri, TIMES)
    await client.start()
    const cache = new DiskCache(directory, 'elsewhere')
    client.adopt({ ...TIMES, refreshIntervalMs: 20 }, cache)
    await eventually('it is there', async () => (await cache.load()).ok)
  })
})
