/**
 * The native HTTP server of one thread: takes requests off the wire, refuses malformed ones, and
 * hands the others up as exchanges.
 *
 * Hot path. This is one of the three edges that catch: an exception that escaped into the native
 * server would end the process.
 *
 * Two native routes see every request. The first, one per standard method, checks it and serves it.
 * A request that is refused, or whose connection must be closed afterwards, it *yields* to the
 * second, which is given another handle to the same socket. The one that the first was given, here
 * the second handle, can be used after the answer, which the native server otherwise does not
 * allow, and serves two ends:
 *
 * - After a refusal, the native server goes on with the bytes behind it, in the same turn, as if
 *   they were a request. The offset of that handle tells a request on that connection from one on
 *   another, so those bytes are refused as well, until the turn and with it the connection ends.
 * - It closes or reads on after answers for which the native server cannot (response-writer.ts).
 *
 * A PROXY header (version 2) of a trusted peer says who its own peer is. The native server takes
 * one from everybody, in front of *each* request of a connection, and the latest counts: the client
 * behind a proxy that hands on bytes as they are could name another address in front of its second
 * request. So a connection whose header is believed is closed behind its first request. That of any
 * other peer is read past.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RequestHead } from '../http/exchange.ts'
import { isMethodToken, STANDARD_METHODS } from '../http/methods.ts'
import { acceptTheRest } from './accept-the-rest.ts'
import { AnswerTurns } from './answer-turns.ts'
import { BodilessAnswers } from './bodiless-answers.ts'
import { ClientClock } from './client-clock.ts'
import type { HttpServer, HttpServerOptions, ServerCertificates } from './http-server.ts'
import { nativeInvitation } from './invitation.ts'
import { type KnownPeer, knownPeerOf } from './known-peer.ts'
import { LingeringConnections } from './lingering.ts'
import { NativeApps } from './native-apps.ts'
import type {
  NativeApp,
  NativeListenSocket,
  NativeRequest,
  NativeResponse,
  NativeServerModule,
} from './native-binary.ts'
import { RefusalWriter } from './refusal-writer.ts'
import { CONTINUE, RequestSnapshotReader, type ServerRefusal } from './request-snapshot.ts'
import { ResponseWriter } from './response-writer.ts'
import type { WriterContext } from './writer-context.ts'
import type { GuardedRequest, YieldedRequest } from './yielded-request.ts'

export interface ListenOptions {
  /** Fail when another process listens on the port, instead of sharing it with that process. */
  readonly isExclusive: boolean
}

/** A request body that is longer may be left unread, and its connection must be closed then. */
const UNGUARDED_BODY_BYTES_MAX = 65_536

/** Until what one application accepts is counted by another. */
const HANDOVER_TURNS = 3

export class NativeServer implements HttpServer {
  /** Open connections, idle ones included. */
  connectionCount = 0
  readonly #module: NativeServerModule
  readonly #options: HttpServerOptions
  readonly #apps: NativeApps
  readonly #reader: RequestSnapshotReader
  readonly #context: WriterContext
  #listenSocket: NativeListenSocket | null = null
  #acceptedCount = 0
  readonly #refusals: RefusalWriter
  #yielded: YieldedRequest | null = null

