/** Bodies of any size through a whole gateway: what streams must not pile up. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { watchStarvation } from '../support/starvation.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const MIB = 2 ** 20
const BODY_BYTES = 2 ** 30
const EXTRA_BYTES_MAX = 64 * MIB
/** Of all together. Each may hold once what its kernel's receive buffer had collected. */
const STALLED_UPLOADS_BYTES_MAX = 128 * MIB
const CHUNK = Buffer.alloc(256 * 1_024, 'x')
const SMALL_CHUNK = CHUNK.subarray(0, 64 * 1_024)
/**
 * So much of an upload may be under way between the client and the upstream where the gateway said
 * that it cannot bound its receive buffers (server/receive-buffer.ts). Elsewhere uploads come as
 * fast as they can.
 */
const UPLOAD_WINDOW_BYTES = 16 * MIB
const CONCURRENT_UPLOADS = 6
/** A prime beyond the size of a block of the gateway, so that pieces take every size. */
const ODD_PIECE_BYTES_MAX = 400_009
const STALLED_CLIENTS = 20
const ANSWER_DEADLINE_MS = 10_000
const FLOOD_INTERVAL_MS = 10
const SAMPLE_INTERVAL_MS = 50
/** Samples in a row without a byte more, after which nothing flows any more. */
const STILL_SAMPLES = 10
/** Per sample; unhindered it is six times as much. */
const TRICKLE_BYTES_MAX = MIB
const STALL_DEADLINE_MS = 9_000

/** What the upstream has poured out so far, and how many answers it is pouring. */
let pouredBytes = 0
let pouring = 0
/** What the upstream has received of the last upload. */
let uploadedBytes = 0
let uploadWindowBytes = Number.POSITIVE_INFINITY
let upstream: Server
let gateway: TestGateway

/** Answers with so many bytes, as fast as they are taken. */
function pour(response: ServerResponse, bytes: number): void {
  let left = bytes
  const pourMore = () => {
    while (left > 0) {
      const part = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
      left -= part.length
      pouredBytes += part.length
      if (!response.write(part)) {
        response.once('drain', pourMore)
        return
      }
    }
    response.end()
  }
  pouring += 1
  response.once('close', () => {
    pouring -= 1
  })
  pourMore()
}

/** Writes without end: 6 MB/s as long as it is taken. */
function flood(socket: Socket): void {
  const timer = setInterval(() => {
    if (!socket.writableNeedDrain) socket.write(SMALL_CHUNK)
  }, FLOOD_INTERVAL_MS)
  socket.once('close', () => clearInterval(timer))
}

function sentBytes(clients: readonly RawConnection[]): number {
  return clients.reduce((sum, { socket }) => sum + socket.bytesWritten - socket.writableLength, 0)
}

/** The highest resident memory of the gateway while `work` runs, above what it was before. */
async function extraBytesDuring(work: () => Promise<unknown>): Promise<number> {
  const beforeBytes = await gateway.residentBytes()
  let highestBytes = beforeBytes
  let isOver = false
  const end = work().finally(() => {
    isOver = true
  })
  while (!isOver) {
    highestBytes = Math.max(highestBytes, await gateway.residentBytes())
    await delay(SAMPLE_INTERVAL_MS)
  }
  await end
  return highestBytes - beforeBytes
}

/**
 * Settles when nearly nothing flows any more, which must be so within a deadline. A kernel that
 * probes a closed window lets a little through now and then.
 */
async function standstill(flownBytes: () => number): Promise<void> {
  const startMs = performance.now()
  const starvedMs = watchStarvation([process.pid, gateway.processId])
  let last = Number.NEGATIVE_INFINITY
  for (let still = 0; still < STILL_SAMPLES; still += 1) {
    const isInTime = performance.now() - startMs < STALL_DEADLINE_MS + starvedMs()
    assert.ok(isInTime, 'bytes flow on although nothing takes them')
    const flown = flownBytes()
    if (flown - last > TRICKLE_BYTES_MAX) still = 0
    last = flown
    await delay(SAMPLE_INTERVAL_MS)
  }
}

async function download(bytes: number): Promise<number> {
  const answer = await fetch(`${gateway.origin}/download?bytes=${bytes}`)
  let received = 0
  for await (const chunk of answer.body ?? []) received += chunk.byteLength
  return received
}

/** @returns How many bytes the upstream has counted. */
async function upload(bytes: number, headers: OutgoingHttpHeaders): Promise<number> {
  const outgoing = request(`${gateway.origin}/upload`, { method: 'PUT', headers })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  uploadedBytes = 0
  for (let sent = 0; sent < bytes; sent += CHUNK.length) {
    if (!outgoing.write(CHUNK)) await once(outgoing, 'drain')
    while (sent - uploadedBytes > uploadWindowBytes) await setImmediate()
  }
  outgoing.end()
  const [answer] = await answered
  return Number(Buffer.concat(await answer.toArray()).toString())
}

