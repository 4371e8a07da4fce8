/** A real HTTP server that publishes a JWK Set and misbehaves on command. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { keySetDocument } from './key-documents.ts'
import { RestartableServer } from './restartable-server.ts'

/**
 * - `good`: the document. `slow`: the document, one byte at a time, 50 ms apart.
 * - `hanging`: the request is read and never answered.
 * - `error`: 500, and `missing`: 404, with the document all the same.
 * - `huge`: 5 MB with a length. `endless`: bytes without a length until the reader goes away.
 * - `redirect`: 302 to a place that would be good, with the document.
 * - `page`: an HTML page with 200.
 * - `garbage`: not HTTP at all. `cut`: the connection ends in the middle of the body.
 * - `compressed`: says gzip of what is not compressed.
 */
export type Behaviour =
  | 'good'
  | 'slow'
  | 'hanging'
  | 'error'
  | 'missing'
  | 'huge'
  | 'endless'
  | 'redirect'
  | 'page'
  | 'garbage'
  | 'cut'
  | 'compressed'

const HUGE_BYTES = 5 * 1_024 * 1_024

export class FaultyServer extends RestartableServer {
  behaviour: Behaviour = 'good'
  /** Published at every path that has no document of its own. */
  document: Uint8Array = keySetDocument()
  readonly documents = new Map<string, Uint8Array>()
  /** Where another one than {@link behaviour} is wanted. */
  readonly behaviours = new Map<string, Behaviour>()
  /** Answered well whatever the behaviour is. */
  readonly goodPaths = new Set(['/moved'])
  /** Paths asked for, in order. */
  readonly requests: string[] = []

  static async start(): Promise<FaultyServer> {
    const server = new FaultyServer()
    await server.up()
    return server
  }

  get jwksUri(): string {
    return `${this.origin}/jwks`
  }

  /** How often the key set was asked for. */
  get fetches(): number {
    return this.requests.filter((path) => path === '/jwks').length
  }

  publish(...keys: readonly unknown[]): void {
    this.document = keySetDocument(...keys)
  }

  protected answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? ''
    this.requests.push(path)
    const document = this.documents.get(path) ?? this.document
    const behaviour = this.behaviours.get(path) ?? this.behaviour
    ANSWERS[this.goodPaths.has(path) ? 'good' : behaviour](response, document)
  }
}

type Answer = (response: ServerResponse, document: Uint8Array) => void

const ANSWERS: Readonly<Record<Behaviour, Answer>> = {
  good: (response, document) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(document)
  },
  slow: (response, document) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    let sent = 0
    const timer = setInterval(() => {
      response.write(document.subarray(sent, sent + 1))
      sent += 1
      if (sent >= document.byteLength) response.end()
    }, 50)
    response.on('close', () => clearInterval(timer))
  },
  hanging: () => {},
  error: (response, document) => {
    response.writeHead(500).end(document)
  },
  missing: (response, document) => {
    response.writeHead(404).end(document)
  },
  huge: (response) => {
    response.writeHead(200, { 'content-length': HUGE_BYTES }).end(Buffer.alloc(HUGE_BYTES, 0x20))
  },
  endless: (response) => {
    response.writeHead(200)
    const chunk = Buffer.alloc(64 * 1_024, 0x20)
    const pump = () => {
      while (!response.destroyed && response.write(chunk)) {
        // Until the socket is full; `drain` goes on.
      }
    }
    response.on('drain', pump)
    pump()
  },
  redirect: (response, document) => {
    response.writeHead(302, { location: '/moved' }).end(document)
  },
  page: (response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>')
  },
  garbage: (response) => {
    response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')
  },
  cut: (response, document) => {
    response.writeHead(200, { 'content-length': document.byteLength })
    response.write(document.subarray(0, Math.floor(document.byteLength / 2)), () => {
      response.socket?.destroy()
    })
  },
  compressed: (response, document) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(document)
  },
}
