/** One issuer's keys, fetched over real sockets from a provider that is not always well. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { KeyRing } from '../../src/keys/key-ring.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { eventually } from '../support/eventually.ts'
import { type Behaviour, FaultyServer } from '../support/faulty-server.ts'
import { aliveKeys } from '../support/generations.ts'
import { JwksClients, listenTo } from '../support/jwks-clients.ts'
import { es256Jwk, keySetDocument } from '../support/key-documents.ts'

const one = es256Jwk('one')
const two = es256Jwk('two')

/** Of a fetch that is to time out, while the first one is not. */
const TIMEOUT_MS = 1_000

describe('JWKS client', () => {
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

  describe('background refresh', () => {
    it('publishes the first set as soon as it is there', async () => {
      const { client, keySets } = clients.create(server.jwksUri)
      await client.start()
      assert.deepEqual(keySets, [client.keySet()])
      assert.equal(client.keySet().state, 'fresh')
      const { nextRefreshInMs } = client.status()
      assert.ok(nextRefreshInMs !== null && nextRefreshInMs > 50_000 && nextRefreshInMs <= 60_000)
    })

    it('comes at the latest at 75 % of the TTL', async () => {
      const { client } = clients.create(server.jwksUri, { cacheTtlMs: 10_000 })
      await client.start()
      const { nextRefreshInMs } = client.status()
      assert.ok(nextRefreshInMs !== null && nextRefreshInMs > 6_000 && nextRefreshInMs <= 7_500)
    })

    it('picks up a new key by itself', async () => {
      const { client, keyIds } = clients.create(server.jwksUri, { refreshIntervalMs: 20 })
      await client.start()
      server.publish(one, two)
      await eventually('the new key is in use', () => keyIds().includes('two'))
    })

    it('kills a withdrawn key before it hands out the set without it', async () => {
      const watched = clients.create(server.jwksUri, { refreshIntervalMs: 20 })
      server.publish(one, two)
      await watched.client.start()
      const before = watched.client.keySet()
      server.publish(two)
      await eventually('the set is handed out', () => watched.keySets.at(-1)?.keys.length === 1)
      assert.deepEqual(aliveKeys(before, watched.table), [false, true])
      assert.deepEqual(
        watched.events.filter((event) => event.type === 'key_removed').map((event) => event.keyId),
        ['one'],
      )
    })

    it('kills all keys when the provider publishes none, and then cannot decide', async () => {
      const watched = clients.create(server.jwksUri, { refreshIntervalMs: 20 })
      await watched.client.start()
      const before = watched.client.keySet()
      server.publish({ kty: 'oct', k: 'c2VjcmV0', kid: 'one' })
      await eventually('the keys are gone', () => watched.keySets.at(-1)?.keys.length === 0)
      assert.deepEqual(aliveKeys(before, watched.table), [false])
      assert.equal(watched.keySets.at(-1)?.state, 'empty')
      assert.equal(watched.client.status().lastFailure, 'no_usable_keys')
      assert.equal(watched.client.status().skipped[0]?.reason, 'symmetric_key')
      server.publish(one)
      await eventually('there are keys again', () => watched.client.keySet().state === 'fresh')
    })

    it('ends when it is stopped', async () => {
      const { client } = clients.create(server.jwksUri, { refreshIntervalMs: 10 })
      await client.start()
      await eventually('it refreshes', () => server.fetches > 1)
      client.stop()
      const { fetches } = server
      await delay(50)
      // One may have been on its way.
      assert.ok(server.fetches <= fetches + 1)
      assert.equal(client.status().nextRefreshInMs, null)
    })
  })

  describe('provider down at the start', () => {
    it('is empty, keeps trying, and has keys once it is up', async () => {
      await server.down()
      const { client, eventTypes, keySets } = clients.create(server.jwksUri)
      await client.start()
      assert.equal(client.status().hasHadKeys, false)
      assert.equal(client.status().lastFailure, 'unreachable')
      await eventually('it tries again', () => client.status().refreshesFailed >= 3)
      assert.deepEqual(keySets, [])
      await server.up()
      await eventually('it has keys', () => client.keySet().state === 'fresh')
      assert.equal(client.status().hasHadKeys, true)
      assert.equal(client.status().lastFailure, null)
      assert.ok(eventTypes().includes('jwks_refresh_failed'))
      assert.equal(eventTypes().at(-1), 'jwks_refresh_recovered')
    })
  })

  describe('provider down for a while', () => {
    const times = { cacheTtlMs: 80, refreshIntervalMs: 40, staleMaxAgeMs: 400 }

    it('serves on with stale keys, then cannot decide, then comes back with new lives', async () => {
      const watched = clients.create(server.jwksUri, times)
      const states = () => watched.keySets.map((keySet) => keySet.state)
      await watched.client.start()
      const before = watched.client.keySet()
      await server.down()

      await eventually('the set is stale', () => states().at(-1) === 'stale')
      assert.deepEqual(watched.client.keySet().keys, before.keys)
      assert.deepEqual(aliveKeys(before, watched.table), [true])
      assert.ok(watched.eventTypes().includes('stale_keys_in_use'))

      await eventually('the set is dead', () => states().at(-1) === 'dead')
      assert.deepEqual(watched.client.keySet().keys, [])
      assert.deepEqual(aliveKeys(before, watched.table), [false])
      assert.ok(watched.eventTypes().includes('keys_expired'))

      await server.up()
      await eventually('the set is back', () => watched.client.keySet().state === 'fresh')
      assert.deepEqual(aliveKeys(before, watched.table), [false])
      assert.deepEqual(aliveKeys(watched.client.keySet(), watched.table), [true])
      const told = watched.eventTypes().filter((type) => type === 'stale_keys_in_use')
      assert.equal(told.length, 1)
    })
  })

  describe('provider down while a token waits for a key', () => {
    it('is asked ever less often, and its outage is told once', async () => {
      const { client, eventTypes } = clients.create(server.jwksUri, {
        retry: { initialMs: 10, maxMs: 10_000 },
      })
      await client.start()
      server.behaviour = 'error'
      assert.equal((await client.resolveUnknownKey('forged')).outcome, 'unavailable')
      const told = () => eventTypes().filter((type) => type === 'jwks_refresh_failed').length
      await eventually('some attempts', () => client.status().consecutiveFailures >= 8)
      assert.equal(told(), 1)
      server.behaviour = 'good'
      await eventually('keys again', () => eventTypes().includes('jwks_refresh_recovered'))
      assert.equal(told(), 1)
    })
  })

  describe('provider that lies', () => {
    const lies: readonly (readonly [Behaviour, string])[] = [
      ['huge', 'too_large'],
      ['endless', 'too_large'],
      ['redirect', 'redirect'],
      ['page', 'not_json'],
      ['garbage', 'protocol'],
      ['cut', 'connection_lost'],
      ['error', 'status'],
      ['slow', 'timeout'],
      ['hanging', 'timeout'],
    ]
    for (const [behaviour, reason] of lies) {
      it(`keeps its keys while the provider is "${behaviour}", and says ${reason}`, async () => {
        const { client, keyIds, events } = clients.create(server.jwksUri, {
          refreshIntervalMs: 20,
          ...(reason === 'timeout' ? { timeoutMs: TIMEOUT_MS } : {}),
        })
        await client.start()
        const before = client.keySet()
        server.behaviour = behaviour
        await eventually('a refresh fails', () => client.status().refreshesFailed > 0)
        assert.deepEqual(client.keySet(), before)
        assert.equal(client.status().lastFailure, reason)
        assert.ok(events.some((event) => event.reason === reason))
        server.behaviour = 'good'
        server.publish(two)
        await eventually('it recovers', () => keyIds().includes('two'))
      })
    }

    it('keeps its keys when the provider publishes 10 000', async () => {
      const { client, keyIds } = clients.create(server.jwksUri, { refreshIntervalMs: 20 })
      await client.start()
      server.document = keySetDocument(...Array(10_000).fill({ kty: 'oct' }))
      await eventually('a refresh fails', () => client.status().refreshesFailed > 0)
      assert.equal(client.status().lastFailure, 'too_many_keys')
      assert.deepEqual(keyIds(), ['one'])
    })

    it('never opens a connection for a plain http URL on another machine', async () => {
      const { client } = clients.create('http://idp.invalid/jwks')
      await client.start()
      assert.equal(client.status().lastFailure, 'insecure_url')
    })
  })
})