before(async () => {
  upstream = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://upstream')
    if (url.pathname === '/digest') {
      const digest = createHash('sha256')
      incoming.on('data', (chunk: Buffer) => digest.update(chunk))
      incoming.on('end', () => response.end(digest.digest('hex')))
      return
    }
    if (url.pathname === '/upload') {
      incoming.on('data', (chunk: Buffer) => {
        uploadedBytes += chunk.length
      })
      incoming.on('end', () => response.end(String(uploadedBytes)))
      return
    }
    const bytes = Number(url.searchParams.get('bytes') ?? Number.POSITIVE_INFINITY)
    response.writeHead(200, Number.isFinite(bytes) ? { 'content-length': bytes } : {})
    pour(response, bytes)
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  gateway = await openGateway({
    upstream: [`http://127.0.0.1:${port}`],
    server: { limits: { bodyBytes: 2 * BODY_BYTES } },
  })
  if (gateway.log.some(({ event }) => event === 'receive_buffer_unbounded')) {
    uploadWindowBytes = UPLOAD_WINDOW_BYTES
  }
  // What the first transfers need once and for all is no growth.
  await download(64 * MIB)
  await upload(64 * MIB, { 'content-length': 64 * MIB })
})

after(async () => {
  await gateway.stop()
  upstream.closeAllConnections()
  upstream.close()
})

describe('a body of 1 GiB', () => {
  it('streams down in bounded memory', async () => {
    let received = 0
    const extraBytes = await extraBytesDuring(async () => {
      received = await download(BODY_BYTES)
    })
    assert.equal(received, BODY_BYTES)
    assert.ok(extraBytes < EXTRA_BYTES_MAX, `${extraBytes} bytes more`)
  })

  for (const [framing, headers] of [
    ['of a declared length', { 'content-length': BODY_BYTES }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ] as const) {
    it(`streams up in bounded memory, ${framing}`, async () => {
      let counted = 0
      const extraBytes = await extraBytesDuring(async () => {
        counted = await upload(BODY_BYTES, headers)
      })
      assert.equal(counted, BODY_BYTES)
      assert.ok(extraBytes < EXTRA_BYTES_MAX, `${extraBytes} bytes more`)
    })
  }
})

describe('uploads at the same time', () => {
  it('arrive as they were sent, although they use the same memory', async () => {
    const bodies = Array.from({ length: CONCURRENT_UPLOADS }, () => randomBytes(16 * MIB))
    const digests = await Promise.all(
      bodies.map(async (body) => {
        const outgoing = request(`${gateway.origin}/digest`, {
          method: 'POST',
          headers: { 'transfer-encoding': 'chunked' },
        })
        const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
        for (let sent = 0, size = 1; sent < body.length; sent += size) {
          // Pieces of all sizes, around every bound.
          size = (size * 7) % ODD_PIECE_BYTES_MAX
          if (!outgoing.write(body.subarray(sent, sent + size))) await once(outgoing, 'drain')
        }
        outgoing.end()
        const [answer] = await answered
        return Buffer.concat(await answer.toArray()).toString()
      }),
    )
    assert.deepEqual(
      digests,
      bodies.map((body) => createHash('sha256').update(body).digest('hex')),
    )
  })
})

describe('clients that stop reading', () => {
  it('hold back endless answers, cost little memory, and harm no other client', async (test) => {
    const clients: RawConnection[] = []
    test.after(() => {
      for (const client of clients) client.destroy()
    })
    const beforeBytes = await gateway.residentBytes()
    for (let count = 0; count < STALLED_CLIENTS; count += 1) {
      const client = await openRaw({ port: gateway.port })
      client.socket.pause()
      client.send('GET /endless HTTP/1.1\r\nhost: a\r\n\r\n')
      clients.push(client)
    }
    await standstill(() => pouredBytes)
    const extraBytes = (await gateway.residentBytes()) - beforeBytes
    assert.equal(await download(MIB), MIB)
    assert.ok(extraBytes < EXTRA_BYTES_MAX, `${extraBytes} bytes more`)

    for (const client of clients) client.destroy()
    await eventually('the upstream is rid of every endless answer', () => pouring === 0)
  })
})

describe('an upstream that stops reading', () => {
  it('holds uploads back in bounded memory until its time is up', async (test) => {
    const upstreamSockets = new Set<Socket>()
    const deaf = createTcpServer({ pauseOnConnect: true }, (socket) => {
      upstreamSockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => upstreamSockets.delete(socket))
    })
    deaf.listen(0, '127.0.0.1')
    await once(deaf, 'listening')
    const { port } = deaf.address() as AddressInfo
    const holding = await openGateway({
      upstream: { targets: [`http://127.0.0.1:${port}`], responseTimeout: '4s' },
      server: { limits: { bodyBytes: 2 * BODY_BYTES } },
    })
    const clients: RawConnection[] = []
    test.after(async () => {
      for (const client of clients) client.destroy()
      for (const socket of upstreamSockets) socket.destroy()
      await holding.stop()
      deaf.close()
    })
    const beforeBytes = await holding.residentBytes()
    for (let count = 0; count < STALLED_CLIENTS; count += 1) {
      const client = await openRaw({ port: holding.port })
      client.send(`PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`)
      flood(client.socket)
      clients.push(client)
    }
    await standstill(() => sentBytes(clients))
    const extraBytes = (await holding.residentBytes()) - beforeBytes
    assert.equal(upstreamSockets.size, STALLED_CLIENTS)
    assert.ok(extraBytes < STALLED_UPLOADS_BYTES_MAX, `${extraBytes} bytes more`)

    for (const client of clients) {
      await client.waitFor((text) => text.startsWith('HTTP/1.1 504 '), ANSWER_DEADLINE_MS)
    }
  })
})
