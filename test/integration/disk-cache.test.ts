/** Restarts during an outage of the identity provider, with keys on a real disk. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { DiskCache } from '../../src/keys/disk-cache.ts'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { JwksClients } from '../support/jwks-clients.ts'
import { es256Jwk, keySetDocument } from '../support/key-documents.ts'

describe('disk copy of a key set', () => {
  let directory: string
  let clients: JwksClients
  let server: FaultyServer

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-disk-'))
    clients = new JwksClients()
    server = await FaultyServer.start()
    server.publish(es256Jwk('one'))
  })
  afterEach(async () => {
    await clients.stopAll()
    await server.down()
    await rm(directory, { recursive: true, force: true })
  })

  function cache(copyOf = 'keys from here'): DiskCache {
    return new DiskCache(join(directory, 'made', 'on demand'), copyOf)
  }

  async function copyPath(): Promise<string> {
    const folder = join(directory, 'made', 'on demand')
    const names = await readdir(folder)
    assert.equal(names.length, 1, 'one file and no leftovers')
    return join(folder, names[0] ?? '')
  }

  it('is private, and is what was saved', async () => {
    const document = keySetDocument(es256Jwk('one'))
    assert.equal(await cache().save(Buffer.from('an older one'), 1), true)
    assert.equal(await cache().save(document, 42), true)
    const copy = await cache().load()
    assert.ok(copy.ok)
    assert.deepEqual(Buffer.from(copy.document), document)
    assert.equal(copy.savedAtMs, 42)
    assert.equal((await stat(await copyPath())).mode & 0o777, 0o600)
  })

  it('lets a restart during an outage serve, marked stale, and recover', async () => {
    const first = clients.create(server.jwksUri, {}, cache())
    await first.client.start()
    first.client.stop()
    await eventually('the copy is written', () => first.client.status().refreshesSucceeded === 1)
    assert.equal((await loaded()).ok, true)
    await server.down()

    const second = clients.create(server.jwksUri, {}, cache())
    await second.client.start()
    assert.deepEqual(second.keyIds(), ['one'])
    assert.equal(second.client.keySet().state, 'stale')
    assert.equal(second.client.status().hasHadKeys, true)
    assert.ok(second.eventTypes().includes('stale_keys_in_use'))

    await server.up()
    await eventually('it is fresh again', () => second.client.keySet().state === 'fresh')
  })

  async function loaded() {
    const deadlineMs = performance.now() + 5_000
    let copy = await cache().load()
    while (!copy.ok && performance.now() < deadlineMs) copy = await cache().load()
    return copy
  }

  it('serves no longer than staleMaxAge after the provider was last heard', async () => {
    const savedAtMs = Date.now() - 3_599_000
    await cache().save(server.document, savedAtMs)
    await server.down()
    const { client, keySets } = clients.create(server.jwksUri, {}, cache())
    await client.start()
    await eventually('the set dies', () => keySets.at(-1)?.state === 'dead')
  })

  it('is ignored when it is too old, or from a future that the clock has left', async () => {
    await server.down()
    for (const savedAtMs of [Date.now() - 3_600_001, Date.now() + 3_600_000]) {
      await cache().save(server.document, savedAtMs)
      const { client, events } = clients.create(server.jwksUri, {}, cache())
      await client.start()
      assert.equal(client.keySet().state, 'empty')
      assert.equal(events[0]?.reason, 'too_old')
    }
  })

  it('is ignored, with an event, when it is corrupt or not ours alone', async () => {
    await server.down()
    await cache().save(server.document, Date.now())
    const path = await copyPath()
    await chmod(path, 0o622)
    assert.deepEqual(await cache().load(), { ok: false, reason: 'unsafe_permissions' })
    await chmod(path, 0o600)
    for (const content of ['', 'null', '{"format":1}', '{"format":2}', 'x'.repeat(600_000)]) {
      await writeFile(path, content)
      assert.deepEqual(await cache().load(), { ok: false, reason: 'corrupt' })
    }
    const { client, events } = clients.create(server.jwksUri, {}, cache())
    await client.start()
    assert.equal(events[0]?.type, 'disk_cache_failed')
    assert.equal(client.keySet().state, 'empty')
  })

  it('is judged like an answer from the network', async () => {
    await server.down()
    await cache().save(keySetDocument({ kty: 'oct', k: 'c2VjcmV0' }), Date.now())
    const { client } = clients.create(server.jwksUri, {}, cache())
    await client.start()
    assert.equal(client.keySet().state, 'empty')
    assert.deepEqual(client.keySet().keys, [])
  })

  it('belongs to one source: keys of an old URL are not used for a new one', async () => {
    await cache('keys of old').save(server.document, Date.now())
    assert.deepEqual(await cache('keys of new').load(), { ok: false, reason: 'absent' })
  })

  it('that cannot be written costs an event and nothing else', async () => {
    await writeFile(join(directory, 'a file'), '')
    const unwritable = new DiskCache(join(directory, 'a file', 'below'), 'keys from here')
    const { client, events } = clients.create(server.jwksUri, { refreshIntervalMs: 10 }, unwritable)
    await client.start()
    assert.equal(client.keySet().state, 'fresh')
    await eventually('it refreshes on', () => client.status().refreshesSucceeded > 3)
    const told = events.filter((event) => event.reason === 'unwritable')
    assert.equal(told.length, 1)
  })
})
