/** Thousands of uploads to an upstream that takes nothing, and what they may cost. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const MIB = 2 ** 20
const BOUND_MIB = 32
/** Beside bodies: sockets, requests, the young generation of each thread. */
const OTHER_BYTES_MAX = 80 * MIB
const UPLOADS = 1_500
const BATCH = 100
const BODY = Buffer.alloc(MIB, 'x')
const FIRST_PART = BODY.subarray(0, MIB / 2)
const REST = BODY.subarray(MIB / 2)
const DEADLINE_MS = 30_000

let isBack = false
const held: (() => void)[] = []
let upstream: Server
let echo: UpstreamServer
let gateway: TestGateway

/** Takes no more of a body than its own buffers hold, until it is back. */
function takeLater(request: IncomingMessage, response: ServerResponse): void {
  const take = () => {
    request.resume()
    request.on('end', () => response.end('taken'))
  }
  if (isBack) take()
  else held.push(take)
}

/** Says how much it took, in an answer that does not end. */
async function takeAndStream(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let takenBytes = 0
  for await (const chunk of request) takenBytes += (chunk as Buffer).length
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(`data: ${takenBytes}\n\n`)
}

before(async () => {
  echo = await startEchoUpstream()
  upstream = createServer({ requestTimeout: 0 }, takeLater).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  const hung = { targets: [`http://127.0.0.1:${port}`], responseTimeout: '10m' }
  gateway = await openGateway({
    upstream: [echo.origin],
    upstreams: { hung },
    environment: {
      SALLYPORT_BODY_MEMORY_MIB: String(BOUND_MIB),
    },
  })
})

after(async () => {
  await gateway.stop()
  upstream.closeAllConnections()
  upstream.close()
  await echo.close()
})

