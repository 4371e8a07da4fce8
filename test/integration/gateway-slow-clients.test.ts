/**
 * Clients on slow links and players that pause are waited for, as `server.timeouts` say; those
 * that send or take next to nothing are cut, and told apart from those that left. All beside the
 * clock of the native server, which knows no such client.
 */
import assert from 'node:assert/strict'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually, promptly } from '../support/eventually.ts'
import { listen } from '../support/listening-port.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

/** The native server cuts after 12 s at the latest. */
const BEYOND_NATIVE_CLOCK_MS = 13_500
const PIECE_BYTES = 500
const PIECE_MS = 250
/**
 * More than the buffers between both ends hold, which each test looks at. No more than that: what
 * all of them hold counts together, and short of it the kernel drops what it has taken.
 */
const DOWNLOAD_BYTES = 20_000_000
const CHUNKED = 'Transfer-Encoding: chunked\r\n'
/** After some sweeps. */
const READ_AFTER_MS = 4_000
const NOTICED_MS = 2_500

let upstream: Server
/** The upstream's answers, by path. */
const answers = new Map<string | undefined, ServerResponse>()
let patient: TestGateway
let strict: TestGateway
let brief: TestGateway

before(async () => {
  const block = Buffer.alloc(100_000)
  upstream = createServer((request, response) => {
    answers.set(request.url, response)
    if (request.url === '/download') response.setHeader('Content-Length', DOWNLOAD_BYTES)
    if (request.url?.startsWith('/download')) {
      let left = DOWNLOAD_BYTES
      const more = () => {
        while (left > 0) {
          left -= block.length
          if (!response.write(block)) return
        }
        response.end()
      }
      response.on('drain', more)
      more()
      return
    }
    if (request.url === '/pauses') {
      response.write(Buffer.alloc(DOWNLOAD_BYTES))
      setTimeout(() => response.end('the end'), READ_AFTER_MS + BEYOND_NATIVE_CLOCK_MS)
      return
    }
    // Begins its answer with the first byte of the request.
    if (request.url === '/both') {
      request.pipe(response)
      return
    }
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => response.end(String(bytes)))
  })
  const origin = `http://127.0.0.1:${await listen(upstream)}`
  patient = await openGateway({ upstream: origin })
  strict = await openGateway({
    upstream: origin,
    accessLog: 1,
    server: { timeouts: { body: '2s', stalledReader: '2s' } },
  })
  brief = await openGateway({ upstream: origin, server: { timeouts: { request: '6s' } } })
})

after(() => {
  upstream.closeAllConnections()
  upstream.close()
})

async function begun(gateway: TestGateway, path: string, fields: string): Promise<RawConnection> {
  const connection = await openRaw({ port: gateway.port })
  connection.send(`POST ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`)
  return connection
}

/** Lets the client read on, after it has held everything up as far as to the upstream. */
async function readOn(path: string, { socket }: RawConnection): Promise<void> {
  assert.ok(answers.get(path)?.writableNeedDrain, 'the upstream is held back')
  socket.resume()
  await eventually('all is here', () => {
    assert.ok(!socket.closed, `not closed after ${socket.bytesRead} bytes`)
    return socket.bytesRead > DOWNLOAD_BYTES
  })
}

/** Sends a piece again and again until something stops it. */
function trickle(connection: RawConnection, piece: string | Buffer, everyMs: number): () => void {
  const timer = setInterval(() => connection.send(piece), everyMs)
  connection.socket.on('close', () => clearInterval(timer))
  return () => clearInterval(timer)
}

