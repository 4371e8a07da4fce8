/**
 * The yardstick, a process of its own: the barest pass-through that uWebSockets.js and undici
 * allow. It authenticates no caller, checks nothing and buffers answers whole.
 *
 * It uses undici's cheapest interface, `Pool.dispatch` with raw header buffers, because a slow
 * yardstick would flatter the gateway.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js'
import { type Dispatcher, Pool } from 'undici'
import { nativeServer } from '../native-server.ts'

/** As many as the gateway keeps to one target unless told otherwise. */
const UPSTREAM_CONNECTIONS = 256
const [, , port, upstreamOrigin] = process.argv
const pool = new Pool(upstreamOrigin ?? '', { connections: UPSTREAM_CONNECTIONS, pipelining: 1 })

/** Fields of the upstream's answer that the native server writes itself, or needs no longer. */
const WRITTEN_BY_SERVER = [
  'content-length',
  'transfer-encoding',
  'date',
  'connection',
  'keep-alive',
] as const

function isWrittenByServer(name: string): boolean {
  return WRITTEN_BY_SERVER.some((written) => written === name)
}

class Relay {
  readonly #response: HttpResponse
  #isGone = false
  #status = ''
  #fields: Buffer[] = []
  #chunks: Buffer[] = []

  constructor(response: HttpResponse) {
    this.#response = response
    response.onAborted(() => {
      this.#isGone = true
    })
  }

  onConnect(): void {}

  onHeaders(statusCode: number, fields: Buffer[], _resume: () => void, text: string): boolean {
    this.#status = `${statusCode} ${text}`
    this.#fields = fields
    return true
  }

  onData(chunk: Buffer): boolean {
    this.#chunks.push(chunk)
    return true
  }

  onComplete(): void {
    if (this.#isGone) return
    this.#response.cork(() => {
      this.#response.writeStatus(this.#status)
      for (let index = 0; index < this.#fields.length; index += 2) {
        const name = String(this.#fields[index]).toLowerCase()
        if (!isWrittenByServer(name)) {
          this.#response.writeHeader(name, this.#fields[index + 1]?.toString('latin1') ?? '')
        }
      }
      const [first] = this.#chunks
      const isOneChunk = this.#chunks.length === 1 && first !== undefined
      this.#response.end(isOneChunk ? first : Buffer.concat(this.#chunks))
    })
  }

  onError(): void {
    if (this.#isGone) return
    this.#response.cork(() => this.#response.writeStatus('502 Bad Gateway').end())
  }
}

function passThrough(response: HttpResponse, request: HttpRequest): void {
  const headers: string[] = []
  request.forEach((name, value) => {
    if (name !== 'connection' && name !== 'transfer-encoding') headers.push(name, value)
  })
  // Without a `?` it is undefined, whatever the type definitions say.
  const query = request.getQuery() as string | undefined
  const path = query === undefined ? request.getUrl() : `${request.getUrl()}?${query}`
  const method = request.getCaseSensitiveMethod() as Dispatcher.HttpMethod
  const relay = new Relay(response)
  if (method === 'GET') pool.dispatch({ method, path, headers, body: null }, relay)
  else {
    whole(response, (body) => pool.dispatch({ method, path, headers, body }, relay))
  }
}

/** The body in one piece: its parts are gone when the server's call is over, so they are copied. */
function whole(response: HttpResponse, take: (body: Buffer) => void): void {
  const parts: Buffer[] = []
  response.onData((part, isLast) => {
    parts.push(Buffer.from(new Uint8Array(part)))
    const [first] = parts
    if (isLast) take(parts.length === 1 && first !== undefined ? first : Buffer.concat(parts))
  })
}

const server = nativeServer()
server
  .App()
  .any('/*', passThrough)
  .listen('127.0.0.1', Number(port), (socket) => {
    if (!socket) process.exit(1)
  })