async function upload(part: Buffer, path = '/hung/x'): Promise<RawConnection> {
  const connection = await openRaw({ port: gateway.port })
  // What is refused is closed with bytes on their way.
  connection.socket.on('error', () => {})
  connection.send(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n`)
  connection.send(part)
  return connection
}

async function ask(init: RequestInit = {}): Promise<number> {
  const response = await fetch(`${gateway.origin}/x`, init)
  await response.text()
  return response.status
}

describe('uploads to an upstream that takes nothing', () => {
  it('stay within their memory, hinder no other request, and go on when it is back', async () => {
    // What the engine needs for its young objects once and for all is no growth.
    const body = Buffer.alloc(MIB / 2, 'a')
    for (let count = 0; count < 200; count += 4) {
      const some = Array.from({ length: 4 }, () => ask({ method: 'POST', body }))
      assert.deepEqual([...new Set(await Promise.all(some))], [200])
    }
    const beforeBytes = await gateway.residentBytes()
    const uploads: RawConnection[] = []
    let highestBytes = 0
    for (let count = 0; count < UPLOADS; count += BATCH) {
      const batch = Array.from({ length: BATCH }, () => upload(FIRST_PART))
      uploads.push(...(await Promise.all(batch)))
      highestBytes = Math.max(highestBytes, await gateway.residentBytes())
      assert.equal(await ask(), 200, 'a request without a body')
    }
    const isRefused = ({ text, closed }: RawConnection) => text.includes(' 503 ') || closed
    await eventually(
      'every upload refused or at the upstream',
      () => held.length + uploads.filter(isRefused).length >= UPLOADS,
      DEADLINE_MS,
    )
    highestBytes = Math.max(highestBytes, await gateway.residentBytes())
    const extraBytes = highestBytes - beforeBytes
    assert.ok(extraBytes < BOUND_MIB * MIB + OTHER_BYTES_MAX, `${extraBytes / MIB} MiB more`)
    assert.ok(held.length > 20, `${held.length} uploads are let in`)
    assert.equal(await ask({ method: 'POST', body: 'a small body' }), 200)
    for (let count = 0; count < 20; count += 1) assert.equal(await ask(), 200)

    isBack = true
    for (const take of held) take()
    const going = uploads.filter((connection) => !isRefused(connection))
    for (const connection of going) connection.send(REST)
    await eventually(
      'the others to be taken',
      () => going.every(({ text }) => text.endsWith('taken')),
      DEADLINE_MS,
    )
    assert.ok(going.length > 20)
    for (let count = 0; count < 20; count += 1) {
      const again = await upload(BODY)
      await again.waitFor((text) => text.endsWith('taken'))
      again.destroy()
    }
    for (const connection of uploads) connection.destroy()
  })
})

describe('small uploads', () => {
  let small: TestGateway
  let events: Server

  before(async () => {
    const { port } = upstream.address() as AddressInfo
    const hung = { targets: [`http://127.0.0.1:${port}`], responseTimeout: '10m' }
    // Fails when the client goes away, which is how each of these ends.
    events = createServer((...both) => void takeAndStream(...both).catch(() => {}))
    events.listen(0, '127.0.0.1')
    await once(events, 'listening')
    const { port: eventsPort } = events.address() as AddressInfo
    const upstreams = { hung, events: { targets: [`http://127.0.0.1:${eventsPort}`] } }
    small = await openGateway({
      upstream: [echo.origin],
      upstreams,
      environment: {
        SALLYPORT_LISTENER_THREADS: '1',
        SALLYPORT_BODY_MEMORY_MIB: '8',
        SALLYPORT_UPSTREAM_CONNECTIONS: '512',
      },
    })
  })

  after(async () => {
    await small.stop()
    events.closeAllConnections()
    events.close()
  })

  const begin = async (path: string, lengthBytes: number): Promise<RawConnection> => {
    const connection = await openRaw({ port: small.port })
    connection.socket.on('error', () => {})
    connection.send(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${lengthBytes}\r\n\r\n`)
    return connection
  }

  it('that begin together cost what they bring', async () => {
    const count = 200
    const connections = await Promise.all(
      Array.from({ length: count }, () => openRaw({ port: small.port })),
    )
    const head = 'POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 20000\r\n\r\n'
    process.kill(small.processId, 'SIGSTOP')
    try {
      for (const connection of connections) connection.send(head + 'x'.repeat(1_300))
    } finally {
      process.kill(small.processId, 'SIGCONT')
    }
    // Not before it has seen the first parts alone.
    await delay(200)
    for (const connection of connections) connection.send('x'.repeat(18_700))
    await eventually(
      'every upload to be answered',
      () => connections.every(({ text, closed }) => text.includes('\r\n\r\n') || closed),
      DEADLINE_MS,
    )
    const taken = connections.filter(({ text }) => text.startsWith('HTTP/1.1 200'))
    assert.equal(taken.length, count)
    for (const connection of connections) connection.destroy()
  })

  // The last parts of each count for more than three quarters of the bound. They reach the HTTP
  // client in ways of their own: a small one is written at once, a large one makes it wait.
  for (const { count, parts } of [
    { count: 220, parts: [40_000] },
    { count: 420, parts: [24_000, 16_000] },
    { count: 80, parts: [24_000, 100_000] },
  ]) {
    it(`that were taken cost nothing while their answers go on: ${parts.join(' + ')}`, async () => {
      const bodyBytes = parts.reduce((sum, bytes) => sum + bytes, 0)
      const open = Array.from({ length: count }, () => begin('/events/x', bodyBytes))
      const streams = await Promise.all(open)
      for (const stream of streams) {
        for (const [index, partBytes] of parts.entries()) {
          if (index > 0) await delay(5)
          stream.send('x'.repeat(partBytes))
        }
        await stream.waitFor((text) => text.includes(`data: ${bodyBytes}`))
      }
      const connection = await begin('/x', 40_000)
      connection.send('x'.repeat(40_000))
      await connection.waitFor((text) => text.startsWith('HTTP/1.1 200'))
      for (const stream of [...streams, connection]) stream.destroy()
    })
  }

  it('get through while there is no memory for others, in however many parts', async () => {
    isBack = false
    const large = Buffer.alloc(8 * MIB, 'x')
    const uploads: RawConnection[] = []
    const isRefused = ({ text, closed }: RawConnection) => text.includes(' 503 ') || closed
    await eventually(
      'uploads to be refused',
      async () => {
        const connection = await begin('/hung/x', large.length)
        connection.send(large.subarray(1))
        uploads.push(connection)
        await delay(30)
        return uploads.length > 8 && uploads.slice(-8).every(isRefused)
      },
      DEADLINE_MS,
    )
    const connection = await begin('/x', 1_000)
    for (const part of ['x'.repeat(500), 'x'.repeat(500)]) {
      await delay(50)
      connection.send(part)
    }
    await connection.waitFor((text) => text.startsWith('HTTP/1.1 200'))
    connection.destroy()
    for (const upload of uploads) upload.destroy()
  })
})
