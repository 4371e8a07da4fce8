/**
 * The health listener: `/health/live` and `/health/ready` on a port of their own, for balancers and
 * probes that cannot ask the main port, because it speaks TLS, is reached through another network,
 * or has an engine that does not serve HTTP/1.0.
 *
 * It runs in the supervisor, so it answers while every listener thread is busy. It tells nothing
 * that the main port would not.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Readiness } from '../gateway/health.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { closeServer, type ListenAddress, listenAt } from './listening.ts'

const HEAD_BYTES_MAX = 8_192
const HEADERS_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 5_000
/** The time-outs above are enforced so often. Node's default is 30 s. */
const CHECKING_INTERVAL_MS = 1_000
const ANSWER_TIMEOUT_MS = 5_000
/** Balancers that ask every few seconds keep their connection. */
const KEEP_ALIVE_TIMEOUT_MS = 30_000
const CONNECTIONS_MAX = 256

const FIELDS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' } as const

export interface HealthSources {
  readonly readiness: () => Readiness
  readonly onFailure: (error: unknown) => void
}

export class HealthApp {
  readonly #address: ListenAddress
  readonly #sources: HealthSources
  readonly #server: Server

  constructor(address: ListenAddress, sources: HealthSources) {
    this.#address = address
    this.#sources = sources
    this.#server = createServer({
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      requireHostHeader: false,
    })
    new ConnectionLimit(CONNECTIONS_MAX, ANSWER_TIMEOUT_MS).watch(this.#server)
    this.#server.on('request', (request, response) => this.#respond(request, response))
  }

  /**
   * @returns The port that is listened on.
   * @throws (rejects) When the address is taken or may not be used.
   */
  listen(): Promise<number> {
    return listenAt(this.#server, this.#address, this.#sources.onFailure)
  }

  close(): Promise<void> {
    return closeServer(this.#server)
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    // Closed by the limit, for a request that was sent ahead of an answer.
    if (request.socket.destroyed) return
    // A body that is not read would keep the connection busy.
    request.resume()
    const [status, body] = this.#answer(request.url ?? '')
    const bytes = Buffer.from(JSON.stringify(body))
    response.writeHead(status, { ...FIELDS, 'Content-Length': bytes.length })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  }

  /** Any method, as on the main port: some checks send OPTIONS. */
  #answer(target: string): readonly [status: number, body: unknown] {
    const [path = ''] = target.split('?', 1)
    switch (path.endsWith('/') ? path.slice(0, -1) : path) {
      case '/health/live':
        return [200, { status: 'live' }]
      case '/health/ready': {
        const readiness = this.#sources.readiness()
        return [readiness.ready ? 200 : 503, readiness]
      }
      default:
        return [404, { status: 'not_found' }]
    }
  }
}