describe('a client that is waited for', { concurrency: true }, () => {
  for (const framing of ['Content-Length', 'chunks'] as const) {
    it(`may upload 2 kB a second for longer than the native clock runs (${framing})`, async () => {
      const pieces = Math.ceil(BEYOND_NATIVE_CLOCK_MS / PIECE_MS)
      const isChunked = framing === 'chunks'
      const length = `Content-Length: ${pieces * PIECE_BYTES}\r\n`
      const connection = await begun(patient, '/upload', isChunked ? CHUNKED : length)
      const piece = 'x'.repeat(PIECE_BYTES)
      for (let count = 0; count < pieces; count += 1) {
        connection.send(isChunked ? `${PIECE_BYTES.toString(16)}\r\n${piece}\r\n` : piece)
        await delay(PIECE_MS)
      }
      if (isChunked) connection.send('0\r\n\r\n')
      const [answer] = await connection.waitForAnswers(1)
      assert.equal(answer?.body.toString(), String(pieces * PIECE_BYTES))
      connection.destroy()
    })

    it(`may pause within its upload (${framing})`, async () => {
      const isChunked = framing === 'chunks'
      const fields = isChunked ? CHUNKED : 'Content-Length: 10\r\n'
      const connection = await begun(patient, '/upload', fields)
      connection.send(isChunked ? '5\r\nfirst\r\n' : 'first')
      await delay(BEYOND_NATIVE_CLOCK_MS)
      connection.send(isChunked ? '5\r\nother\r\n0\r\n\r\n' : 'other')
      const [answer] = await connection.waitForAnswers(1)
      assert.equal(answer?.body.toString(), '10')
      connection.destroy()
    })

    it(`may stop reading its download, as players do (${framing})`, async () => {
      const connection = await openRaw({ port: patient.port })
      connection.socket.pause()
      const path = framing === 'chunks' ? '/download-chunked' : '/download'
      connection.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      await delay(BEYOND_NATIVE_CLOCK_MS)
      await readOn(path, connection)
      const [answer] = await connection.waitForAnswers(1)
      assert.equal(answer?.body.length, DOWNLOAD_BYTES)
      connection.destroy()
    })
  }

  it('may read on, and then wait for an upstream that pauses', async () => {
    const connection = await openRaw({ port: patient.port })
    connection.socket.pause()
    connection.send('GET /pauses HTTP/1.1\r\nHost: a\r\n\r\n')
    await delay(READ_AFTER_MS)
    await readOn('/pauses', connection)
    await eventually('the end is here', () => connection.text.endsWith('0\r\n\r\n'))
    connection.destroy()
  })

  it('may take its time before it begins with its body', async () => {
    const connection = await begun(patient, '/upload', 'Content-Length: 5\r\n')
    await delay(BEYOND_NATIVE_CLOCK_MS)
    connection.send('first')
    const [answer] = await connection.waitForAnswers(1)
    assert.equal(answer?.body.toString(), '5')
    connection.destroy()
  })
})

/** The line of the access log about the last request of a path. */
async function lineOf(path: string): Promise<Readonly<Record<string, unknown>>> {
  let found: Readonly<Record<string, unknown>> | undefined
  await eventually('its line is there', () => {
    found = strict.log.findLast((line) => line['path'] === path)
    return found !== undefined
  })
  return found ?? {}
}

describe('a client that is not waited for', { concurrency: true }, () => {
  it('gets 408 when its body stops, and the log says why', async () => {
    const connection = await begun(strict, '/stops', 'Content-Length: 10\r\n')
    connection.send('half')
    const [answer] = await connection.waitForAnswers(1, [], 2_000 + NOTICED_MS)
    assert.equal(answer?.status, 408)
    const problem = JSON.parse(answer.body.toString()) as Readonly<Record<string, unknown>>
    assert.equal(problem['error'], 'request_timeout')
    const { outcome, reason, status } = await lineOf('/stops')
    assert.deepEqual(
      { outcome, reason, status },
      {
        outcome: 'refused',
        reason: 'body_too_slow',
        status: 408,
      },
    )
    await connection.waitForClose()
  })

  it('gets 408 for a byte a second, however long it goes on', async () => {
    const connection = await begun(strict, '/trickles', 'Content-Length: 1000\r\n')
    const stop = trickle(connection, 'x', 1_000)
    const [answer] = await connection.waitForAnswers(1, [], 4_000 + NOTICED_MS)
    assert.equal(answer?.status, 408)
    assert.equal((await lineOf('/trickles'))['reason'], 'body_too_slow')
    stop()
    connection.destroy()
  })

  it('gets 408 when the whole takes longer than a request may, at whatever rate', async () => {
    const connection = await begun(brief, '/lasts', 'Content-Length: 5000000\r\n')
    const stop = trickle(connection, 'x'.repeat(2_000), 200)
    const [answer] = await connection.waitForAnswers(1, [], 6_000 + NOTICED_MS)
    assert.equal(answer?.status, 408)
    stop()
    connection.destroy()
  })

  it('is cut within an answer that has begun, which the log tells from leaving', async () => {
    const connection = await begun(strict, '/both', CHUNKED)
    connection.send('5\r\nfirst\r\n')
    await connection.waitFor((text) => text.includes('first'))
    await connection.waitForClose(2_000 + NOTICED_MS)
    assert.equal((await lineOf('/both'))['outcome'], 'body_too_slow')
    assert.ok((await strict.metric('sallyport_requests_total', { outcome: 'body_too_slow' })) >= 1)
  })

  for (const path of ['/download', '/download-chunked']) {
    it(`is cut when it takes nothing of its answer, which the log tells (${path})`, async () => {
      const connection = await openRaw({ port: strict.port })
      connection.socket.pause()
      connection.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      await promptly('it is cut', 2_000 + 2 * NOTICED_MS, [], async () => {
        return strict.log.some((line) => line['path'] === path)
      })
      assert.equal((await lineOf(path))['outcome'], 'reader_stalled')
      connection.destroy()
    })
  }
})
