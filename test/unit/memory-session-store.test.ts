/** Sessions in memory behave as those in Redis do. */
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { storedUserOf } from '../../src/protocol/stored-user.ts'
import { EMPTY_IDENTITY } from '../../src/protocol/verification.ts'
import { MemorySessionStore } from '../../src/verifiers/session/memory-session-store.ts'
import {
  type RegistryRules,
  SessionRegistry,
} from '../../src/verifiers/session/session-registry.ts'
import { ManualClock } from '../support/manual-clock.ts'

const USER = { ...storedUserOf(EMPTY_IDENTITY), userId: 'alice' }

let clock: ManualClock
let store: MemorySessionStore

function registryWith(rules: RegistryRules): SessionRegistry {
  let count = 0
  return new SessionRegistry(store, rules, clock, () => {
    count += 1
    return `session-number-${count}`.padEnd(32, '0')
  })
}

beforeEach(() => {
  clock = new ManualClock()
  store = new MemorySessionStore(clock)
})

describe('the store in memory', () => {
  it('prolongs a value when it is read with a life, and not when without', async () => {
    await store.set('a', 'x', 10)
    clock.advanceMs(9_000)
    assert.deepEqual(await store.getex('a', 10), { ok: true, value: 'x' })
    clock.advanceMs(9_000)
    assert.deepEqual(await store.getex('a', null), { ok: true, value: 'x' })
    clock.advanceMs(1_000)
    assert.deepEqual(await store.getex('a', 10), { ok: true, value: null })
  })

  it('moves an end to later, never to earlier', async () => {
    await store.set('a', 'x', 10)
    const now = clock.nowSeconds()
    assert.deepEqual(await store.prolong('a', now + 5), { ok: true, value: 0 })
    assert.deepEqual(await store.prolong('a', now + 20), { ok: true, value: 1 })
    assert.deepEqual(await store.prolong('b', now + 20), { ok: true, value: 0 })
    clock.advanceMs(19_000)
    assert.deepEqual(await store.get('a'), { ok: true, value: 'x' })
    clock.advanceMs(1_000)
    assert.deepEqual(await store.get('a'), { ok: true, value: null })
  })

  it('keeps sorted sets', async () => {
    assert.deepEqual(await store.highestScore('s'), { ok: true, value: null })
    for (const [member, score] of [
      ['one', 9],
      ['two', 2],
      ['one', 1],
    ] as const) {
      await store.addMember('s', member, score)
    }
    assert.deepEqual(await store.highestScore('s'), { ok: true, value: 2 })
    assert.deepEqual(await store.removeMembersUpTo('s', 1), { ok: true, value: 1 })
    assert.deepEqual(await store.members('s'), { ok: true, value: ['two'] })
    assert.deepEqual(await store.removeMember('s', 'two'), { ok: true, value: 1 })
    assert.deepEqual(await store.removeMember('s', 'two'), { ok: true, value: 0 })
    assert.deepEqual(await store.delete('s'), { ok: true, value: 0 })
  })
})

describe('the sessions of a user in memory', () => {
  it('are listed until they end, and leave nothing behind', async () => {
    const rules = {
      keyPrefix: 'sess:',
      keyHash: 'sha256',
      ttlSeconds: 60,
      absoluteTtlSeconds: 60,
    } as const
    const registry = registryWith(rules)
    const listed = async () => {
      const sessions = await registry.listByUser('alice')
      return sessions === 'unavailable' ? -1 : sessions.length
    }
    await registry.create(USER)
    clock.advanceMs(40_000)
    await registry.create(USER)
    assert.equal(await listed(), 2)
    clock.advanceMs(20_000)
    assert.equal(await listed(), 1)
    clock.advanceMs(40_000)
    assert.equal(await listed(), 0)
    await registry.create(USER)
    assert.equal(await registry.deleteByUser('alice'), 1)
  })

  it('lists and ends each that a route may take, whatever others wrote into it since', async () => {
    const rules = {
      keyPrefix: 'sess:',
      keyHash: 'none',
      ttlSeconds: 3_600,
      absoluteTtlSeconds: 3_600,
    } as const
    const registry = registryWith(rules)
    const created = [await registry.create(USER), await registry.create(USER)]
    const [first, second] = created.map((it) => (it === 'unavailable' ? '' : `sess:${it.id}`))
    // Roles that no route may use; and a version that later instances read.
    const mistyped = { userId: 'alice', email: ['a@b', 'c@d'], roles: { admin: true } }
    await store.set(`${first}`, JSON.stringify(mistyped), 3_600)
    await store.set(`${second}`, JSON.stringify({ userId: 'alice', version: 2 }), 3_600)
    const listed = await registry.listByUser('alice')
    assert.ok(listed !== 'unavailable')
    assert.deepEqual(
      listed.map(({ roles, email }) => ({ roles, email })),
      [{ roles: [], email: null }],
    )
    assert.equal(await registry.deleteByUser('alice'), 2)
    assert.deepEqual(await store.get(`${first}`), { ok: true, value: null })
  })
})
