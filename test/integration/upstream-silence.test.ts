import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { UpstreamPool, UpstreamPoolOptions } from '../../src/proxy/upstream-pool.ts'
import { poolOf, rawUpstream } from '../support/opened-parts.ts'
import {
  ManualClock,
  TestForward,
  type TestForwardOptions,
  until,
} from '../support/proxy-harness.ts'

/** A thousand sweeps, which these tests make by themselves, on a clock of their own. */
const TIMEOUT_MS = 500_000
const STEP_MS = 500
const ALMOST = 900
const MORE = 200
const ENDLESS = 5_000
const TURNS_MS = 30
/** More than the buffers of any kernel hold. */
const FED_BYTES_MAX = 67_108_864

const clock = new ManualClock()

function sweep(pool: UpstreamPool, times: number): void {
  for (let time = 0; time < times; time += 1) {
    clock.ms += STEP_MS
    pool.sweep()
  }
}

/** A request to an upstream that says nothing by itself; its socket, once the request is there. */
async function underWay(
  options: TestForwardOptions = {},
  poolOptions: Partial<UpstreamPoolOptions> = {},
) {
  let socket: Socket | null = null
  const upstream = await rawUpstream((connection) => {
    socket = connection.socket
    return undefined
  })
  const timeouts = {
    responseTimeoutMs: TIMEOUT_MS,
    bodyTimeoutMs: TIMEOUT_MS,
  }
  const pool = poolOf([upstream.origin], { ...timeouts, ...poolOptions }, clock)
  const sent = new TestForward(pool, options)
  if (options.hasBody === true) sent.exchange.body.feed('first', false)
  await until(() => socket !== null, 'the request at the upstream')
  return { pool, sent, upstream, socket: socket as unknown as Socket }
}

/** A request that a sweep has cut learns of it some turns later. */
async function goesOn(sent: TestForward, why?: string): Promise<void> {
  await delay(TURNS_MS)
  assert.equal(sent.verdicts, 0, why)
}

/** Sends what an upstream that reads nothing leaves room for. @returns The bytes of it. */
async function feedUntilHeldBack({ exchange: { body } }: TestForward): Promise<number> {
  const chunk = Buffer.alloc(1_048_576)
  let fedBytes = 0
  while (fedBytes < FED_BYTES_MAX && !body.paused) {
    body.feed(chunk, false)
    fedBytes += chunk.length
    await new Promise(setImmediate)
  }
  assert.equal(body.paused, true, 'the client is held back')
  return fedBytes
}

