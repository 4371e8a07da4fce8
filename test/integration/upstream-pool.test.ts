import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { closeLater, poolOf, rawUpstream, unusedOrigin } from '../support/opened-parts.ts'
import { createPool, ManualClock, send, TestForward, until } from '../support/proxy-harness.ts'
import { RAW_ANSWERS, startEchoUpstream, startRawUpstream } from '../support/upstream-servers.ts'

describe('targets that fail', () => {
  it('gives the next request to the target with the fewest pending', async () => {
    const first = await rawUpstream(() => undefined)
    const second = await rawUpstream(() => undefined)
    const pool = poolOf([first.origin, second.origin], { connectionsPerTarget: 8 })
    const sent: TestForward[] = []
    for (let count = 0; count < 8; count += 1) sent.push(new TestForward(pool, {}))
    assert.deepEqual(
      pool.stats.targets.map((target) => target.pending),
      [4, 4],
    )
    // Everything at one target ends: it gets what comes next.
    for (const [index, request] of sent.entries()) if (index % 2 === 0) request.exchange.leave()
    await until(() => pool.pending === 4, 'half of them to end')
    for (let count = 0; count < 4; count += 1) new TestForward(pool, {})
    assert.deepEqual(
      pool.stats.targets.map((target) => target.pending),
      [4, 4],
    )
  })

  it('leaves out a target that goes down, and takes it back when it returns', async () => {
    const clock = new ManualClock()
    const steady = await rawUpstream(() => RAW_ANSWERS.ok)
    const shaky = await startRawUpstream(() => RAW_ANSWERS.ok)
    const options = { ejectAfterFailures: 3, ejectionMs: 1_000, retryBurst: 100 }
    const pool = poolOf([steady.origin, shaky.origin], options, clock)
    const isEjected = (): boolean => pool.stats.targets[1]?.ejected === true
    for (let count = 0; count < 4; count += 1) await send(pool)
    await shaky.close()
    for (let count = 0; count < 8; count += 1) assert.equal((await send(pool)).end, 'complete')
    assert.equal(isEjected(), true)
    const retries = pool.stats.retries
    for (let count = 0; count < 8; count += 1) assert.equal((await send(pool)).end, 'complete')
    assert.equal(pool.stats.retries, retries, 'nothing is sent to it')

    clock.ms += 1_000
    assert.equal((await send(pool)).end, 'complete')
    assert.equal(pool.stats.retries, retries + 1, 'one request probed it')
    assert.equal((await send(pool)).end, 'complete')
    assert.equal(pool.stats.retries, retries + 1)

    clock.ms += 1_000
    await send(pool)
    assert.equal(pool.stats.retries, retries + 1, 'a failed probe doubles the time')

    const returned = await startRawUpstream(() => RAW_ANSWERS.ok, shaky.port)
    closeLater(returned)
    clock.ms += 1_000
    assert.equal((await send(pool)).end, 'complete')
    assert.equal(isEjected(), false)
    for (let count = 0; count < 4; count += 1) await send(pool)
    assert.ok(returned.requests >= 2)
  })

  it('probes with one request at a time', async () => {
    const clock = new ManualClock()
    const steady = await rawUpstream(() => RAW_ANSWERS.ok)
    let silent = false
    const shaky = await rawUpstream((connection) => {
      if (silent) return undefined
      connection.socket.resetAndDestroy()
      return undefined
    })
    const pool = poolOf([steady.origin, shaky.origin], { ejectAfterFailures: 1 }, clock)
    for (let count = 0; count < 3; count += 1) await send(pool)
    assert.equal(pool.stats.targets[1]?.ejected, true)
    const before = shaky.requests
    silent = true
    clock.ms += 60_000
    const probe = new TestForward(pool, {})
    await until(() => shaky.requests === before + 1, 'the probe')
    for (let count = 0; count < 5; count += 1) assert.equal((await send(pool)).end, 'complete')
    assert.equal(shaky.requests, before + 1)
    // A probe without a verdict makes room for another.
    probe.exchange.leave()
    await until(() => pool.pending === 0, 'the probe to end')
    new TestForward(pool, {})
    await until(() => shaky.requests === before + 2, 'another probe')
  })

  it('uses all targets when all are left out', async () => {
    const clock = new ManualClock()
    let up = false
    const upstream = await rawUpstream((connection) => {
      if (up) return RAW_ANSWERS.ok
      connection.socket.resetAndDestroy()
      return undefined
    })
    const options = { ejectAfterFailures: 1, retryBurst: 0 }
    const pool = poolOf([upstream.origin, await unusedOrigin()], options, clock)
    for (let count = 0; count < 6; count += 1) await send(pool)
    assert.deepEqual(
      pool.stats.targets.map((target) => target.ejected),
      [true, true],
    )
    up = true
    const ends = []
    for (let count = 0; count < 4; count += 1) ends.push((await send(pool)).end)
    assert.ok(ends.includes('complete'))
  })

  it('does not leave out a target for one bad answer that a client can provoke', async () => {
    const upstream = await rawUpstream(() => RAW_ANSWERS.oversizeHead)
    const other = await rawUpstream(() => RAW_ANSWERS.oversizeHead)
    const pool = poolOf([upstream.origin, other.origin], { ejectAfterFailures: 1 })
    for (let count = 0; count < 6; count += 1) await send(pool)
    assert.ok(pool.stats.targets.every((target) => !target.ejected))
  })

  it('comes back from an outage of its only target', async () => {
    const upstream = await startRawUpstream(() => RAW_ANSWERS.ok)
    const pool = poolOf([upstream.origin], { connectionsPerTarget: 2, retryBurst: 0 })
    assert.equal((await send(pool)).end, 'complete')
    await upstream.close()
    for (let count = 0; count < 20; count += 1) {
      const both = [new TestForward(pool, {}), new TestForward(pool, {}), new TestForward(pool, {})]
      for (const sent of both) assert.equal((await sent.settled()).refusal, 'upstream_unreachable')
    }
    closeLater(await startRawUpstream(() => RAW_ANSWERS.ok, upstream.port))
    assert.equal((await send(pool)).end, 'complete')
    assert.equal(pool.stats.faults, 0)
  })
})