/** Fetches that unknown `kid`s and bad signatures may cause at once. */
const BUDGET = 6

describe('unknown kid', () => {
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

  it('costs one fetch, and finds a key that was just published', async () => {
    const { client, keyIds } = clients.create(server.jwksUri)
    await client.start()
    server.publish(one, two)
    const { fetches } = server
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => client.resolveUnknownKey('two')),
    )
    assert.ok(answers.every((answer) => answer.outcome === 'refreshed'))
    assert.equal(server.fetches, fetches + 1)
    assert.deepEqual(keyIds(), ['one', 'two'])
  })

  it('costs no more than the budget of fetches, for 10 000 different ones', async () => {
    const watched = clients.create(server.jwksUri)
    await watched.client.start()
    const { fetches } = server
    const { ring, counts } = listenTo(watched)
    const flood = Array.from({ length: 8_000 }, (_, index) =>
      ring.resolveUnknownKey('main', `random-${index}`),
    )
    assert.deepEqual([...new Set(await Promise.all(flood))], ['unknown'])
    assert.equal(server.fetches, fetches + 1)
    const outcomes = new Set<string>()
    for (let index = 8_000; index < 10_000; index += 1) {
      outcomes.add(await ring.resolveUnknownKey('main', `random-${index}`))
    }
    // The last ones could not be asked about, so they are not called unknown.
    assert.deepEqual([...outcomes], ['unknown', 'unavailable'])
    assert.equal(server.fetches, fetches + BUDGET)
    assert.ok(counts.questions <= 2 * BUDGET, `${counts.questions} questions`)
  })

  it('keeps to the budget also without a listener that remembers', async () => {
    const { client } = clients.create(server.jwksUri)
    await client.start()
    const { fetches } = server
    const outcomes: string[] = []
    for (let index = 0; index < 10_000; index += 1) {
      outcomes.push((await client.resolveUnknownKey(`random-${index}`)).outcome)
    }
    assert.equal(outcomes.filter((outcome) => outcome === 'unknown').length, BUDGET)
    assert.equal(outcomes.filter((outcome) => outcome === 'unavailable').length, 10_000 - BUDGET)
    assert.equal(server.fetches, fetches + BUDGET)
    assert.equal(client.status().unknownKeyRefreshes, BUDGET)
  })

  it('that is made up every second does not keep a newly published one unknown', async () => {
    const { client } = clients.create(server.jwksUri, { unknownKidCooldownMs: 1_200 })
    await client.start()
    let isOver = false
    const forging = (async () => {
      for (let index = 0; !isOver; index += 1) {
        await client.resolveUnknownKey(`forged-${index}`)
        await delay(5)
      }
    })()
    await eventually('the budget is used up', () => client.status().unknownKeyRefreshes >= BUDGET)
    server.publish(one, two)
    const outcomes: string[] = []
    await eventually('the new key is found', async () => {
      outcomes.push((await client.resolveUnknownKey('two')).outcome)
      return outcomes.at(-1) === 'refreshed'
    })
    isOver = true
    await forging
    assert.ok(!outcomes.includes('unknown'), outcomes.join())
  })

  it('is looked for again only once in its own cooldown', async () => {
    const { client } = clients.create(server.jwksUri)
    await client.start()
    const { fetches } = server
    for (let index = 0; index < 100; index += 1) {
      assert.equal((await client.resolveUnknownKey('forged')).outcome, 'unknown')
    }
    assert.equal(server.fetches, fetches + 1)
    server.publish(one, two)
    assert.equal((await client.resolveUnknownKey('two')).outcome, 'refreshed')
  })

  it('of a key that was just withdrawn costs no fetch', async () => {
    const { client } = clients.create(server.jwksUri)
    await client.start()
    server.publish(two)
    assert.equal((await client.resolveUnknownKey('two')).outcome, 'refreshed')
    const { fetches } = server
    assert.equal((await client.resolveUnknownKey('one')).outcome, 'unknown')
    assert.equal(server.fetches, fetches)
  })

  it('is asked about again when the cooldown is over', async () => {
    const watched = clients.create(server.jwksUri, { unknownKidCooldownMs: 50 })
    await watched.client.start()
    const { ring, counts } = listenTo(watched)
    assert.equal(await ring.resolveUnknownKey('main', 'two'), 'unknown')
    server.publish(one, two)
    let outcome = 'unknown'
    while (outcome === 'unknown') {
      await delay(5)
      outcome = await ring.resolveUnknownKey('main', 'two')
    }
    assert.equal(outcome, 'refreshed')
    assert.ok(ring.keySet('main').keys.some((key) => key.keyId === 'two'))
    assert.ok(counts.questions >= 2)
  })

  it('does not let a kid that is known to be unknown use up the fetch of a new one', async () => {
    const { client } = clients.create(server.jwksUri, {
      unknownKidCooldownMs: 150,
      refreshIntervalMs: 40,
    })
    await client.start()
    assert.equal((await client.resolveUnknownKey('never')).outcome, 'unknown')
    // Refreshes go on and keep finding that the key is not there, past the cooldown.
    await delay(250)
    const { unknownKeyRefreshes } = client.status()
    assert.equal((await client.resolveUnknownKey('never')).outcome, 'unknown')
    assert.equal(client.status().unknownKeyRefreshes, unknownKeyRefreshes)
    server.publish(one, two)
    assert.equal((await client.resolveUnknownKey('two')).outcome, 'refreshed')
  })

  it('is not decided by a fetch that began before the question', async () => {
    const { client } = clients.create(server.jwksUri, { timeoutMs: TIMEOUT_MS })
    server.behaviour = 'hanging'
    const started = client.start()
    await eventually('the first fetch is on its way', () => server.requests.length > 0)
    const answer = client.resolveUnknownKey('two')
    server.behaviour = 'good'
    server.publish(one, two)
    assert.equal((await answer).outcome, 'refreshed')
    await started
  })

  for (const behaviour of ['error', 'hanging'] as const) {
    it(`cannot be decided, nor can a bad signature, while the provider is "${behaviour}"`, async () => {
      const { client } = clients.create(server.jwksUri, {
        retry: { initialMs: 9_000, maxMs: 9_000 },
        ...(behaviour === 'hanging' ? { timeoutMs: TIMEOUT_MS } : {}),
      })
      await client.start()
      server.behaviour = behaviour
      const { fetches } = server
      for (const keyId of ['two', 'two', 'three']) {
        assert.equal((await client.resolveUnknownKey(keyId)).outcome, 'unavailable')
      }
      assert.equal((await client.resolveUnknownKey(null)).outcome, 'unavailable')
      assert.equal(server.fetches, fetches + 4)
      assert.equal(client.keySet().state, 'fresh')
    })
  }

  it('cannot be decided when the supervisor does not answer', async () => {
    const ring = new KeyRing(
      { keySets: [], askTimeoutMs: 30 },
      () => new Promise(() => {}),
      systemClock,
    )
    const outcomes = ['a', 'a', 'b'].map((keyId) => ring.resolveUnknownKey('main', keyId))
    assert.deepEqual(await Promise.all(outcomes), ['unavailable', 'unavailable', 'unavailable'])
  })
})
