/** Bodies of requests that are answered without being read. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { bodyMemory } from '../../src/proxy/body-memory.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningServer, startServer } from '../support/native-server.ts'
import { openRaw } from '../support/raw-http.ts'

/** Long enough for all of a small body to come. */
const ANSWER_AFTER_MS = 60
const SMALL = 'x'.repeat(5_000)

let running: RunningServer

function refuseLater(exchange: ClientExchange): void {
  exchange.body.discard()
  setTimeout(() => exchange.answer('401 Unauthorized', [], 'no'), ANSWER_AFTER_MS)
}

function head(lengthBytes: number): string {
  return `POST / HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: ${lengthBytes}\r\n\r\n`
}

before(async () => {
  running = await startServer(refuseLater)
})

after(() => running.server.closeAll())

describe('a body that will not be read', () => {
  it('is taken when it is small: the connection goes on behind the answer', async () => {
    const client = await openRaw({ port: running.port })
    client.send(head(SMALL.length) + SMALL)
    await eventually('the first is answered', () => client.text.split(' 401 ').length === 2)
    client.send(head(SMALL.length) + SMALL.slice(0, 100))
    setTimeout(() => client.send(SMALL.slice(100)), ANSWER_AFTER_MS / 2)
    await eventually('the second is answered', () => client.text.split(' 401 ').length === 3)
    assert.doesNotMatch(client.text, /connection: close/i)
    client.socket.destroy()
  })

  it('holds no memory, however much of it comes', async () => {
    const held = bodyMemory.heldBytes
    const client = await openRaw({ port: running.port })
    client.send(head(1_000_000) + 'x'.repeat(1_000_000))
    let most = 0
    await eventually('it is answered', () => {
      most = Math.max(most, bodyMemory.heldBytes)
      return client.text.includes(' 401 ')
    })
    assert.equal(most, held)
    client.socket.destroy()
  })
})
