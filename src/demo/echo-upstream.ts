/** The service behind the demo: answers with what it was sent, so that one sees what arrives. */
import { createServer, type Server } from 'node:http'

/** Longest body that is echoed; the rest is read and counted. */
const ECHOED_BODY_BYTES_MAX = 4_096

export interface EchoUpstream {
  readonly origin: string
  stop(): Promise<void>
}

/**
 * Starts the service on loopback.
 *
 * @returns Rejects with the system's error when the port is taken.
 */
export async function startEchoUpstream(port: number): Promise<EchoUpstream> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    request.on('data', (chunk: Buffer) => {
      if (sizeBytes < ECHOED_BODY_BYTES_MAX) chunks.push(chunk)
      sizeBytes += chunk.length
    })
    request.on('end', () => {
      const body = Buffer.concat(chunks).subarray(0, ECHOED_BODY_BYTES_MAX).toString('utf8')
      const { method, url, headers } = request
      const seen = { method, url, headers, bodyBytes: sizeBytes, body }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify(seen, null, 2)}\n`)
    })
  })
  const actualPort = await listen(server, port)
  return {
    origin: `http://127.0.0.1:${actualPort}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
