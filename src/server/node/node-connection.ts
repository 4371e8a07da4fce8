/**
 * One connection of the engine on node:http: its requests one after the other, and its end.
 *
 *     parser ──► current request ──► its answer is with the kernel ──► a later turn: the next one
 *        └─────► waiting: those that were sent ahead, in order. While any waits, nothing is read.
 *
 * So a client that pipelines gets its answers in order; one that reads none holds one answer and
 * a bounded number of heads; and the others get their turns in between.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientExchange, RequestHead } from '../../http/exchange.ts'
import { hasField } from '../../http/header-list.ts'
import { isStandardMethod, STANDARD_METHODS } from '../../http/methods.ts'
import { systemClock } from '../../runtime/clock.ts'
import type { ClientClock } from '../client-clock.ts'
import type { RenderRefusal, ServerTimeouts } from '../http-server.ts'
import type { LingeringBounds } from '../lingering.ts'
import type { RequestSnapshotReader, ServerRefusal } from '../request-snapshot.ts'
import { acknowledgedBytes } from '../socket-calls.ts'
import { ConnectionClock } from './connection-clock.ts'
import { LingeringClose } from './lingering-close.ts'
import { type ExchangeConnection, NodeExchange } from './node-exchange.ts'
import { isAlone, type ParsedMessage } from './parsed-message.ts'
import { phraseOf, refusalText, statusCodeOf } from './wire-text.ts'

/** Sent ahead of an answer. More of them are not held: the connection is cut. */
const WAITING_MAX = 64

/** What all connections of a server share. */
export interface ConnectionContext {
  readonly scheme: 'http' | 'https'
  readonly bodyBytesMax: number
  readonly timeouts: ServerTimeouts
  /** Of bodies. */
  readonly clock: ClientClock
  readonly lingering: LingeringBounds
  /** Connections that linger, the oldest first. */
  readonly closing: Set<NodeConnection>
  isDraining: boolean
  readonly reader: RequestSnapshotReader
  readonly message: ParsedMessage
  readonly onRequest: (exchange: ClientExchange) => void
  readonly renderRefusal: RenderRefusal
  readonly takesMethod: (method: string) => boolean
  readonly onError: (error: unknown) => void
}

/** A request as the parser has read it. */
interface ParsedRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** What `OPTIONS *` asks for (RFC 9110 §9.3.7). */
const ABOUT_SERVER = ['Allow', STANDARD_METHODS.join(', ')]

const IGNORE = () => undefined

export class NodeConnection implements ExchangeConnection {
  /** Of the client, as far as it is known who that is. */
  peerAddress: string
  readonly #context: ConnectionContext
  /** As accepted: below TLS. */
  readonly #raw: Socket
  /** What carries requests; `null` until TLS is agreed upon. */
  #socket: Socket | null = null
  readonly #clock: ConnectionClock
  #exchange: NodeExchange | null = null
  /** Whether a request is being answered, until the kernel has the last byte of the answer. */
  #isBusy = false
  readonly #waiting: ParsedRequest[] = []
  #isBodyHeldBack = false
  #isPaused = false
  /** More has come than will be looked at. */
  #isOverrun = false
  /** Nothing that still comes is a request. */
  #isClosing = false
  /** `null`: it does not end yet. */
  #lingering: LingeringClose | null = null
  /** What comes behind the requests that wait cannot be read. */
  #refusal: ServerRefusal | null = null

  constructor(context: ConnectionContext, raw: Socket, peerAddress: string) {
    this.#context = context
    this.#raw = raw
    this.peerAddress = peerAddress
    this.#clock = new ConnectionClock(raw, context.timeouts)
  }

  get scheme(): 'http' | 'https' {
    return this.#context.scheme
  }

  get bodies(): ConnectionContext {
    return this.#context
  }

  get isDraining(): boolean {
    return this.#context.isDraining
  }

