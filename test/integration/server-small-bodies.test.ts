/** Small bodies count as memory in pages that they share: however each ends, nothing is left. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { bodyMemory } from '../../src/proxy/body-memory.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningServer, startServer } from '../support/native-server.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'

const PART = 'x'.repeat(1_000)
/** Enough for several pages. */
const COUNT = 60
const SEVERAL_PAGES_BYTES = 4 * 8_192

let running: RunningServer
let handle: (exchange: ClientExchange) => void
let clients: RawConnection[]

/** One body on a connection of its own each, in so many parts. */
async function send(parts: number): Promise<void> {
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${parts * PART.length}\r\n\r\n`
  clients = await Promise.all(Array.from({ length: COUNT }, () => openRaw({ port: running.port })))
  for (const client of clients) {
    client.socket.on('error', () => {})
    client.send(head + PART)
  }
  for (let part = 1; part < parts; part += 1) {
    await delay(20)
    for (const client of clients) client.send(PART)
  }
}

async function untilAllAreAnswered(): Promise<void> {
  await eventually('all answers', () => clients.every(({ text }) => text.includes('HTTP/1.1 200')))
  for (const client of clients) client.destroy()
}

async function untilHeldBytesAre(bytes: number): Promise<void> {
  await eventually(`${bytes} bytes to be held`, () => bodyMemory.heldBytes === bytes)
}

function answer(exchange: ClientExchange): void {
  if (!exchange.closed) exchange.send('200 OK', [], 'done')
}

function readAndAnswer(exchange: ClientExchange): void {
  exchange.body.read(
    (_, isLast) => {
      if (isLast) answer(exchange)
    },
    () => undefined,
  )
}

before(async () => {
  running = await startServer((exchange) => handle(exchange))
})

after(() => running.server.closeAll())

describe('small bodies that are over', () => {
  for (const parts of [1, 2]) {
    const ways = parts === 1 ? 'in one part' : 'in two parts'

    it(`hold nothing behind the answer, ${ways}`, async () => {
      const heldBytes = bodyMemory.heldBytes
      handle = readAndAnswer
      await send(parts)
      await untilAllAreAnswered()
      await untilHeldBytesAre(heldBytes)
    })

    it(`hold nothing when they were kept until a reader came, ${ways}`, async () => {
      const heldBytes = bodyMemory.heldBytes
      const waiting: ClientExchange[] = []
      handle = (exchange) => waiting.push(exchange)
      await send(parts)
      await eventually(
        'bodies to count',
        () => waiting.length === COUNT && bodyMemory.heldBytes - heldBytes >= SEVERAL_PAGES_BYTES,
      )
      for (const exchange of waiting) readAndAnswer(exchange)
      await untilAllAreAnswered()
      await untilHeldBytesAre(heldBytes)
    })

    it(`hold nothing when they were looked into first, ${ways}`, async () => {
      const heldBytes = bodyMemory.heldBytes
      handle = (exchange) => {
        setTimeout(() => void exchange.body.peek(4_096, 5_000).then(() => readAndAnswer(exchange)))
      }
      await send(parts)
      await untilAllAreAnswered()
      await untilHeldBytesAre(heldBytes)
      assert.equal(bodyMemory.peekedBytes, 0)
    })

    it(`hold nothing when they are refused unread, ${ways}`, async () => {
      const heldBytes = bodyMemory.heldBytes
      handle = (exchange) => {
        setTimeout(() => {
          exchange.body.discard()
          answer(exchange)
        }, 40)
      }
      await send(parts)
      await untilAllAreAnswered()
      await untilHeldBytesAre(heldBytes)
    })
  }

  it('hold nothing when their clients leave', async () => {
    const heldBytes = bodyMemory.heldBytes
    const left: ClientExchange[] = []
    handle = (exchange) => exchange.onGone(() => left.push(exchange))
    await send(1)
    await eventually('bodies to count', () => bodyMemory.heldBytes > heldBytes)
    for (const client of clients) client.destroy()
    await eventually('all clients to be missed', () => left.length === COUNT)
    await untilHeldBytesAre(heldBytes)
  })

  it('hold nothing once they were taken, while the answers are still to come', async () => {
    const heldBytes = bodyMemory.heldBytes
    const waiting: ClientExchange[] = []
    handle = (exchange) => {
      exchange.body.read(
        (chunk) => {
          setImmediate(() => exchange.body.taken(chunk.buffer.byteLength))
          waiting.push(exchange)
        },
        () => undefined,
      )
    }
    await send(1)
    await eventually('all bodies', () => waiting.length === COUNT)
    await untilHeldBytesAre(heldBytes)
    for (const exchange of waiting) answer(exchange)
    await untilAllAreAnswered()
    await untilHeldBytesAre(heldBytes)
  })
})
