/** How a look at a body ends when the body does not come, or not for long, or must not be had. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { bodyMemory } from '../../src/proxy/body-memory.ts'
import { eventually, promptly } from '../support/eventually.ts'
import {
  assertMirrored,
  bodyOf,
  FRAMINGS,
  framed,
  type Handling,
  head,
  MIB,
  PATIENCE_MS,
  PEEK_BYTES,
  PeekingServer,
  turn,
} from '../support/peeking-server.ts'
import { exchangeRaw, openRaw, type RawConnection } from '../support/raw-http.ts'

/** Beyond the native server's clock, however its ticks fall. */
const BEYOND_NATIVE_CLOCK_MS = 14_000

let server: PeekingServer

before(async () => {
  server = await PeekingServer.start({})
})

after(() => server.close())

describe('a look at a body', () => {
  it('is over at once where there is no body', async () => {
    server.peekThenForward()
    const connection = await server.begun('GET /mirror HTTP/1.1\r\nHost: a\r\n\r\n')
    await assertMirrored(connection, Buffer.alloc(0))
    server.assertTold(Buffer.alloc(0))
    connection.destroy()
  })

  it('ends in time when the client stalls, who is told, and whose connection is closed', async () => {
    server.peekThenForward({ timeoutMs: 100 })
    for (const fields of ['Content-Length: 10\r\n', 'Transfer-Encoding: chunked\r\n']) {
      const startMs = performance.now()
      const connection = await server.begun(head(fields))
      const [answer] = await connection.waitForAnswers(1)
      assert.ok(performance.now() - startMs >= 99)
      assert.match(String(answer?.body), /^timed_out(?:\r\n)?$/)
      assert.deepEqual(server.told.splice(0), ['timed_out'])
      await connection.waitForClose()
    }
  })

  it('that has ended in time leaves the body readable', async () => {
    const chunks: Uint8Array[] = []
    server.handleAsync(async (exchange) => {
      server.note(await exchange.body.peek(PEEK_BYTES, 50))
      exchange.body.read(
        (chunk, isLast) => {
          chunks.push(chunk)
          if (isLast) exchange.send('200 OK', [], Buffer.concat(chunks))
        },
        (reason) => exchange.send('400 Failed', [], reason),
      )
    })
    const connection = await server.begun(`${head('Content-Length: 6\r\n')}abc`)
    await eventually('the time is over', () => server.told.length > 0)
    connection.send('def')
    await assertMirrored(connection, Buffer.from('abcdef'))
    assert.deepEqual(server.told.splice(0), ['timed_out'])
    connection.destroy()
  })

  it('ends when the client goes away', async () => {
    server.peekThenForward()
    for (const wire of [head('Content-Length: 10\r\n'), `${head('Content-Length: 10\r\n')}half`]) {
      const connection = await server.begun(wire)
      assert.deepEqual(server.told, [])
      connection.destroy()
      await eventually('it is told', () => server.told.length > 0)
      assert.deepEqual(server.told.splice(0), ['client_gone'])
      assert.equal(bodyMemory.heldBytes, 0)
    }
  })

  it('of a client that went away before, or of an answered request, ends as well', async () => {
    const seen: ClientExchange[] = []
    server.handle = (exchange) => seen.push(exchange)
    const connection = await server.begun(framed(Buffer.from('whole'), 'content-length'))
    const [exchange] = seen
    assert.ok(exchange)
    connection.destroy()
    await eventually('the client is gone', () => exchange.closed)
    assert.equal(await exchange.body.peek(PEEK_BYTES, PATIENCE_MS), 'client_gone')

    server.handle = (answered) => {
      const peek = () => {
        answered.body
          .peek(PEEK_BYTES, PATIENCE_MS)
          .then((outcome) => server.note(outcome), assert.ifError)
      }
      peek()
      answered.send('200 OK', [], 'early')
      peek()
    }
    const reply = await exchangeRaw(server.port, head('Content-Length: 10\r\n'))
    assert.equal(reply.answers[0]?.body.toString(), 'early')
    assert.deepEqual(server.told.splice(0), ['client_gone', 'client_gone'])
  })

  it('ends as soon as chunks exceed the limit of the body', async () => {
    const small = await PeekingServer.start({ bodyBytes: 1_000 })
    small.peekThenForward()
    const reply = await exchangeRaw(small.port, framed(bodyOf(1_001), 'chunked', '/mirror', 500))
    assert.match(String(reply.answers[0]?.body), /^too_large(?:\r\n)?$/)
    assert.ok(reply.closed)
    assert.deepEqual(small.told.splice(0), ['too_large'])
    const largest = await exchangeRaw(small.port, framed(bodyOf(1_000), 'chunked', '/mirror', 500))
    assert.equal(largest.answers[0]?.status, 200)
    small.assertTold(bodyOf(1_000))
    await small.close()
  })

  it('comes before the reader, and one at a time', async () => {
    const unread = () => assert.fail('nothing is read')
    const attempts: unknown[] = []
    server.handle = ({ body }) => {
      body.peek(1, PATIENCE_MS).then((outcome) => server.note(outcome), assert.ifError)
      assert.throws(() => body.peek(1, PATIENCE_MS), /a body is peeked at, then read/)
      assert.throws(() => body.read(unread, unread), /a peek ends before the body is read/)
      attempts.push(body)
    }
    const connection = await server.begun(head('Content-Length: 10\r\n'))
    assert.equal(attempts.length, 1)
    connection.destroy()
    await eventually('the peek is over', () => server.told.length > 0)
    assert.deepEqual(server.told.splice(0), ['client_gone'])

    server.handle = (exchange) => {
      exchange.body.read(unread, () => undefined)
      assert.throws(() => exchange.body.peek(1, PATIENCE_MS), /a body is peeked at, then read/)
      attempts.push(exchange)
      exchange.destroy()
    }
    await exchangeRaw(server.port, head('Content-Length: 10\r\n'))
    assert.equal(attempts.length, 2)
  })
})