  constructor(module: NativeServerModule, options: HttpServerOptions) {
    this.#module = module
    this.#options = options
    this.#reader = new RequestSnapshotReader(options.limits, options.rules)
    const lingering = new LingeringConnections(options.lingering)
    this.#context = {
      scheme: options.tls === null ? 'http' : 'https',
      bodyBytesMax: options.limits.bodyBytes,
      isDraining: false,
      turns: new AnswerTurns(),
      bodiless: new BodilessAnswers(),
      clock: new ClientClock(options.timeouts, lingering, options.onError),
      lingering,
      onError: options.onError,
    }
    this.#refusals = new RefusalWriter(this.#context, options.renderRefusal)
    this.#apps = new NativeApps(module, options.tls, (app) => this.#route(app))
  }

  get certificates(): ServerCertificates {
    return this.#apps
  }

  /**
   * @param port 0 for any free one, which is then never shared.
   * @returns The port.
   */
  async listen(host: string, port: number, options: ListenOptions): Promise<number> {
    const flags = options.isExclusive ? this.#module.LIBUS_LISTEN_EXCLUSIVE_PORT : 0
    return new Promise((resolve, reject) => {
      this.#apps.first.listen(host, port, flags, (socket) => {
        if (socket === false) {
          reject(new Error(`cannot listen on ${host}:${port}`))
          return
        }
        this.#listenSocket = socket
        resolve(this.#module.us_socket_local_port(socket))
      })
    })
  }

  /**
   * Takes no new connections. Those that are open go on. Idempotent.
   *
   * @returns Settles when the socket is closed.
   */
  async stopAccepting(): Promise<void> {
    await acceptTheRest(() => this.#acceptedCount)
    if (this.#listenSocket === null) return
    this.#module.us_listen_socket_close(this.#listenSocket)
    this.#listenSocket = null
    if (this.#apps.handsOver) for (let turn = 0; turn < HANDOVER_TURNS; turn += 1) await nextTurn()
  }

  /** Fields that were left out of requests because of their names. */
  get droppedFieldCount(): number {
    return this.#reader.droppedFields
  }

  /** From now on every answer closes its connection. */
  setDraining(): void {
    this.#context.isDraining = true
  }

  /**
   * Cuts every connection, whatever runs on it, and stops accepting. A thread must call this before
   * it ends, for whatever reason: Node aborts the *process* when a thread leaves handles open.
   */
  closeAll(): void {
    this.#listenSocket = null
    this.#context.clock.stop()
    this.#apps.closeAll()
  }

  #route(app: NativeApp): void {
    const register = {
      GET: app.get,
      HEAD: app.head,
      POST: app.post,
      PUT: app.put,
      PATCH: app.patch,
      DELETE: app.del,
      OPTIONS: app.options,
    }
    for (const method of STANDARD_METHODS) {
      register[method].call(app, '/*', (response, request) => {
        try {
          this.#receive(method, response, request)
        } catch (error) {
          this.#cut(response, error)
        }
      })
    }
    app.any('/*', (response, request) => {
      try {
        this.#receiveYielded(response, request)
      } catch (error) {
        this.#cut(response, error)
      }
    })
    const onConnections = (_response: NativeResponse, change: unknown) => {
      this.connectionCount += Number(change)
      if (Number(change) > 0) this.#acceptedCount += 1
      this.#refusals.forget()
    }
    app.filter(onConnections)
  }

  #receive(method: string, response: NativeResponse, request: NativeRequest): void {
    if (this.#refusals.isBehindRefusal()) {
      this.#refusals.refuseAgain(method, response)
      return
    }
    const head = this.#reader.read(method, request)
    if (typeof head === 'string') {
      this.#refuse(method, response, request, head)
      return
    }
    const peer = knownPeerOf(response, this.#options.trustedPeers())
    if (!this.#mustBeGuarded(head, peer)) {
      this.#handUpNow(response, head, peer)
    } else if (this.#reader.isInvited) {
      this.#handUpLater(response, { kind: 'guarded', head, peer, secondHandle: null })
    } else {
      this.#yielded = { kind: 'guarded', head, peer, secondHandle: response }
      request.setYield(true)
    }
  }

  /** A method without a native route of its own: only the second one sees it. */
  #receiveOther(method: string, response: NativeResponse, request: NativeRequest): void {
    if (this.#refusals.isBehindRefusal()) {
      this.#refusals.refuseAgain(method, response)
      return
    }
    let head: RequestHead | ServerRefusal = 'request_malformed'
    if (this.#options.takesMethod(method)) head = this.#reader.read(method, request)
    else if (isMethodToken(method)) head = 'method_unknown'
    if (typeof head === 'string') {
      this.#refuseHere(method, response, request, head)
      return
    }
    const peer = knownPeerOf(response, this.#options.trustedPeers())
    if (this.#mustBeGuarded(head, peer)) {
      this.#handUpLater(response, { kind: 'guarded', head, peer, secondHandle: null })
    } else this.#handUpNow(response, head, peer)
  }

  #mustBeGuarded(head: RequestHead, { isProxied }: KnownPeer): boolean {
    const { mustClose, mustWait } = this.#reader
    if (mustClose || mustWait || this.#context.isDraining || isProxied) return true
    return head.contentLength !== null && head.contentLength > UNGUARDED_BODY_BYTES_MAX
  }

  #receiveYielded(response: NativeResponse, request: NativeRequest): void {
    const yielded = this.#yielded
    this.#yielded = null
    if (yielded === null) this.#receiveOther(request.getCaseSensitiveMethod(), response, request)
    else if (yielded.kind === 'guarded') this.#handUpLater(response, yielded)
    else this.#refusals.refuseNow(response, yielded)
  }

  #refuse(
    method: string,
    response: NativeResponse,
    request: NativeRequest,
    reason: ServerRefusal,
  ): void {
    // Yielded, an invited one would be answered 100 once more.
    const isYielded = method !== 'HEAD' && request.getHeader('expect') !== CONTINUE
    if (!isYielded || isLongUpload(request)) this.#refuseHere(method, response, request, reason)
    else {
      const origin = request.getHeader('origin')
      this.#yielded = { kind: 'refused', reason, origin, secondHandle: response }
      request.setYield(true)
    }
  }

  /** Without a second handle. */
  #refuseHere(
    method: string,
    response: NativeResponse,
    request: NativeRequest,
    reason: ServerRefusal,
  ): void {
    const origin = request.getHeader('origin')
    if (method !== 'HEAD' && isLongUpload(request)) {
      this.#refusals.refuseUpload(response, reason, origin)
    } else this.#refusals.refuseLater(response, method, reason, origin)
  }

  #handUpNow(response: NativeResponse, head: RequestHead, { address }: KnownPeer): void {
    this.#handUp(new ResponseWriter(this.#context, head, response, address, null, false))
  }

  #handUp(exchange: ResponseWriter): void {
    try {
      this.#options.onRequest(exchange)
    } catch (error) {
      exchange.fail(error)
    }
  }

  /**
   * Out of the parser's turn: an answer given within it would let the native server go on with the
   * bytes behind the request. While the request waits, they make it close the connection instead.
   */
  #handUpLater(response: NativeResponse, { head, peer, secondHandle }: GuardedRequest): void {
    const exchange = new ResponseWriter(
      this.#context,
      head,
      response,
      peer.address,
      secondHandle,
      this.#reader.mustClose || peer.isProxied,
    )
    if (this.#reader.awaitsInvitation) exchange.body.invitation = nativeInvitation(response)
    setImmediate(() => {
      if (!exchange.closed) this.#handUp(exchange)
    })
  }

  /** Something here is broken: the connection goes, the process stays. */
  #cut(response: NativeResponse, error: unknown): void {
    this.#yielded = null
    try {
      response.close()
    } catch {
      // The answer was complete already, which is when the native object refuses to be touched.
    }
    this.#options.onError(error)
  }
}

/**
 * A server for this thread, not listening yet. Several threads may listen on one port.
 *
 * Promised of what it hands up: see {@link RequestHead}. Of deadlines: {@link ClientTimeouts}; the
 * native server itself closes where no head comes for 8 to 12 s. Not promised: an end of handlers.
 */
export function createNativeServer(
  module: NativeServerModule,
  options: HttpServerOptions,
): NativeServer {
  return new NativeServer(module, options)
}

/** Whether the native server waits for a body whose client would lose an answer that comes now. */
function isLongUpload(request: NativeRequest): boolean {
  const isChunked = request.getHeader('transfer-encoding') !== ''
  return !isChunked && Number(request.getHeader('content-length')) > UNGUARDED_BODY_BYTES_MAX
}
