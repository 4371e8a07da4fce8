import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { only } from '../support/engine-differences.ts'
import { eventually, promptly } from '../support/eventually.ts'
import { type RunningServer, startServer } from '../support/native-server.ts'
import { openRaw } from '../support/raw-http.ts'

const HOST = 'Host: gateway.test\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'

function request(method: string, path: string, fields = '', body = ''): string {
  return `${method} ${path} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`
}

let running: RunningServer
let handle: (exchange: ClientExchange) => void = () => undefined

before(async () => {
  running = await startServer((exchange) => handle(exchange), {
    timeouts: { stalledReaderMs: 2_000 },
  })
})

after(() => running.server.closeAll())

describe('back-pressure', () => {
  const CHUNK_BYTES = 65_536

  /** Streams `totalBytes` as a well-behaved upstream would: stops at `false`, goes on at drain. */
  function stream(exchange: ClientExchange, totalBytes: number, isDeclared: boolean) {
    const progress = { writtenBytes: 0, holdCount: 0 }
    exchange.start('200 OK', [], isDeclared ? totalBytes : null)
    const chunk = Buffer.alloc(CHUNK_BYTES)
    const pump = () => {
      while (progress.writtenBytes < totalBytes && !exchange.closed) {
        const position = progress.writtenBytes / CHUNK_BYTES
        chunk.fill(position % 251)
        progress.writtenBytes += CHUNK_BYTES
        if (!exchange.write(chunk) && progress.writtenBytes < totalBytes) {
          progress.holdCount += 1
          return
        }
      }
      exchange.finish()
    }
    exchange.onDrain(pump)
    pump()
    return progress
  }

  function assertPattern(body: Buffer, totalBytes: number): void {
    assert.equal(body.length, totalBytes)
    for (let offset = 0; offset < totalBytes; offset += CHUNK_BYTES) {
      const expected = (offset / CHUNK_BYTES) % 251
      assert.equal(body[offset], expected)
      assert.equal(body[offset + CHUNK_BYTES - 1], expected)
    }
  }

  for (const isDeclared of [true, false]) {
    const framing = isDeclared ? 'a declared length' : 'chunks'

    it(`delivers 64 MiB in ${framing} unharmed to a client that stalls at first`, async () => {
      const totalBytes = 64 * 1_048_576
      let progress = { writtenBytes: 0, holdCount: 0 }
      handle = (exchange) => {
        progress = stream(exchange, totalBytes, isDeclared)
      }
      const connection = await openRaw({ port: running.port })
      connection.socket.pause()
      connection.send(request('GET', '/'))
      await eventually('the writer is held back', () => progress.holdCount > 0)
      assert.ok(progress.writtenBytes < totalBytes / 2, 'the writer was held back')
      connection.socket.resume()
      await eventually('all is here', () => connection.received.length >= totalBytes)
      const [answer] = await connection.waitForAnswers(1)
      assertPattern(answer?.body ?? Buffer.alloc(0), totalBytes)
      connection.destroy()
    })
  }

  it('delivers everything before it closes, even to clients that stall at first', async () => {
    const totalBytes = 16 * 1_048_576
    const holdCounts = new Map<string, () => number>()
    handle = (exchange) => {
      const progress = stream(exchange, totalBytes, exchange.head.path === '/declared')
      holdCounts.set(exchange.head.path, () => progress.holdCount)
    }
    const waits = ['/declared', '/chunked'].map(async (path) => {
      const connection = await openRaw({ port: running.port })
      connection.socket.pause()
      // A chunked request must be closed after.
      connection.send(request('POST', path, CHUNKED, '0\r\n\r\n'))
      await eventually('the writer is held back', () => (holdCounts.get(path)?.() ?? 0) > 0)
      connection.socket.resume()
      await eventually('all is here', () => connection.received.length >= totalBytes)
      const [answer] = await connection.waitForAnswers(1)
      assertPattern(answer?.body ?? Buffer.alloc(0), totalBytes)
      await promptly('it is closed', 14_000, [], () => connection.closed)
    })
    await Promise.all(waits)
  })

  it('pushes out the last chunk of a stream that then falls silent', async () => {
    // The native server does not do this by itself while a drain callback is registered.
    const big = Buffer.alloc(20 * 1_048_576, 'a')
    handle = (exchange) => {
      exchange.onDrain(() => undefined)
      exchange.start('200 OK', [], null)
      exchange.write(big)
    }
    const connection = await openRaw({ port: running.port })
    connection.send(request('GET', '/'))
    await eventually('all is here', () => connection.received.length > big.length)
    connection.destroy()
  })

  const bodiless = only('native', 'bodiless_answers')

  it('closes a connection now and then behind an answer without a body', bodiless, async () => {
    const headers = ['X-Large', 'a'.repeat(10_000)]
    handle = (exchange) => exchange.sendHead('304 Not Modified', headers, null)
    let connection = await openRaw({ port: running.port })
    let closings = 0
    for (let round = 0; round < 60; round += 1) {
      const before = connection.received.length
      connection.send(request('GET', '/'))
      await connection.waitFor((text) => text.indexOf('\r\n\r\n', before) > 0)
      const head = connection.text.slice(before)
      assert.match(head, /^HTTP\/1\.1 304 Not Modified\r\n/)
      assert.match(head, /\r\ndate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n/i)
      if (!/\r\nconnection: close\r\n/i.test(head)) continue
      closings += 1
      await connection.waitForClose()
      connection = await openRaw({ port: running.port })
    }
    assert.equal(closings, 2)
    connection.destroy()
  })

  it('keeps memory bounded and cuts clients that stop reading', async () => {
    const clients = 20
    const streams: { writtenBytes: number; exchange: ClientExchange }[] = []
    handle = (exchange) => {
      const progress = stream(exchange, 1_073_741_824, false)
      streams.push(Object.assign(progress, { exchange }))
    }
    const connections = await Promise.all(
      Array.from({ length: clients }, () => openRaw({ port: running.port })),
    )
    for (const connection of connections) {
      connection.socket.pause()
      connection.send(request('GET', '/'))
    }
    await eventually('all streams run', () => streams.length === clients)
    const rssBefore = process.memoryUsage.rss()
    await promptly('all clients are cut', 16_000, [], () => {
      return streams.every(({ exchange }) => exchange.closed)
    })
    for (const { writtenBytes } of streams) assert.ok(writtenBytes < 16 * 1_048_576)
    assert.ok(process.memoryUsage.rss() - rssBefore < 64 * 1_048_576)
    for (const connection of connections) connection.destroy()
  })
})