describe('waiting for a connection', () => {
  it('serves in order of arrival as connections become free', async () => {
    const upstream = await startEchoUpstream()
    closeLater(upstream)
    const pool = poolOf([upstream.origin], { connectionsPerTarget: 2 })
    const sent: TestForward[] = []
    for (let count = 0; count < 20; count += 1) sent.push(new TestForward(pool, {}))
    assert.equal(pool.stats.targets[0]?.waiting, 18)
    for (const request of sent) assert.equal((await request.settled()).end, 'complete')
    assert.equal(upstream.connections, 2)
    assert.equal(pool.pending, 0)
  })

  it('refuses with overloaded when too many are pending', async () => {
    const upstream = await rawUpstream(() => undefined)
    const pool = poolOf([upstream.origin], { connectionsPerTarget: 1, pendingPerTargetMax: 2 })
    new TestForward(pool, {})
    new TestForward(pool, {})
    assert.equal((await send(pool)).refusal, 'overloaded')
    const withBody = new TestForward(pool, { method: 'POST', hasBody: true })
    withBody.exchange.body.feed('half', false)
    assert.equal(withBody.refusal, 'overloaded')
    assert.equal(withBody.exchange.closesAfterAnswer, true)
  })

  it('refuses with overloaded what has waited too long', async () => {
    const clock = new ManualClock()
    const upstream = await rawUpstream(() => undefined)
    const options = { connectionsPerTarget: 1, waitTimeoutMs: 5_000 }
    const pool = poolOf([upstream.origin], options, clock)
    new TestForward(pool, {})
    const early = new TestForward(pool, {})
    clock.ms += 3_000
    const late = new TestForward(pool, {})
    clock.ms += 3_000
    pool.sweep()
    assert.equal(early.refusal, 'overloaded')
    assert.equal(late.verdicts, 0)
    assert.equal(pool.pending, 2)
  })

  it('forgets a client that leaves while waiting', async () => {
    const upstream = await rawUpstream(() => undefined)
    const pool = poolOf([upstream.origin], { connectionsPerTarget: 1 })
    new TestForward(pool, {})
    const waiting = new TestForward(pool, {})
    waiting.exchange.leave()
    assert.equal(waiting.end, 'client_gone')
    assert.equal(pool.stats.targets[0]?.waiting, 0)
    assert.equal(pool.pending, 1)
  })
})

describe('closing a pool', () => {
  it('lets what runs and what waits finish first', async () => {
    const upstream = await startEchoUpstream()
    closeLater(upstream)
    const pool = poolOf([upstream.origin], { connectionsPerTarget: 1 })
    const sent = [
      new TestForward(pool, { path: '/slow?ms=30' }),
      new TestForward(pool, { path: '/slow?ms=30' }),
    ]
    await pool.close()
    for (const request of sent) assert.equal(request.end, 'complete')
  })

  it('ends everything at once when destroyed', async () => {
    const upstream = await rawUpstream(() => undefined)
    const pool = poolOf([upstream.origin], { connectionsPerTarget: 1 })
    const running = new TestForward(pool, {})
    const waiting = new TestForward(pool, {})
    await until(() => upstream.requests === 1, 'one to run')
    await pool.destroy()
    await nextTurn()
    assert.equal((await running.settled()).refusal, 'upstream_connection_lost')
    assert.equal((await waiting.settled()).refusal, 'overloaded')
  })

  it('refuses settings without a target or a connection', () => {
    assert.throws(() => createPool([]), RangeError)
    assert.throws(() => createPool(['http://a'], { connectionsPerTarget: 0 }), RangeError)
  })
})