  /** From here on requests come by this socket. */
  carry(socket: Socket): void {
    this.#socket = socket
    // What node:http does behind the last answer, which loses it if more of a body is on its way.
    socket.destroySoon = () => this.#close()
    // It reads on behind each message, whatever it was told.
    const resume = socket.resume.bind(socket)
    socket.resume = () => (this.#isPaused ? socket : resume())
  }

  /** From the parser. Must not throw. */
  onRequest(request: IncomingMessage, response: ServerResponse): void {
    // Writing to a connection that is gone is reported here, and ends the process otherwise.
    response.on('error', IGNORE)
    if (this.#isClosing || this.#refusal !== null) this.#stopParsing()
    else if (this.#isBusy) this.#wait({ request, response })
    else this.#begin({ request, response })
  }

  /** The parser cannot read what came, or somebody has closed the connection. */
  onUnreadable(reason: ServerRefusal): void {
    if (this.#isClosing || this.#refusal !== null) return
    this.#refusal = reason
    const exchange = this.#exchange
    if (!this.#isBusy) this.#refuseUnread()
    else if (exchange !== null && !exchange.body.isComplete) {
      // The body of the request under way has ended in something that is none.
      const isStarted = exchange.started
      exchange.abandon()
      if (isStarted) this.cut()
      else this.#refuseUnread()
    }
  }

  /** The socket is closed. */
  onClosed(): void {
    this.#isClosing = true
    this.#context.closing.delete(this)
    this.#waiting.length = 0
    this.#exchange?.abandon()
    this.#exchange = null
  }

  pause(): void {
    this.#isBodyHeldBack = true
    this.#holdBack()
  }

  resume(): void {
    this.#isBodyHeldBack = false
    this.#holdBack()
  }

  /** A reset, where the system can: an answer without a length must not look complete. */
  cut(): void {
    this.#isClosing = true
    // At once: the event comes in a later turn, and others may have to make room in this one.
    this.#context.closing.delete(this)
    const isLingering = this.#lingering !== null
    if (!isLingering && this.#raw.readyState === 'open') this.#raw.resetAndDestroy()
    else this.#raw.destroy()
    this.#socket?.destroy()
  }

  onError(error: unknown): void {
    this.#context.onError(error)
  }

  /** Enforces the deadlines of the client; called once a second. */
  sweep(nowMs: number): void {
    if (this.#lingering?.isOver()) this.cut()
    if (this.#lingering !== null) return
    const unsentBytes = unsentBytesOf(this.#socket ?? this.#raw)
    const verdict = this.#clock.look(nowMs, {
      isBusy: this.#isBusy,
      isDraining: this.#context.isDraining,
      unsentBytes,
      takenBytes: unsentBytes === 0 ? 0 : takenBytesOf(this.#raw),
    })
    if (verdict === 'stalled') this.#exchange?.stalled()
    if (verdict === 'stalled' || verdict === 'cut') this.cut()
    else if (verdict === 'end') this.#close()
  }

  /** What the parser makes of the bytes behind the last request would else pile up in it. */
  #stopParsing(): void {
    this.#isOverrun = true
    this.#holdBack()
  }

  #wait(parsed: ParsedRequest): void {
    this.#waiting.push(parsed)
    if (this.#waiting.length > WAITING_MAX) this.cut()
    else this.#holdBack()
  }

  #begin({ request, response }: ParsedRequest): void {
    this.#isBusy = true
    response.once('finish', () => this.#answered())
    // Otherwise a field of the client's decides how an answer to HTTP/1.0 is framed.
    if (request.httpVersionMinor === 0) response.useChunkedEncodingByDefault = false
    const { reader, message, onRequest } = this.#context
    const { method = '' } = request
    const isWellFormed = message.take(request, this.#raw)
    if (!isWellFormed || !this.#takesMethod(method)) {
      this.#refuse(request, response, isWellFormed ? 'method_unknown' : 'request_malformed')
      return
    }
    const head = reader.read(method, message)
    if (typeof head === 'string') {
      this.#refuse(request, response, head)
      return
    }
    const exchange = new NodeExchange(this, head, request, response, this.#mustClose(request, head))
    this.#exchange = exchange
    try {
      if (message.isAboutServer) exchange.sendHead('204 No Content', ABOUT_SERVER, null)
      else onRequest(exchange)
    } catch (error) {
      exchange.fail(error)
    }
  }

  #takesMethod(method: string): boolean {
    return isStandardMethod(method) || this.#context.takesMethod(method)
  }

  /** Behind a chunked body, as the native engine; behind an upgrade, see {@link isAlone}. */
  #mustClose(request: IncomingMessage, head: RequestHead): boolean {
    if (head.contentLength === null) return true
    if (!hasField(head.headers, 'upgrade')) return false
    return head.hasBody || !isAlone(request)
  }

  #refuse(request: IncomingMessage, response: ServerResponse, reason: ServerRefusal): void {
    this.#isClosing = true
    // Dropped as it comes; how much of it, the connection says.
    request.resume()
    const { message, renderRefusal } = this.#context
    const { status, headers, body } = renderRefusal(reason, message.getHeader('origin'))
    const own = ['Content-Length', String(Buffer.byteLength(body)), 'Connection', 'close']
    response.writeHead(statusCodeOf(status), phraseOf(status), [...headers, ...own])
    response.end(body)
  }

  /** The kernel has all of an answer. */
  #answered(): void {
    const isWhole = this.#exchange?.body.isComplete ?? true
    this.#exchange = null
    this.#isBusy = false
    this.#clock.answered(isWhole)
    if (this.#isClosing) return
    const next = this.#waiting.shift()
    if (next !== undefined) {
      this.#isBusy = true
      setImmediate(() => this.#beginNext(next))
    } else if (this.#refusal === null) this.#holdBack()
    else this.#refuseUnread()
  }

  #beginNext(next: ParsedRequest): void {
    if (this.#isClosing) return
    this.#holdBack()
    try {
      this.#begin(next)
    } catch (error) {
      this.cut()
      this.onError(error)
    }
  }

  #refuseUnread(): void {
    const { renderRefusal } = this.#context
    const date = new Date(systemClock.wallMs()).toUTCString()
    const text = refusalText(renderRefusal(this.#refusal ?? 'request_malformed', ''), date)
    this.#isClosing = true
    if (this.#socket?.writable) this.#socket.write(text)
    this.#close()
  }

  #holdBack(): void {
    const pauses = this.#isBodyHeldBack || this.#isOverrun || this.#waiting.length > 0
    if (pauses === this.#isPaused) return
    this.#isPaused = pauses
    if (pauses) this.#socket?.pause()
    else this.#socket?.resume()
  }

  /** Ends this side, and takes for a while what the client still sends. */
  #close(): void {
    this.#isClosing = true
    const socket = this.#socket ?? this.#raw
    if (this.#lingering !== null || socket.destroyed) return
    const { closing, lingering } = this.#context
    this.#lingering = new LingeringClose(this.#raw, lingering)
    socket.end()
    // Past the parser, for which all of it would be requests.
    socket.removeAllListeners('data')
    socket.on('data', IGNORE)
    this.#isPaused = false
    socket.resume()
    readOn(socket)
    closing.add(this)
    const [oldest] = closing
    if (closing.size > lingering.connectionsMax) oldest?.cut()
  }
}

interface SocketHandle {
  readonly writeQueueSize?: number
  readonly fd?: number
  /** Whether it reads; the engine's own note of that. */
  reading?: boolean
  readStart?: () => number
}

interface SocketWithHandle {
  readonly _handle?: SocketHandle | null
}

/**
 * A body that was held back has stopped the handle, and with its parser the socket has lost what
 * would start it again: it flows, and nothing comes.
 */
function readOn(socket: Socket): void {
  const { _handle: handle } = socket as SocketWithHandle
  if (handle?.reading !== false) return
  handle.reading = true
  handle.readStart?.()
}

/** What the socket has taken of an answer, and the kernel has not. */
function unsentBytesOf(socket: Socket): number {
  const { _handle: handle } = socket as SocketWithHandle
  return socket.writableLength === 0 ? 0 : (handle?.writeQueueSize ?? socket.writableLength)
}

/** 0 where the system does not tell. */
function takenBytesOf(raw: Socket): number {
  const descriptor = (raw as SocketWithHandle)._handle?.fd ?? -1
  return descriptor < 0 ? 0 : (acknowledgedBytes(descriptor) ?? 0)
}
