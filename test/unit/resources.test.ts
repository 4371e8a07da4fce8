import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { UpstreamPool } from '../../src/proxy/upstream-pool.ts'
import { Resources, resourceKey } from '../../src/threads/resources.ts'
import { poolOf, rawUpstream } from '../support/opened-parts.ts'
import { send, TestForward, until } from '../support/proxy-harness.ts'
import { RAW_ANSWERS } from '../support/upstream-servers.ts'

const SETTINGS = { name: 'users', targets: ['http://127.0.0.1:9500'], timeouts: { connectMs: 1 } }

/** Real pools for one origin. */
function poolLife(origin: string) {
  return {
    create: () => poolOf([origin]),
    close: (pool: UpstreamPool) => pool.close(),
  }
}

describe('the key of a resource', () => {
  it('is the same for equal settings, in whichever order their members are', () => {
    const same = { timeouts: { connectMs: 1 }, targets: SETTINGS.targets, name: 'users' }
    assert.equal(resourceKey('pool', same), resourceKey('pool', SETTINGS))
  })

  it('is another for every setting that differs, and for another kind', () => {
    const variants: readonly unknown[] = [
      SETTINGS,
      { ...SETTINGS, name: 'Users' },
      { ...SETTINGS, name: null },
      { ...SETTINGS, name: 'null' },
      { ...SETTINGS, targets: [] },
      { ...SETTINGS, targets: ['a', 'b'] },
      { ...SETTINGS, targets: ['a,b'] },
      { ...SETTINGS, timeouts: { connectMs: 2 } },
      { ...SETTINGS, timeouts: { connectMs: '1' } },
      { ...SETTINGS, timeouts: { connectMs: Number.POSITIVE_INFINITY } },
      { ...SETTINGS, more: true },
    ]
    const keys = variants.map((settings) => resourceKey('pool', settings))
    keys.push(resourceKey('client', SETTINGS))
    assert.equal(new Set(keys).size, variants.length + 1)
  })

  it('tells no setting', () => {
    assert.ok(!resourceKey('client', { password: 'open sesame' }).includes('sesame'))
  })

  it('is not made of what could hide a difference', () => {
    for (const hidden of [() => {}, new Map(), Buffer.from('a'), undefined, Symbol('a')]) {
      assert.throws(() => resourceKey('pool', { hidden }), /plain values/)
    }
  })
})

describe('resources', () => {
  it('are one for all who take it with the same settings, and another with others', async () => {
    const upstream = await rawUpstream(() => RAW_ANSWERS.ok)
    const resources = new Resources()
    const [one, two] = [resources.lease(), resources.lease()]
    const life = poolLife(upstream.origin)
    const pool = one.take('pool', SETTINGS, life)
    assert.equal(two.take('pool', { ...SETTINGS }, life), pool)
    assert.notEqual(two.take('pool', { ...SETTINGS, name: 'orders' }, life), pool)
    assert.equal(resources.size, 2)
    await Promise.all([one.release(), two.release()])
    assert.equal(resources.size, 0)
  })

  it('serve on as long as anybody has them, and end with the last', async () => {
    let closed = 0
    const upstream = await rawUpstream(({ socket }) => {
      socket.once('close', () => {
        closed += 1
      })
      return RAW_ANSWERS.ok
    })
    const resources = new Resources()
    const [one, two] = [resources.lease(), resources.lease()]
    const life = poolLife(upstream.origin)
    const pool = one.take('pool', SETTINGS, life)
    two.take('pool', SETTINGS, life)
    assert.equal((await send(pool)).end, 'complete')
    await one.release()
    assert.equal((await send(pool)).end, 'complete')
    assert.equal(closed, 0)
    assert.equal(resources.size, 1)
    await two.release()
    await until(() => closed > 0, 'the connections of the pool to be closed')
    assert.equal(resources.size, 0)
  })

  it('are counted for each time that they were taken', async () => {
    const upstream = await rawUpstream(() => RAW_ANSWERS.ok)
    const resources = new Resources()
    const [one, two] = [resources.lease(), resources.lease()]
    const life = poolLife(upstream.origin)
    one.take('pool', SETTINGS, life)
    one.take('pool', SETTINGS, life)
    two.take('pool', SETTINGS, life)
    await one.release()
    // What a lease has given back already it does not give back again.
    await one.release()
    assert.equal(resources.size, 1)
    await two.release()
    assert.equal(resources.size, 0)
  })

  it('are made anew for who comes when the last one closes, and finish what runs', async () => {
    const held: (() => void)[] = []
    const upstream = await rawUpstream(({ socket }) => {
      held.push(() => socket.write(RAW_ANSWERS.ok))
      return undefined
    })
    const resources = new Resources()
    const life = poolLife(upstream.origin)
    const lease = resources.lease()
    const pool = lease.take('pool', SETTINGS, life)
    const running = new TestForward(pool, {})
    await until(() => held.length === 1, 'the request to arrive')
    const released = lease.release()
    const next = resources.lease()
    assert.notEqual(next.take('pool', SETTINGS, life), pool)
    for (const answer of held) answer()
    await released
    assert.equal((await running.settled()).end, 'complete')
    await next.release()
  })

  it('are not taken by a lease that was released', async () => {
    const lease = new Resources().lease()
    await lease.release()
    const life = { create: () => 1, close: () => {} }
    assert.throws(() => lease.take('pool', SETTINGS, life), /a lease that was released/)
  })
})
