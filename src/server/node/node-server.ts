/**
 * The HTTP server of one thread on node:http: what the native one cannot (docs/engines.md), with
 * the same hard shell and behind the same interface.
 *
 *     listen socket ─► PROXY header of a trusted peer ─► TLS ─► parser of node:http ─► connection
 *
 * This is one of the edges that catch: an exception that escaped here would end the thread. Node's
 * own time-outs are off, because they know nothing of bodies and readers: see connection-clock.ts.
 *
 * Threads share one listen socket, each by a descriptor of its own (shared-listen-socket.ts).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, type Socket, Server as SocketServer } from 'node:net'
import { canonicalAddress } from '../../http/ip-address.ts'
import { acceptTheRest } from '../accept-the-rest.ts'
import { ClientClock } from '../client-clock.ts'
import type { HttpServer, HttpServerOptions, ServerCertificates } from '../http-server.ts'
import { RequestSnapshotReader } from '../request-snapshot.ts'
import { type ConnectionContext, NodeConnection } from './node-connection.ts'
import { ParsedMessage } from './parsed-message.ts'
import { parserRefusal } from './parser-refusal.ts'
import { takePreamble } from './proxy-preamble.ts'
import { NO_CERTIFICATES, TlsFront } from './tls-front.ts'

/** Where to listen. */
export interface NodeListening {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** A listen socket of the process that is this server's own to close; `null`: it opens one. */
  readonly descriptor: number | null
}

/** Request line and what is between the parts of a head; as for the native server. */
const HEAD_MARGIN_BYTES = 1_024
/** Longest queue of connections that are established and not accepted. */
const BACKLOG = 511
/** Of an IPv6 address: it means something only on this machine. */
const ZONE = /%.*$/

export class NodeServer implements HttpServer {
  readonly certificates: ServerCertificates
  readonly #options: HttpServerOptions
  readonly #context: ConnectionContext
  readonly #listener: SocketServer
  readonly #parser: Server
  readonly #tls: TlsFront | null
  readonly #connections = new Map<Socket, NodeConnection>()
  /** By the socket that carries requests: above TLS. */
  readonly #carried = new WeakMap<Socket, NodeConnection>()
  #acceptedCount = 0

  constructor(options: HttpServerOptions) {
    const { limits, rules, takesMethod, tls, timeouts, onRequest, renderRefusal, onError } = options
    this.#options = options
    this.#context = {
      scheme: tls === null ? 'http' : 'https',
      bodyBytesMax: limits.bodyBytes,
      timeouts,
      clock: new ClientClock(timeouts, { onSweep: (nowMs) => this.#sweep(nowMs) }, onError),
      lingering: options.lingering,
      closing: new Set(),
      isDraining: false,
      reader: new RequestSnapshotReader(limits, rules, true),
      takesMethod,
      message: new ParsedMessage(),
      onRequest,
      renderRefusal,
      onError,
    }
    this.#parser = createParser(options)
    this.#routeParser()
    this.#tls =
      tls === null
        ? null
        : new TlsFront(tls, {
            timeoutMs: timeouts.headMs,
            onSecure: (raw, secure) => this.#carry(raw, secure),
          })
    this.certificates = this.#tls ?? NO_CERTIFICATES
    this.#listener = new SocketServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    )
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  get droppedFieldCount(): number {
    return this.#context.reader.droppedFields
  }

  /**
   * @returns The port.
   * @throws (rejects) When the address is taken or may not be used.
   */
  async listen({ host, port, descriptor }: NodeListening): Promise<number> {
    const place = descriptor === null ? { host, port, exclusive: true } : { fd: descriptor }
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen({ ...place, backlog: BACKLOG }, () => {
        this.#listener.off('error', reject)
        // From here on an error concerns one connection at most.
        this.#listener.on('error', (error) => this.#options.onError(error))
        resolve((this.#listener.address() as AddressInfo).port)
      })
    })
  }

  async stopAccepting(): Promise<void> {
    await acceptTheRest(() => this.#acceptedCount)
    // Settles without waiting for its connections.
    this.#listener.close()
  }

  setDraining(): void {
    this.#context.isDraining = true
  }

  closeAll(): void {
    this.#context.clock.stop()
    this.#listener.close()
    for (const socket of this.#connections.keys()) socket.destroy()
  }

  #accept(raw: Socket): void {
    this.#acceptedCount += 1
    const peerAddress = canonicalAddress((raw.remoteAddress ?? '').replace(ZONE, '')) ?? ''
    const connection = new NodeConnection(this.#context, raw, peerAddress)
    this.#connections.set(raw, connection)
    raw.once('close', () => {
      this.#connections.delete(raw)
      this.#contained(() => connection.onClosed())
    })
    // A reset before anything reads from it.
    raw.on('error', () => raw.destroy())
    this.#contained(() => {
      const trustedPeers = this.#options.trustedPeers()
      if (trustedPeers.isEmpty || !trustedPeers.has(peerAddress)) this.#secure(raw)
      else {
        takePreamble(
          raw,
          (address) => {
            if (address !== null) connection.peerAddress = address
            this.#contained(() => this.#secure(raw))
          },
          () => raw.destroy(),
        )
      }
    })
  }

  #secure(raw: Socket): void {
    if (this.#tls === null) this.#carry(raw, raw)
    else this.#tls.take(raw)
  }

  #carry(raw: Socket, socket: Socket): void {
    const connection = this.#connections.get(raw)
    if (connection === undefined) {
      socket.destroy()
      return
    }
    this.#carried.set(socket, connection)
    this.#parser.emit('connection', socket)
    connection.carry(socket)
  }

  #routeParser(): void {
    const onRequest = (request: IncomingMessage, response: ServerResponse) => {
      this.#contained(() => {
        this.#carried.get(request.socket)?.onRequest(request, response)
      })
    }
    this.#parser.on('request', onRequest)
    // What reads the body says that it may come; the hard shell refuses other expectations.
    this.#parser.on('checkContinue', onRequest)
    this.#parser.on('checkExpectation', onRequest)
    this.#parser.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      this.#contained(() => {
        const reason = parserRefusal(error.code)
        if (reason === 'gone') socket.destroy()
        else if (reason !== 'nothing') this.#carried.get(socket)?.onUnreadable(reason)
      })
    })
    this.#parser.on('connect', (_request: IncomingMessage, socket: Socket) => {
      this.#contained(() => this.#carried.get(socket)?.onUnreadable('request_malformed'))
    })
  }

  #sweep(nowMs: number): void {
    for (const connection of this.#connections.values()) {
      this.#contained(() => connection.sweep(nowMs))
    }
  }

  #contained(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#options.onError(error)
    }
  }
}

/** It never listens: connections are handed to it. */
function createParser({ limits, timeouts }: HttpServerOptions): Server {
  const parser = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: limits.headerBytes + limits.urlBytes + HEAD_MARGIN_BYTES,
    // The hard shell asks for it, and answers like the gateway.
    requireHostHeader: false,
    // Announced to clients. All of them are enforced by connection-clock.ts.
    keepAliveTimeout: timeouts.keepAliveMs,
    headersTimeout: 0,
    requestTimeout: 0,
  })
  // It would drop fields beyond that without a word; the hard shell refuses them.
  parser.maxHeadersCount = 0
  // A connection that node:http takes for idle: the clock decides when it ends.
  parser.on('timeout', () => undefined)
  return parser
}
