/** Connections that are answered before their request is complete, within their bounds. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { eventually, promptly } from '../support/eventually.ts'
import {
  type RunningServer,
  type RunningServerOptions,
  startServer,
} from '../support/native-server.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'

const MIB = 1_048_576
const UPLOAD_BYTES = 300_000
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
const NOTICED_MS = 3_000

const bytes = Buffer.from('refused')

/** Ways in which a handler answers at once. */
const ANSWERS: Readonly<Record<string, (exchange: ClientExchange) => void>> = {
  'its own text': (exchange) => exchange.answer('401 Unauthorized', [], 'refused'),
  'the whole body of an upstream': (exchange) => exchange.send('401 Unauthorized', [], bytes),
  'a head alone': (exchange) => exchange.sendHead('304 Not Modified', [], null),
  'a stream of a declared length': (exchange) => {
    exchange.start('401 Unauthorized', [], bytes.length + 1)
    exchange.write(bytes)
    exchange.write(Buffer.from('!'))
    exchange.finish()
  },
  'a stream in chunks': (exchange) => {
    exchange.start('401 Unauthorized', [], null)
    exchange.write(bytes)
    exchange.write(bytes)
    exchange.finish()
  },
}

const refuse = (exchange: ClientExchange) => exchange.answer('401 Unauthorized', [], 'refused')

async function withServer(
  handle: (exchange: ClientExchange) => void,
  options: RunningServerOptions,
  use: (running: RunningServer) => Promise<void>,
): Promise<void> {
  const running = await startServer(handle, options)
  try {
    await use(running)
    assert.deepEqual(running.errors, [])
  } finally {
    running.server.closeAll()
  }
}

/** A connection whose upload was answered when only its head had come. */
async function answered(port: number, fields: string, path = '/'): Promise<RawConnection> {
  const connection = await openRaw({ port })
  connection.send(`POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
  await connection.waitForAnswers(1)
  return connection
}

describe('bytes behind an upload that was answered early', { concurrency: true }, () => {
  for (const [name, answer] of Object.entries(ANSWERS)) {
    for (const isClosing of [false, true]) {
      const who = isClosing ? ' to a client that sends Connection: close' : ''
      it(`are never a request, behind ${name}${who}`, async () => {
        await withServer(answer, {}, async ({ port, handled }) => {
          const length = `Content-Length: ${UPLOAD_BYTES}\r\n`
          const fields = isClosing ? `Connection: close\r\n${length}` : length
          const connection = await answered(port, fields)
          connection.send('x'.repeat(UPLOAD_BYTES) + SMUGGLED + SMUGGLED)
          await connection.waitForClose()
          assert.deepEqual(handled, ['/'])
          assert.equal((await connection.waitForAnswers(1)).length, 1)
        })
      })
    }
  }

  it('are never a request, behind chunks and behind a refusal of the server', async () => {
    await withServer(refuse, {}, async ({ port, handled, refused }) => {
      const chunked = await answered(port, 'Transfer-Encoding: chunked\r\n')
      chunked.send(`5\r\nfirst\r\n0\r\n\r\n${SMUGGLED}`)
      await chunked.waitForClose()
      const malformed = await answered(port, `Content-Length: ${UPLOAD_BYTES}\r\n`, '/a//b')
      malformed.send('x'.repeat(UPLOAD_BYTES) + SMUGGLED)
      await malformed.waitForClose()
      assert.deepEqual(handled, ['/'])
      assert.deepEqual(refused, ['request_malformed'])
    })
  })
})

describe('a connection that lingers', { concurrency: true }, () => {
  const huge = `Content-Length: ${1_000 * MIB}\r\n`
  const limits = { bodyBytes: 2_000 * MIB }

  it('is cut when its client sends for ever', async () => {
    const lingering = { sweepsMax: 3, quietSweepsMax: 100 }
    await withServer(refuse, { limits, lingering, engine: 'native' }, async ({ port }) => {
      const connection = await answered(port, huge)
      const timer = setInterval(() => connection.send('x'), 100)
      await connection.waitForClose(3_000 + NOTICED_MS)
      clearInterval(timer)
    })
  })

  it('is cut when its client sends nothing', async () => {
    const lingering = { sweepsMax: 100, quietSweepsMax: 2 }
    await withServer(refuse, { limits, lingering, engine: 'native' }, async ({ port }) => {
      const connection = await answered(port, huge)
      await connection.waitForClose(2_000 + NOTICED_MS)
    })
  })

  it('is read no further than its bytes', async () => {
    await withServer(refuse, { limits, lingering: { bytesMax: MIB } }, async ({ port }) => {
      const connection = await answered(port, huge)
      const block = Buffer.alloc(MIB)
      const timer = setInterval(() => connection.send(block), 20)
      await connection.waitForClose(2_000 + NOTICED_MS)
      clearInterval(timer)
      // What both kernels hold of a connection comes on top.
      const taken = connection.socket.bytesWritten
      assert.ok(taken < 24 * MIB, `${taken} bytes`)
    })
  })

  it('makes room for a later one when there are too many', async () => {
    await withServer(
      refuse,
      { lingering: { connectionsMax: 2, quietSweepsMax: 100 }, engine: 'native' },
      async ({ port }) => {
        const connections: RawConnection[] = []
        for (let count = 0; count < 4; count += 1) {
          connections.push(await answered(port, 'Content-Length: 100000\r\n'))
        }
        await Promise.all(connections.slice(0, 2).map((connection) => connection.waitForClose()))
        assert.deepEqual(
          connections.slice(2).map(({ closed }) => closed),
          [false, false],
        )
        for (const connection of connections) connection.destroy()
      },
    )
  })

  it('makes room on node:http too, for clients that begin in one turn and never close', async () => {
    const lingering = { connectionsMax: 2, quietSweepsMax: 100 }
    await withServer(refuse, { lingering, engine: 'node' }, async ({ port, server }) => {
      const sockets = Array.from({ length: 10 }, () => connect({ port, allowHalfOpen: true }))
      await eventually('all are open', () => server.connectionCount === sockets.length)
      for (const socket of sockets) {
        socket.on('error', () => undefined)
        socket.resume()
        socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n')
      }
      await promptly('two are left', NOTICED_MS, [], () => server.connectionCount === 2)
      for (const socket of sockets) socket.destroy()
    })
  })

  it('costs so little that a thousand senders of 200 kB cost 96 MiB at most', async () => {
    const lingering = { quietSweepsMax: 100 }
    await withServer(refuse, { limits, lingering, engine: 'native' }, async ({ port, server }) => {
      const connections: RawConnection[] = []
      for (let count = 0; count < 1_000; count += 1) connections.push(await answered(port, huge))
      // With that of the clients, which are in this process.
      const before = process.memoryUsage.rss()
      const piece = 'x'.repeat(10_000)
      for (let round = 0; round < 20; round += 1) {
        for (const connection of connections) connection.send(piece)
        await delay(20)
      }
      const growth = process.memoryUsage.rss() - before
      assert.equal(server.connectionCount, 1_000)
      assert.ok(growth < 96 * MIB, `grew by ${growth}`)
      for (const connection of connections) connection.destroy()
      await promptly('all are gone', 5_000, [], () => server.connectionCount === 0)
    })
  })
})