describe('a request that is refused for what was seen of its body', () => {
  before(() => {
    server.handleAsync(async (exchange) => {
      await exchange.body.peek(10, PATIENCE_MS)
      exchange.send('429 Too Many Requests', [], 'no')
    })
  })

  it('leaves a connection that serves on when little of it is still to come', async () => {
    for (const length of [5, 10, 1_000, 60_000]) {
      const wire = framed(bodyOf(length), 'content-length')
      const split = wire.indexOf('\r\n\r\n') + 4 + Math.min(length, 20)
      const connection = await server.begun(wire.subarray(0, split))
      await connection.waitForAnswers(1)
      connection.send(wire.subarray(split))
      connection.send(framed(bodyOf(5), 'content-length'))
      const answers = await connection.waitForAnswers(2)
      assert.deepEqual(
        answers.map(({ status }) => status),
        [429, 429],
      )
      connection.destroy()
    }
  })

  it('loses its connection when much is to come, or nothing tells how much', async () => {
    for (const wire of [
      framed(bodyOf(200_000), 'content-length'),
      framed(bodyOf(200_000), 'chunked'),
      framed(bodyOf(20), 'chunked'),
    ]) {
      const reply = await exchangeRaw(server.port, wire.subarray(0, 5_000))
      assert.equal(reply.answers[0]?.status, 429)
      assert.ok(reply.closed)
    }
    await eventually('no memory is held', () => bodyMemory.heldBytes === 0)
    assert.deepEqual(server.errors, [])
  })
})

describe('4096 bodies that are looked at together', () => {
  const CLIENTS = 4_096
  const BATCH = 128
  const BOUND_BYTES = 64 * MIB
  const SHARE_BYTES = BOUND_BYTES / 4
  /** The one that fills the memory may be so much beyond. */
  const SLACK_BYTES = PEEK_BYTES / 2

  after(() => bodyMemory.bound(Number.POSITIVE_INFINITY))

  it('stay within a quarter of the memory of bodies, so that others go on', async () => {
    bodyMemory.bound(BOUND_BYTES)
    server.peekThenForward()
    const connections: RawConnection[] = []
    const part = bodyOf(PEEK_BYTES - 1)
    let highestBytes = 0
    // All are let in before any of them brings something.
    while (connections.length < CLIENTS) {
      const batch = Array.from({ length: BATCH }, () => openRaw({ port: server.port }))
      connections.push(...(await Promise.all(batch)))
      for (const connection of connections.slice(-BATCH)) {
        connection.send(head(`Content-Length: ${PEEK_BYTES}\r\n`))
      }
    }
    await server.barrier()
    for (let start = 0; start < CLIENTS; start += BATCH) {
      for (const connection of connections.slice(start, start + BATCH)) connection.send(part)
      await server.barrier()
      highestBytes = Math.max(highestBytes, bodyMemory.heldBytes)
    }
    await eventually('many are told', () => server.told.length > CLIENTS / 2)
    highestBytes = Math.max(highestBytes, bodyMemory.heldBytes)
    assert.ok(bodyMemory.admits(null) && !bodyMemory.admitsPeek(PEEK_BYTES))
    assert.ok(highestBytes > SHARE_BYTES / 2, `${highestBytes / MIB} MiB held`)
    assert.ok(highestBytes <= SHARE_BYTES + SLACK_BYTES, `${highestBytes / MIB} MiB held`)
    assert.deepEqual(new Set(server.told), new Set(['overloaded']))
    for (const connection of connections) connection.destroy()
    await eventually('all are told', () => server.told.length === CLIENTS)
    await eventually('all of it is free', () => bodyMemory.heldBytes === 0)
    assert.equal(bodyMemory.peekedBytes, 0)
    server.told.splice(0)
  })

  it('are told before they send anything when there is no memory left', async () => {
    bodyMemory.bound(MIB)
    bodyMemory.hold(MIB)
    server.peekThenForward()
    for (const fields of ['Content-Length: 10\r\n', 'Transfer-Encoding: chunked\r\n']) {
      const connection = await server.begun(head(fields))
      const [answer] = await connection.waitForAnswers(1)
      assert.match(String(answer?.body), /^overloaded(?:\r\n)?$/)
      await connection.waitForClose()
    }
    bodyMemory.release(MIB)
    server.told.splice(0)
  })
})