describe('an upstream that says nothing', () => {
  it('is given its whole time, and not much more', async () => {
    const { pool, sent } = await underWay()
    // Up to a whole step may have passed before the request was sent.
    sweep(pool, TIMEOUT_MS / STEP_MS)
    await goesOn(sent)
    sweep(pool, 1)
    assert.equal((await sent.settled()).refusal, 'upstream_timeout')
    assert.equal(pool.stats.retries, 0)
  })

  it('has its whole time again after every interim answer', async () => {
    const { pool, sent, socket } = await underWay()
    for (let time = 0; time < 3; time += 1) {
      sweep(pool, ALMOST)
      await goesOn(sent)
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')
      // Both ends are in this process: what was written is read in one of the next turns.
      await delay(TURNS_MS)
    }
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    assert.equal((await sent.settled()).end, 'complete')
  })

  it('is not blamed while a client sends its body slowly', async () => {
    const { pool, sent, socket } = await underWay({ method: 'POST', hasBody: true })
    sweep(pool, ENDLESS)
    sent.exchange.body.feed('last', true)
    sweep(pool, ALMOST)
    await goesOn(sent, 'its time begins with the last byte')
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    assert.equal((await sent.settled()).end, 'complete')
  })

  it('is blamed when it stops taking the body', async () => {
    const { pool, sent, socket } = await underWay({ method: 'POST', hasBody: true })
    socket.pause()
    await feedUntilHeldBack(sent)
    sweep(pool, ALMOST + MORE)
    assert.equal((await sent.settled()).refusal, 'upstream_timeout')
  })

  it('is not blamed while it takes the body, however slowly', async () => {
    const { pool, sent, socket } = await underWay({ method: 'POST', hasBody: true })
    socket.pause()
    const fedBytes = await feedUntilHeldBack(sent)
    sent.exchange.body.feed('last', true)
    sweep(pool, ALMOST)
    let takenBytes = 0
    socket.on('data', (data: Buffer) => {
      takenBytes += data.length
    })
    socket.resume()
    await until(() => takenBytes > fedBytes, 'the rest at the upstream')
    sweep(pool, ALMOST)
    await goesOn(sent)
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    assert.equal((await sent.settled()).end, 'complete')
  })

  it('is given its whole time after each part of an answer', async () => {
    const { pool, sent, socket } = await underWay()
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nok')
    await until(() => sent.exchange.bodyBytes === 2, 'the first part')
    sweep(pool, ALMOST)
    socket.write('ok')
    await until(() => sent.exchange.bodyBytes === 4, 'the second part')
    sweep(pool, ALMOST)
    await goesOn(sent)
    sweep(pool, MORE)
    assert.equal((await sent.settled()).end, 'cut')
  })

  it('is not blamed while a client takes nothing, and is as soon as it does', async () => {
    const { pool, sent, socket } = await underWay({
      prepare: (exchange) => {
        exchange.slow = true
      },
    })
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nok')
    await until(() => sent.exchange.bodyBytes === 2, 'the head and the first part')
    socket.write('ok')
    await until(() => sent.exchange.holdBacks > 0, 'a client that is held back')
    sweep(pool, ENDLESS)
    await goesOn(sent)
    sent.exchange.drain()
    sweep(pool, ALMOST)
    await goesOn(sent)
    sweep(pool, MORE)
    assert.equal((await sent.settled()).end, 'cut')
  })

  it('is blamed when it answers and then says nothing, however much the client goes on to send', async () => {
    const { pool, sent, socket } = await underWay({ method: 'POST', hasBody: true })
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nok')
    await until(() => sent.exchange.bodyBytes === 2, 'the first part')
    for (let sends = 0; sends < 11 && sent.verdicts === 0; sends += 1) {
      sent.exchange.body.feed('more', false)
      sweep(pool, ALMOST / 9)
      await delay(1)
    }
    assert.equal((await sent.settled()).end, 'cut')
  })

  it('is not asked for a connection again by itself', async () => {
    const { pool, sent, upstream, socket } = await underWay()
    sweep(pool, ALMOST + MORE)
    await sent.settled()
    await until(() => socket.destroyed, 'the end of the connection')
    await delay(TURNS_MS)
    assert.equal(upstream.connections, 1)
    assert.equal(pool.stats.targets[0]?.connected, 0)
    assert.equal(pool.pending, 0)
  })

  it('has not been silent while the thread did not listen', async () => {
    const { pool, sent } = await underWay()
    clock.ms += TIMEOUT_MS * 2
    sweep(pool, ALMOST)
    await goesOn(sent)
    sweep(pool, MORE)
    assert.equal((await sent.settled()).refusal, 'upstream_timeout')
  })

  it('costs the next request on that target nothing', async () => {
    const { pool, sent, upstream } = await underWay({}, { connectionsPerTarget: 1 })
    sweep(pool, ALMOST + MORE)
    await sent.settled()
    const next = new TestForward(pool, {})
    await until(() => upstream.requests === 2, 'the next request at the upstream')
    sweep(pool, ALMOST)
    await goesOn(next, 'it has a time of its own')
    next.exchange.leave()
    assert.equal((await next.settled()).end, 'client_gone')
    await until(() => pool.pending === 0, 'the end of both attempts')
  })
})
