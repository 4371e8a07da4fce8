/**
 * Hot path: one HTTP/1.1 connection to an upstream, and the attempt that is on it.
 *
 * The HTTP client's own time-outs for answers are off. It would make and clear a timer for the head
 * and one for the body of each, which costs 1.3 µs of CPU a request; here a sweep over the
 * connections looks who has been silent for too long (upstream-pool.ts).
 */
import type { EventEmitter } from 'node:events'
import { isIP, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import {
  buildConnector,
  Client,
  type Connector,
  type DispatchEvents,
} from '../resilience/http-client.ts'
import { InterimAnswers } from './interim-answers.ts'
import type { RequestBodyStream } from './request-body-stream.ts'
import { connectUpstream } from './upstream-socket.ts'

/** What `dispatch` takes; the library's own type does not know `servername`. */
export interface DispatchOptions {
  readonly path: string
  readonly method: string
  readonly headers: string[]
  readonly body: RequestBodyStream | Uint8Array | null
  readonly blocking: boolean
  readonly servername: string
}

/** A request on a connection. */
export interface Attempt {
  /** An interim answer came, and was dropped. */
  onInterim(): void
  /** Called at every sweep: time to see if the upstream has been silent for too long. */
  onSweep(): void
}

export interface ConnectionOptions {
  readonly connectTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly responseHeaderBytesMax: number
}

/** PEM; `null`: the usual authorities, and no certificate of our own. The key goes with that. */
export interface UpstreamTls {
  readonly ca: string | null
  readonly certificate: string | null
  readonly key: string | null
}

/** Hears of the connection itself, whatever is on it. */
export interface ConnectionObserver {
  readonly onOpened: () => void
  readonly onLost: () => void
  /** An exception escaped while an error was reported: a bug of ours. */
  readonly onFault: () => void
}

/** Opened when first used and opened again when it was lost. */
export class UpstreamConnection {
  /** The attempt that is on it now. The attempt itself sets this, and clears it when it leaves. */
  attempt: Attempt | null = null
  readonly #client: Client
  readonly #answers: InterimAnswers
  #socket: Socket | null = null

  /**
   * @param origin `http://host:port` or `https://…`.
   * @param connectSecurely For https: {@link secureConnector}. `null`: the origin has none.
   */
  constructor(
    origin: string,
    options: ConnectionOptions,
    connectSecurely: Connector | null,
    observer: ConnectionObserver,
  ) {
    this.#answers = new InterimAnswers(options.responseHeaderBytesMax, {
      onInterim: () => this.attempt?.onInterim(),
      onBroken: (error) => this.cut(error),
    })
    const connect =
      connectSecurely === null
        ? plainConnector(options, this.#answers)
        : droppingInterim(connectSecurely, this.#answers)
    const client = new Client(origin, {
      pipelining: 1,
      strictContentLength: true,
      maxHeaderSize: options.responseHeaderBytesMax,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: options.keepAliveTimeoutMs,
      // What the upstream says may only shorten it.
      keepAliveMaxTimeout: options.keepAliveTimeoutMs,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      connect: (where, onEnd) => {
        connect(where, (...end) => {
          this.#socket = end[1]
          onEnd(...end)
        })
      },
    })
    client.on('connect', observer.onOpened)
    client.on('disconnect', observer.onLost)
    // Without a listener, such an event would end the process and every request in it.
    const emitter: EventEmitter = client
    emitter.on('error', observer.onFault)
    this.#client = client
  }

  /** The request is about to be written: what is read from now on is its answer. */
  beginAnswer(): void {
    this.#answers.begin()
  }

  dispatch(options: DispatchOptions, events: DispatchEvents): void {
    this.#client.dispatch(options, events)
  }

  /**
   * Ends the attempt that is on the connection, which closes; the next one opens it again.
   *
   * Not by the library's own way to abort a request: that opens a connection at once, with nothing
   * to send on it, to an upstream that is perhaps not well.
   *
   * @param error What the attempt is told, in a later turn.
   */
  cut(error: Error): void {
    this.#socket?.destroy(error)
  }

  /** Closes the connection, in the middle of whatever it is doing. */
  async destroy(): Promise<void> {
    await this.#client.destroy()
  }
}

const HTTP_PORT = 80
/**
 * A connection is closed so much earlier than the upstream says it will close it. `timeout=1` is
 * not enough for it: such a connection is used once.
 */
const KEEP_ALIVE_MARGIN_MS = 1_000

function plainConnector(
  { connectTimeoutMs }: ConnectionOptions,
  answers: InterimAnswers,
): Connector {
  return ({ hostname, port }, callback) => {
    // Brackets belong to the address in a URL, not to the address.
    const address = { hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || HTTP_PORT }
    connectUpstream(address, connectTimeoutMs, answers, (error, socket) => {
      if (socket === null) callback(error as Error, null)
      else callback(null, socket)
    })
  }
}

/**
 * Opens connections for TLS. Certificates are always verified, whatever
 * NODE_TLS_REJECT_UNAUTHORIZED says: an upstream is told who is calling.
 *
 * @param serverName That the upstream is asked for, and that its certificate must have. An address
 *   is not asked for (RFC 6066 §3), and the certificate must have that of the target.
 */
export function secureConnector(
  { connectTimeoutMs }: ConnectionOptions,
  { ca, certificate, key }: UpstreamTls,
  serverName: string,
): Connector {
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    rejectUnauthorized: true,
    // Made once, and not with every connection.
    secureContext: createSecureContext({
      ...(ca === null ? {} : { ca }),
      ...(certificate === null || key === null ? {} : { cert: certificate, key }),
    }),
  })
  const name = isIP(serverName) === 0 ? { servername: serverName } : {}
  return ({ servername: _ofRequest, ...where }, callback) =>
    connect({ ...where, ...name }, callback)
}

function droppingInterim(connect: Connector, answers: InterimAnswers): Connector {
  return (where, callback) => {
    connect(where, (...end) => {
      const [error, socket] = end
      if (error === null) dropInterimReads(socket, answers)
      callback(...end)
    })
  }
}

/** Of a socket for TLS, which reads in its own way. */
function dropInterimReads(socket: Socket, answers: InterimAnswers): void {
  const read = socket.read.bind(socket) as (size?: number) => Buffer | null
  socket.read = (size?: number) => {
    for (;;) {
      const piece = read(size)
      if (piece === null || answers.isOver) return piece
      const kept = answers.take(piece)
      if (kept !== null) return kept
    }
  }
}
