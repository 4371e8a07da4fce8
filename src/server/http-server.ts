/**
 * What both HTTP engines are to those who compose one: the native server (uws-app.ts) and the one
 * on node:http (node/node-server.ts).
 */
import type { AddressRanges } from '../http/address-ranges.ts'
import type { ClientExchange } from '../http/exchange.ts'
import type { ClientTimeouts } from './client-clock.ts'
import type { LingeringBounds } from './lingering.ts'
import type { TlsFiles } from './native-apps.ts'
import type { RequestLimits, RequestRules, ServerRefusal } from './request-snapshot.ts'

/** An answer of the server's own. The server adds `Content-Length`, `Date` and `Connection`. */
export interface RenderedRefusal {
  /** E.g. `400 Bad Request`. */
  readonly status: string
  /** `[name, value, …]`. */
  readonly headers: readonly string[]
  readonly body: string
}

export type RenderRefusal = (reason: ServerRefusal, origin: string) => RenderedRefusal

/** As in `server.timeouts`. */
export interface ServerTimeouts extends ClientTimeouts {
  /** From the first byte of a request, or of the connection, to the end of the head. */
  readonly headMs: number
  /** Longest time between two requests of a connection. */
  readonly keepAliveMs: number
}

export interface HttpServerOptions {
  readonly limits: RequestLimits
  readonly rules: RequestRules
  /** Whether any route takes this method. Asked for those that are not standard. */
  readonly takesMethod: (method: string) => boolean
  /** The native server keeps to its own for heads and idle connections. */
  readonly timeouts: ServerTimeouts
  readonly lingering: LingeringBounds
  /** `null` for plain HTTP. */
  readonly tls: TlsFiles | null
  /** Peers whose PROXY header is believed. Asked for each request, or each connection. */
  readonly trustedPeers: () => AddressRanges
  /** Called for every well-formed request. May throw; the exchange is destroyed then. */
  readonly onRequest: (exchange: ClientExchange) => void
  /**
   * Called once for every refusal, so it may count them. Built-in answers should be constants.
   * @param origin `Origin` as it came, the first of several; empty: there is none to be told of.
   */
  readonly renderRefusal: RenderRefusal
  /** Something above the server threw: a defect, never an expected outcome. Must not throw. */
  readonly onError: (error: unknown) => void
}

/** The certificates of a server that speaks TLS; those of the start count until others do. */
export interface ServerCertificates {
  /**
   * Reads a certificate and its key, to be used with {@link useCertificate}.
   *
   * @throws When the files hold no certificate with its key.
   */
  prepareCertificate(tls: TlsFiles): void
  dropCertificate(): void
  /** Connections that are accepted from now on get what was prepared. */
  useCertificate(): void
}

/** A server of one thread that listens already. */
export interface HttpServer {
  /** Open connections, idle ones included. */
  readonly connectionCount: number
  /** Fields that were left out of requests because of their names. */
  readonly droppedFieldCount: number
  readonly certificates: ServerCertificates
  /**
   * Takes no new connections. Those that are open go on. Idempotent.
   *
   * @returns Settles when the socket is closed.
   */
  stopAccepting(): Promise<void>
  /** From now on every answer closes its connection. */
  setDraining(): void
  /** Cuts every connection, whatever runs on it, and stops accepting. */
  closeAll(): void
}
