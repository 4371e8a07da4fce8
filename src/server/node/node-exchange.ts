/**
 * One exchange over node:http: implements the seam that everything above the socket uses.
 *
 * Hot path. Framing is left to node:http: chunked for an unknown length, closed behind it in
 * HTTP/1.0. A head that is begun goes out at once, together with what follows in the same turn.
 *
 * What node:http did not hand to the kernel keeps the connection from its next request
 * (node-connection.ts), so that answers to a client that reads nothing do not pile up.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientExchange, GoneCause, RequestHead } from '../../http/exchange.ts'
import { type HeaderList, hasField } from '../../http/header-list.ts'
import { isBodiless, isNoContent } from '../end-head.ts'
import { Invitation } from '../invitation.ts'
import { RequestBodyReader } from '../request-body-reader.ts'
import type { BodyContext } from '../writer-context.ts'
import { phraseOf, statusCodeOf } from './wire-text.ts'

/** What an exchange asks of the connection that it runs on. */
export interface ExchangeConnection {
  readonly scheme: 'http' | 'https'
  readonly peerAddress: string
  readonly bodies: BodyContext
  /** Whether every answer closes its connection from now on. */
  readonly isDraining: boolean
  /** Nothing more of the socket is read until `resume`. */
  pause(): void
  resume(): void
  /** Cuts it, so that the client can tell that its answer is not complete. */
  cut(): void
  onError(error: unknown): void
}

/** `STARTED`: the head waits for what the turn still brings. */
const OPEN = 0
const STARTED = 1
const STREAMING = 2
const DONE = 3

const NO_HEADERS: HeaderList = []
const IGNORE = () => undefined
const NO_BYTES = Buffer.alloc(0)
const NO_CHUNK = new ArrayBuffer(0)

export class NodeExchange implements ClientExchange {
  readonly head: RequestHead
  readonly body: RequestBodyReader
  readonly #connection: ExchangeConnection
  /** `null` as soon as nothing more can be written. */
  #response: ServerResponse | null
  #state = OPEN
  #closes: boolean
  #status = ''
  #headers: HeaderList = NO_HEADERS
  #contentLength: number | null = null
  #acceptedBytes = 0
  #onGone: (cause: GoneCause) => void = IGNORE
  #onDrain: () => void = IGNORE

  /** @param mustClose Close the connection after the answer, whatever it will be. */
  constructor(
    connection: ExchangeConnection,
    head: RequestHead,
    request: IncomingMessage,
    response: ServerResponse,
    mustClose: boolean,
  ) {
    this.head = head
    this.body = bodyOf(connection, head, request, response)
    this.#connection = connection
    this.#response = response
    this.#closes = mustClose
  }

  get scheme(): 'http' | 'https' {
    return this.#connection.scheme
  }

  get peerAddress(): string {
    return this.#connection.peerAddress
  }

  get closed(): boolean {
    return this.#response === null
  }

  get started(): boolean {
    return this.#state !== OPEN
  }

  onGone(callback: (cause: GoneCause) => void): void {
    this.#onGone = callback
  }

  onDrain(callback: () => void): void {
    this.#onDrain = callback
  }

  closeAfterAnswer(): void {
    this.#closes = true
  }

  answer(status: string, headers: HeaderList, body: string): void {
    this.send(status, headers, body)
  }

