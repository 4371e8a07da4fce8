/** Thousands of uploads to an upstream that takes nothing, and what they may cost. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { gatewayText } from '../support/open-gateway.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { type RunningGateway, startGateway } from '../support/running-gateway.ts'
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
let gateway: RunningGateway

/** Takes no more of a body than its own buffers hold, until it is back. */
function takeLater(request: IncomingMessage, response: ServerResponse): void {
  const take = () => {
    request.resume()
    request.on('end', () => response.end('taken'))
  }
  if (isBack) take()
  else held.push(take)
}

before(async () => {
  echo = await startEchoUpstream()
  upstream = createServer({ requestTimeout: 0 }, takeLater).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  const hung = { targets: [`http://127.0.0.1:${port}`], responseTimeout: '10m' }
  gateway = await startGateway(gatewayText([echo.origin], { upstreams: { hung } }), {
    SALLYPORT_BODY_MEMORY_MIB: String(BOUND_MIB),
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
  it('stay within their memory, hinder nobody, and go on when it is back', async () => {
    for (let count = 0; count < 50; count += 1) assert.equal(await ask(), 200)
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
