/** Published keys for which there is no room, as a listener thread and the operator see them. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { findKeys } from '../../src/keys/find-keys.ts'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { createGenerations } from '../support/generations.ts'
import { JwksClients, listenTo } from '../support/jwks-clients.ts'
import { es256Jwk, keySetDocument } from '../support/key-documents.ts'

const one = es256Jwk('one')
const two = es256Jwk('two')

describe('keys for which there is no room', () => {
  let clients: JwksClients
  let server: FaultyServer

  beforeEach(async () => {
    clients = new JwksClients()
    server = await FaultyServer.start()
    server.publish(one)
  })
  afterEach(async () => {
    await clients.stopAll()
    await server.down()
  })

  it('are undecided, not unknown, until there is room', async () => {
    const generations = createGenerations(3)
    const other = clients.create(`${server.origin}/other`, {}, null, generations)
    server.documents.set('/other', keySetDocument(es256Jwk('of another issuer')))
    await other.client.start()
    const watched = clients.create(server.jwksUri, { refreshIntervalMs: 20 }, null, generations)
    await watched.client.start()
    const { ring } = listenTo(watched)
    ring.update(watched.client.keySet())
    server.publish(one, two)
    await eventually('both are seen', () => watched.client.status().withoutPlace.length === 1)
    // This thread has not heard of the new set yet.
    assert.equal(await ring.resolveUnknownKey('main', 'two'), 'refreshed')
    const selector = { issuer: '', algorithm: 'ES256', keyId: 'two' } as const
    assert.equal(findKeys(ring.keySet('main'), selector).found, 'unavailable')
    const told = () => watched.events.filter(({ type }) => type === 'key_without_place')
    assert.deepEqual(
      told().map(({ keyId }) => keyId),
      ['two'],
    )
    const { fetches } = server
    await eventually('it is fetched again', () => server.fetches >= fetches + 3)
    assert.equal(told().length, 1, 'it is told once')
    // The other issuer withdraws its only key.
    server.documents.set('/other', keySetDocument())
    await other.client.resolveUnknownKey('any')
    await eventually('it has a place', () => watched.keyIds().includes('two'))
    assert.deepEqual(watched.client.status().withoutPlace, [])
  })
})