describe('beside the clock of the native server', { concurrency: true }, () => {
  const slowly = () => new Promise((resolve) => setTimeout(resolve, BEYOND_NATIVE_CLOCK_MS))
  const slowPath = `/slow?ms=${BEYOND_NATIVE_CLOCK_MS}`

  /** Has a server of its own, because many are asked at once. */
  async function answerTo(
    parts: readonly Buffer[],
    handlingOf: (own: PeekingServer) => Handling,
  ): Promise<string> {
    const own = await PeekingServer.start({})
    own.peekThenForward(handlingOf(own))
    const connection = await openRaw({ port: own.port })
    for (const part of parts) {
      connection.send(part)
      await own.barrier()
    }
    const [answer] = await connection.waitForAnswers(1, [], 3 * BEYOND_NATIVE_CLOCK_MS)
    connection.destroy()
    await own.close()
    assert.equal(answer?.status, 200, answer?.body.toString())
    return answer.body.toString()
  }

  function assertEchoed(text: string, body: Buffer): void {
    const echo = JSON.parse(text) as { readonly body: string }
    assert.ok(Buffer.from(echo.body, 'latin1').equals(body))
  }

  for (const framing of FRAMINGS) {
    for (const isLate of [false, true]) {
      const timing = isLate ? 'late' : 'at once'
      const before = (own: PeekingServer) => (isLate ? { before: () => own.barrier() } : {})

      it(`an upstream may take its time for a body seen ${timing} (${framing})`, async () => {
        const body = bodyOf(1_000)
        const wire = framed(body, framing, slowPath)
        const parts = [wire.subarray(0, 400), wire.subarray(400)]
        assertEchoed(await answerTo(parts, before), body)
      })

      it(`or for one of which the beginning was seen ${timing} (${framing})`, async () => {
        const body = bodyOf(300_000)
        const wire = framed(body, framing, slowPath)
        const parts = [wire.subarray(0, 90_000), wire.subarray(90_000)]
        const handling = (own: PeekingServer) => ({ ...before(own), between: turn })
        assertEchoed(await answerTo(parts, handling), body)
      })
    }

    it(`or for one of which the end came in the turn of the beginning (${framing})`, async () => {
      const body = bodyOf(100_000)
      const wire = framed(body, framing, slowPath, 70_000)
      const start = wire.indexOf('\r\n\r\n') + 4
      const parts = [wire.subarray(0, start), wire.subarray(start)]
      assertEchoed(await answerTo(parts, () => ({})), body)
    })

    it(`what follows may be kept waiting (${framing})`, async () => {
      const wire = framed(bodyOf(300_000), framing, '/upload')
      assert.equal(await answerTo([wire], () => ({ between: slowly })), '300000')
    })
  }

  it('a client that stalls is gone before a longer deadline', async () => {
    const own = await PeekingServer.start({}, { bodyMs: 1_000 })
    own.peekThenForward()
    const connection = await own.begun(`${head('Content-Length: 10\r\n')}half`)
    await promptly('it is cut', BEYOND_NATIVE_CLOCK_MS, [], () => own.told.length > 0)
    assert.deepEqual(own.told, ['too_slow'])
    connection.destroy()
    await own.close()
  })
})
