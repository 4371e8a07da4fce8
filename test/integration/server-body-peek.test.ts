/** Bodies whose beginning is looked at, over real sockets: nothing of them is lost or changed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { bodyMemory } from '../../src/proxy/body-memory.ts'
import type { RequestBodyReader } from '../../src/server/request-body-reader.ts'
import { eventually } from '../support/eventually.ts'
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
import { createPool } from '../support/proxy-harness.ts'
import { openRaw } from '../support/raw-http.ts'

let server: PeekingServer
const barrier = () => server.barrier()

before(async () => {
  server = await PeekingServer.start({ bodyBytes: 24 * MIB })
})

after(() => server.close())

const TIMINGS: Readonly<Record<string, Handling>> = {
  'at once': {},
  'after a turn': { before: turn },
  'when it is there': { before: barrier },
  'when it is there, and is forwarded later': { before: barrier, between: barrier },
}

/** Of the body that is under way. */
let receivedBytes: () => number = () => 0

function watch(exchange: ClientExchange): void {
  receivedBytes = () => (exchange.body as RequestBodyReader).receivedBytes
}

describe('a body that is looked at', () => {
  for (const [timing, handling] of Object.entries(TIMINGS)) {
    for (const framing of FRAMINGS) {
      it(`${timing} reaches the upstream unchanged, of any length (${framing})`, async () => {
        server.peekThenForward(handling)
        for (const length of [0, 1, 1_000, 65_535, 65_536, 65_537, 131_072, MIB, 4 * MIB]) {
          const body = bodyOf(length)
          const connection = await openRaw({ port: server.port })
          connection.send(framed(body, framing))
          await assertMirrored(connection, body)
          server.assertTold(body)
          connection.destroy()
        }
        await eventually('its memory is free', () => bodyMemory.heldBytes === 0)
      })
    }
  }

  for (const framing of FRAMINGS) {
    it(`is read alike wherever it is split, before or behind the limit (${framing})`, async () => {
      server.peekThenForward({ bytesMax: 12 })
      const body = Buffer.from('username=alice&password=x')
      const wire = framed(body, framing, '/mirror', 6)
      for (let split = 1; split < wire.length; split += 1) {
        const connection = await server.begun(wire.subarray(0, split))
        connection.send(wire.subarray(split))
        await assertMirrored(connection, body)
        server.assertTold(body, 12)
        connection.destroy()
      }
    })

    it(`may come byte by byte, for little memory (${framing})`, async () => {
      server.peekThenForward()
      const body = bodyOf(400)
      const wire = framed(body, framing, '/mirror', 400)
      const start = wire.indexOf('\r\n\r\n') + 4
      const connection = await server.begun(wire.subarray(0, start))
      for (let index = start; index < wire.length; index += 1) {
        await barrier()
        assert.ok(bodyMemory.heldBytes <= 1_100, `${bodyMemory.heldBytes} bytes held`)
        connection.send(wire.subarray(index, index + 1))
      }
      await assertMirrored(connection, body)
      server.assertTold(body)
      connection.destroy()
    })
  }

  it('is held back behind what was looked at, until it is read', async () => {
    const body = bodyOf(4 * MIB)
    let letGo: () => void = () => undefined
    const between = (exchange: ClientExchange) => {
      watch(exchange)
      return new Promise<void>((resolve) => {
        letGo = resolve
      })
    }
    server.peekThenForward({ between })
    receivedBytes = () => 0
    const connection = await openRaw({ port: server.port })
    connection.send(framed(body, 'content-length'))
    await eventually('it was looked at', () => receivedBytes() > 0)
    await barrier()
    const heldBytes = receivedBytes()
    for (let count = 0; count < 20; count += 1) await barrier()
    assert.equal(receivedBytes(), heldBytes)
    assert.ok(heldBytes < 2 * MIB, `${heldBytes} bytes came`)
    letGo()
    await assertMirrored(connection, body)
    server.assertTold(body)
    connection.destroy()
  })

  it('need not go on for a look that has seen enough, and does not', async () => {
    let letGo: () => void = () => undefined
    const between = (exchange: ClientExchange) => {
      watch(exchange)
      return new Promise<void>((resolve) => {
        letGo = resolve
      })
    }
    const bytesMax = 1_000
    server.peekThenForward({ between, bytesMax })
    const body = bodyOf(3_000)
    const wire = framed(body, 'content-length')
    const start = wire.indexOf('\r\n\r\n') + 4
    const connection = await server.begun(wire.subarray(0, start))
    connection.send(wire.subarray(start, start + bytesMax))
    await eventually('it is told', () => server.told.length > 0)
    connection.send(wire.subarray(start + bytesMax))
    for (let count = 0; count < 5; count += 1) await barrier()
    assert.equal(receivedBytes(), bytesMax)
    letGo()
    await assertMirrored(connection, body)
    server.assertTold(body, bytesMax)
    connection.destroy()
  })

  it('is invited by 100 Continue', async () => {
    server.peekThenForward()
    const connection = await openRaw({ port: server.port })
    connection.send(head('Expect: 100-continue\r\nContent-Length: 2\r\n'))
    await connection.waitFor((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
    connection.send('ok')
    await assertMirrored(connection, Buffer.from('ok'))
    server.assertTold(Buffer.from('ok'))
    connection.destroy()
  })

  it('can be looked at again, and further', async () => {
    const body = bodyOf(5_000)
    const between = async ({ body: again }: ClientExchange) => {
      for (const bytesMax of [10, 100, PEEK_BYTES]) {
        server.note(await again.peek(bytesMax, PATIENCE_MS))
      }
    }
    server.peekThenForward({ bytesMax: 10, between })
    const wire = framed(body, 'chunked', '/mirror', 50)
    const connection = await server.begun(wire.subarray(0, 150))
    connection.send(wire.subarray(150))
    await assertMirrored(connection, body)
    assert.deepEqual(server.told.splice(0), [
      { bytes: body.subarray(0, 10), isWhole: false },
      { bytes: body.subarray(0, 10), isWhole: false },
      { bytes: body.subarray(0, 100), isWhole: false },
      { bytes: body, isWhole: true },
    ])
    connection.destroy()
  })

  it('goes to a slow upstream at its pace, and whole', async (context) => {
    const body = bodyOf(24 * MIB)
    const digest = createHash('sha256').update(body).digest('hex')
    const held: IncomingMessage[] = []
    const slow = createServer((request, response) => {
      held.push(request)
      const hash = createHash('sha256')
      request.on('data', (chunk: Buffer) => hash.update(chunk))
      request.on('end', () => response.end(hash.digest('hex')))
      request.pause()
    }).listen(0, '127.0.0.1')
    await once(slow, 'listening')
    const { port } = slow.address() as AddressInfo
    const upstreams = createPool([`http://127.0.0.1:${port}`])
    context.after(() => {
      slow.closeAllConnections()
      slow.close()
      return upstreams.destroy()
    })
    const between = (exchange: ClientExchange) => Promise.resolve(watch(exchange))
    server.peekThenForward({ upstreams, between })
    const connection = await openRaw({ port: server.port })
    connection.send(framed(body, 'content-length'))
    await eventually('the upstream has it', () => held.length === 1)
    let before = -1
    await eventually('the client is held back', async () => {
      const isHeld = before === receivedBytes()
      before = receivedBytes()
      for (let count = 0; count < 20; count += 1) await barrier()
      return isHeld
    })
    assert.ok(receivedBytes() < body.length / 2, `${receivedBytes()} bytes came`)
    held[0]?.resume()
    const [answer] = await connection.waitForAnswers(1)
    assert.equal(answer?.body.toString(), digest)
    server.assertTold(body)
    await eventually('its memory is free', () => bodyMemory.heldBytes === 0)
    connection.destroy()
  })
})