  send(status: string, headers: HeaderList, body: string | Uint8Array): void {
    if (!this.#accept(status, headers, null)) return
    // What the caller has given may be used again behind this call.
    this.#endWhole(typeof body === 'string' ? Buffer.from(body) : Buffer.from(body))
  }

  sendHead(status: string, headers: HeaderList, contentLength: number | null): void {
    if (!this.#accept(status, headers, contentLength)) return
    this.#writeHead()
    this.#end(null)
  }

  start(status: string, headers: HeaderList, contentLength: number | null): void {
    if (this.#accept(status, headers, contentLength)) process.nextTick(sendHeads, this)
  }

  write(chunk: Uint8Array): boolean {
    if (this.#response === null || this.#state === OPEN) return true
    if (chunk.length === 0 || isBodiless(this.head.method, this.#status)) return true
    this.#acceptedBytes += chunk.length
    if (this.#contentLength !== null && this.#acceptedBytes > this.#contentLength) {
      // More than declared would be read as the beginning of the next answer.
      this.destroy()
      return true
    }
    if (this.#state === STARTED) this.#writeHead()
    if (this.#acceptedBytes === this.#contentLength) {
      // Of a declared length, the last byte ends the answer by itself.
      this.#end(Buffer.from(chunk))
      return true
    }
    return this.#response.write(Buffer.from(chunk))
  }

  finish(): void {
    if (this.#response === null || this.#state === OPEN) return
    const isShort = this.#contentLength !== null && this.#acceptedBytes < this.#contentLength
    if (isShort && !isBodiless(this.head.method, this.#status)) this.destroy()
    else if (this.#state === STREAMING) this.#end(null)
    else this.#endWhole(NO_BYTES)
  }

  /** What has begun goes out, whatever is still to come. Only for the end of a turn. */
  sendHeads(): void {
    if (this.#state !== STARTED) return
    this.#writeHead()
    this.#response?.flushHeaders()
  }

  destroy(): void {
    if (this.#response === null) return
    this.#release()
    this.#connection.cut()
  }

  fail(error: unknown): void {
    this.destroy()
    this.#connection.onError(error)
  }

  /** The client has taken nothing of its answer for too long. */
  stalled(): void {
    // First: the end of the body tells its reader that the client has left.
    this.#onGone('reader_stalled')
    this.destroy()
  }

  /** The client is gone. */
  abandon(): void {
    if (this.#response === null) return
    const onGone = this.#onGone
    try {
      this.#response = null
      this.body.abandon()
      this.#release()
      onGone('client_gone')
    } catch (error) {
      this.#connection.onError(error)
    }
  }

  #accept(status: string, headers: HeaderList, contentLength: number | null): boolean {
    if (this.#response === null || this.#state !== OPEN) return false
    this.#state = STARTED
    this.#status = status
    this.#headers = headers
    this.#contentLength = isNoContent(status) ? null : contentLength
    return true
  }

  #endWhole(body: Buffer): void {
    if (!isNoContent(this.#status)) this.#contentLength ??= body.length
    this.#writeHead()
    const isBodied = body.length > 0 && !isBodiless(this.head.method, this.#status)
    this.#end(isBodied ? body : null)
  }

  #writeHead(): void {
    const response = this.#response
    if (response === null) return
    this.#state = STREAMING
    response.on('drain', () => this.#drained())
    const contentLength = this.#contentLength
    const closes = this.#closes || this.#connection.isDraining || !this.body.isNearlyComplete
    const own: string[] = []
    if (contentLength !== null) own.push('Content-Length', String(contentLength))
    if (closes) own.push('Connection', 'close')
    const fields = [...this.#headers, ...own]
    try {
      response.writeHead(statusCodeOf(this.#status), phraseOf(this.#status), fields)
    } catch (error) {
      // A field that is none: the answer cannot be given, and the client is not kept waiting.
      this.fail(error)
    }
  }

  #end(lastChunk: Buffer | null): void {
    const response = this.#response
    if (response === null) return
    // The rest of the body is dropped as it comes; how much of it, the connection says.
    this.body.swallow()
    this.#release()
    if (lastChunk === null) response.end()
    else response.end(lastChunk)
  }

  #drained(): void {
    if (this.#response === null) return
    try {
      this.#onDrain()
    } catch (error) {
      this.fail(error)
    }
  }

  #release(): void {
    this.#response = null
    this.#state = DONE
    this.#onGone = IGNORE
    this.#onDrain = IGNORE
    this.body.detach()
  }
}

/**
 * A body as node:http delivers it, which has checked its framing. `100 Continue` is sent when
 * somebody begins to read, so that a client that is refused keeps its body to itself.
 */
function bodyOf(
  connection: ExchangeConnection,
  head: RequestHead,
  request: IncomingMessage,
  response: ServerResponse,
): RequestBodyReader {
  const socket = {
    pause: () => {
      request.pause()
      connection.pause()
    },
    resume: () => {
      request.resume()
      connection.resume()
    },
  }
  const body = new RequestBodyReader(connection.bodies, socket, head.contentLength)
  if (!head.hasBody) return body
  if (request.httpVersionMinor === 1 && hasField(head.headers, 'expect')) {
    body.invitation = new Invitation(() => {
      if (!response.headersSent) response.writeContinue()
    })
  }
  const receive = (chunk: ArrayBuffer, isLast: boolean) => {
    try {
      body.receive(chunk, isLast)
    } catch (error) {
      connection.cut()
      connection.onError(error)
    }
  }
  request.on('data', (chunk: Buffer) => {
    const isLast = body.receivedBytes + chunk.length === head.contentLength
    receive(memoryOf(chunk), isLast)
  })
  request.on('end', () => {
    if (!body.isComplete) receive(NO_CHUNK, true)
  })
  return body
}

// One function for all answers, instead of a closure for each.
const sendHeads = (exchange: NodeExchange) => exchange.sendHeads()

/** The chunk as memory of its own, of which the reader makes copies. */
function memoryOf({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
}
