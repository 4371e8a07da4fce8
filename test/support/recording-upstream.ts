/**
 * An upstream that remembers which marks it has seen. An attack carries one of its own, so that a
 * test can say of each that nothing of it got there.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MARK } from '../security/attacks/attack.ts'
import type { Echo } from './upstream-servers.ts'

const ANY_MARK = /mark-\d{6}/g

let marks = 0

/** A mark that was not used before in this process. */
export function newMark(): string {
  marks += 1
  return `mark-${String(marks).padStart(6, '0')}`
}

/** Bytes with a mark of their own in place of {@link MARK}. */
export function marked(bytes: string): { readonly mark: string; readonly bytes: string } {
  const mark = newMark()
  return { mark, bytes: bytes.replaceAll(MARK, mark) }
}

export class RecordingUpstream {
  /** Requests of which the head arrived so far. */
  requests = 0
  readonly #server: Server
  readonly #inRequests = new Set<string>()
  readonly #inBodies = new Set<string>()

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response))
    // What is no request to it was sent there all the same.
    this.#server.on('clientError', (error: Error & { rawPacket?: Buffer }, socket) => {
      note(this.#inRequests, error.rawPacket?.toString('latin1') ?? '')
      socket.destroy()
    })
  }

  static async start(): Promise<RecordingUpstream> {
    const upstream = new RecordingUpstream()
    upstream.#server.listen(0, '127.0.0.1')
    await once(upstream.#server, 'listening')
    return upstream
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Whether a request came with this mark in its target or its fields. */
  sawRequest(mark: string): boolean {
    return this.#inRequests.has(mark)
  }

  /** Whether the mark came at all, if only in the body of another request. */
  saw(mark: string): boolean {
    return this.sawRequest(mark) || this.#inBodies.has(mark)
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers, rawHeaders } = request
    this.requests += 1
    note(this.#inRequests, `${method} ${url}\n${rawHeaders.join('\n')}`)
    let body = ''
    request.setEncoding('latin1')
    request.on('error', () => undefined)
    request.on('data', (text: string) => {
      body += text
    })
    request.on('close', () => note(this.#inBodies, body))
    request.on('end', () => {
      const echo: Echo = { method, url, headers, rawHeaders, body }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(echo))
    })
  }
}

function note(seen: Set<string>, text: string): void {
  for (const mark of text.match(ANY_MARK) ?? []) seen.add(mark)
}
