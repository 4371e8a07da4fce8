/** Bodies of any size through a whole gateway: what streams must not pile up. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { gatewayText } from '../support/open-gateway.ts'
import { openRaw, type RawConnection } from '../support/raw-http.ts'
import { type RunningGateway, startGateway } from '../support/running-gateway.ts'

const MIB = 2 ** 20
const BODY_BYTES = 2 ** 30
const EXTRA_BYTES_MAX = 64 * MIB
const CHUNK = Buffer.alloc(256 * 1_024, 'x')
const STALLED_CLIENTS = 20
const SAMPLE_INTERVAL_MS = 50
/** Samples in a row without a byte more, after which nothing flows any more. */
const STILL_SAMPLES = 10
const STALL_DEADLINE_MS = 9_000

/** What the upstreams of this file have written and read so far. */
const traffic = { writtenBytes: 0, readBytes: 0 }
let upstream: Server
let gateway: RunningGateway

/** Writes `bytes` as fast as the reader takes them. */
function pour(target: NodeJS.WritableStream, bytes: number, onBytes: (bytes: number) => void): void {
  let left = bytes
  const pourMore = () => {
    while (left > 0) {
      const part = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
      left -= part.length
      onBytes(part.length)
      if (!target.write(part)) {
        target.once('drain', pourMore)
        return
      }
    }
    target.end()
  }
  pourMore()
}

/** The highest resident memory of the gateway while `work` runs, above what it was before. */
async function extraBytesDuring(work: Promise<unknown>): Promise<number> {
  const beforeBytes = await gateway.residentBytes()
  let isOver = false
  const end = work.finally(() => {
    isOver = true
  })
  let highestBytes = 0
  while (!isOver) {
    highestBytes = Math.max(highestBytes, await gateway.residentBytes())
    await delay(SAMPLE_INTERVAL_MS)
  }
  await end
  return highestBytes - beforeBytes
}

/** Settles when `counted` has stopped rising, which it must within a deadline. */
async function standstill(counted: () => number): Promise<void> {
  const giveUpAtMs = performance.now() + STALL_DEADLINE_MS
  let last = -1
  for (let still = 0; still < STILL_SAMPLES; still += 1) {
    assert.ok(performance.now() < giveUpAtMs, 'bytes flow on although nobody takes them')
    if (counted() !== last) still = 0
    last = counted()
    await delay(SAMPLE_INTERVAL_MS)
  }
}

async function download(bytes: number): Promise<number> {
  let received = 0
  const outgoing = request(`${gateway.origin}/download?bytes=${bytes}`)
  outgoing.end()
  const [answer] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
  answer.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  await once(answer, 'end')
  return received
}

async function upload(bytes: number, headers: Record<string, string | number>): Promise<string> {
  const outgoing = request(`${gateway.origin}/upload`, { method: 'PUT', headers })
  pour(outgoing, bytes, () => undefined)
  const [answer] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
  const chunks = await answer.toArray()
  return Buffer.concat(chunks as Buffer[]).toString()
}

before(async () => {
  upstream = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://upstream')
    if (url.pathname === '/download') {
      const bytes = Number(url.searchParams.get('bytes'))
      response.writeHead(200, { 'content-length': bytes })
      pour(response, bytes, (count) => {
        traffic.writtenBytes += count
      })
    } else if (url.pathname === '/endless') {
      response.writeHead(200)
      pour(response, Number.POSITIVE_INFINITY, (count) => {
        traffic.writtenBytes += count
      })
    } else {
      let received = 0
      incoming.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      incoming.on('end', () => response.end(String(received)))
    }
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const { port } = upstream.address() as AddressInfo
  gateway = await startGateway(
    gatewayText([`http://127.0.0.1:${port}`], { server: { limits: { bodyBytes: 2 * BODY_BYTES } } }),
  )
  // What any first transfer needs once and for all is no growth.
  await download(32 * MIB)
  await upload(32 * MIB, { 'content-length': 32 * MIB })
})

after(async () => {
  await gateway.stop()
  upstream.closeAllConnections()
  upstream.close()
})

describe('a body of 1 GiB', () => {
  it('streams down in bounded memory', async () => {
    let received = 0
    const extraBytes = await extraBytesDuring(
      download(BODY_BYTES).then((bytes) => {
        received = bytes
      }),
    )
    assert.equal(received, BODY_BYTES)
    console.log('down', extraBytes / MIB)
    assert.ok(extraBytes < EXTRA_BYTES_MAX, `${extraBytes} bytes more`)
  })

  for (const [framing, headers] of [
    ['of a declared length', { 'content-length': BODY_BYTES }],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ] as const) {
    it(`streams up in bounded memory ${framing}`, async () => {
      let counted = ''
      const extraBytes = await extraBytesDuring(
        upload(BODY_BYTES, headers).then((text) => {
          counted = text
        }),
      )
      assert.equal(counted, String(BODY_BYTES))
      console.log('up', framing, extraBytes / MIB)
      assert.ok(extraBytes < EXTRA_BYTES_MAX, `${extraBytes} bytes more`)
    })
  }
})
