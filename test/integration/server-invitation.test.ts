/** A client that waits for 100 Continue before it sends its body, and the clock for bodies. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { startServer } from '../support/native-server.ts'
import { openRaw } from '../support/raw-http.ts'
import type { Engine } from '../support/test-engine.ts'

const TIMEOUTS = { bodyMs: 1_000 }
/** By then the clock has looked twice at a body that does not come. */
const BEYOND_CLOCK_MS = 3_500
const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n'

function answerWithBody(exchange: ClientExchange): void {
  exchange.body.read(
    (chunk, isLast) => {
      if (isLast) exchange.send('200 OK', [], Buffer.from(chunk).toString())
    },
    (reason) => exchange.send('408 Request Timeout', [], reason),
  )
}

/** The answer to a client that sends these bytes once it is asked to. */
async function answerTo(engine: Engine, afterMs: number, bytes: string): Promise<string> {
  const onRequest = (exchange: ClientExchange) => {
    setTimeout(() => answerWithBody(exchange), afterMs)
  }
  const { port, server } = await startServer(onRequest, { engine, timeouts: TIMEOUTS })
  const connection = await openRaw({ port })
  try {
    connection.send(HEAD)
    await connection.waitFor((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
    connection.send(bytes)
    const [answer] = await connection.waitForAnswers(1)
    return `${answer?.status} ${answer?.body.toString().trim()}`
  } finally {
    connection.destroy()
    server.closeAll()
  }
}

for (const engine of ['native', 'node'] as const) {
  describe(`a client that waits to be asked, on ${engine}`, { concurrency: true }, () => {
    it('has as long for its body from then on, however long it had to wait', async () => {
      assert.equal(await answerTo(engine, BEYOND_CLOCK_MS, 'ok'), '200 ok')
    })

    it('is too slow when it sends nothing once it was asked', async () => {
      assert.equal(await answerTo(engine, 0, ''), '408 too_slow')
    })
  })
}
