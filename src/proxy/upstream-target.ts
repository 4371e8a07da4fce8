/**
 * Hot path: one address of an upstream: its connections, who waits for one, and its health.
 *
 * Connections are handed out here and not by the HTTP client's own pool, for four reasons. A free
 * one is found without a search. The one used last is used first, so that a few stay warm. Waiting
 * is bounded in number and time. And a request that the client library refuses cannot take a
 * connection out of the pool for good (undici 7.30: `Pool` waits for a `drain` that never comes).
 */
import { WaitingLine, type WaitingPlace } from '../resilience/waiting-line.ts'
import { nameOfHost, type UpstreamHost } from './request-fields.ts'
import {
  type ConnectionOptions,
  secureConnector,
  UpstreamConnection,
  type UpstreamTls,
} from './upstream-connection.ts'

/** Somebody who waits for a connection. */
export interface ConnectionWaiter {
  /** Given in a turn of its own, never from within another request's callback. */
  onConnectionFree(connection: UpstreamConnection): void
  /** Has waited as long as it may; is not waiting any more. */
  onWaitExpired(): void
  /** Since when, on the monotonic clock. */
  readonly waitingSinceMs: number
}

export interface TargetOptions extends ConnectionOptions {
  /** Name of the upstream, for the log. */
  readonly upstream: string
  /** Connections at most, at least 1. */
  readonly connections: number
  /** Requests in work or waiting at most. */
  readonly pendingMax: number
  /** Whose name is also that of the certificate. */
  readonly host: UpstreamHost
  readonly tls: UpstreamTls
}

export class UpstreamTarget {
  /** Name of the upstream that it belongs to. */
  readonly upstream: string
  /** Scheme, host and port. */
  readonly origin: string
  /**
   * Name that TLS asks for and that the certificate must have: that of the setting `host` if it is
   * one, else the target's own, whatever `Host` the client sent. Given for http too, because the
   * library would otherwise look for one in each request's `Host`.
   */
  readonly serverName: string
  /** Requests in work or waiting. */
  pending = 0
  /** Connections that are open. */
  connected = 0
  /** Failures since the last answer. */
  failures = 0
  /** Ejections since the last answer: each doubles the time to the next probe. */
  ejections = 0
  /** When an ejected target may be probed, on the monotonic clock; 0 when it is not ejected. */
  probeAtMs = 0
  /** Whether a request is on its way to find out if an ejected target is back. */
  probing = false
  /** Exceptions that escaped while an error was reported: each is a bug of ours. */
  faults = 0

  readonly #options: TargetOptions
  /** One for all connections, which resume each other's sessions. */
  readonly #connectSecurely: ReturnType<typeof secureConnector> | null
  readonly #idle: UpstreamConnection[] = []
  readonly #all: UpstreamConnection[] = []
  readonly #waiting = new WaitingLine<ConnectionWaiter>()
  readonly #observer = {
    onOpened: (): void => {
      this.connected += 1
    },
    onLost: (): void => {
      this.connected -= 1
    },
    onFault: (): void => {
      this.faults += 1
    },
  }

  constructor(origin: string, options: TargetOptions) {
    const url = new URL(origin)
    this.upstream = options.upstream
    this.origin = url.origin
    this.serverName = nameOfHost(options.host) ?? url.hostname.replace(/^\[|\]$/g, '')
    this.#connectSecurely =
      url.protocol === 'https:' ? secureConnector(options, options.tls, this.serverName) : null
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Whether one more request would be more than may be pending. */
  get full(): boolean {
    return this.pending >= this.#options.pendingMax
  }

  /** A connection that is not in use, or `null` when all are. */
  take(): UpstreamConnection | null {
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    return this.#all.length < this.#options.connections ? this.#createConnection() : null
  }

  /** Lets somebody wait until a connection is free. First come, first served. */
  wait(waiter: ConnectionWaiter): WaitingPlace {
    return this.#waiting.join(waiter)
  }

  stopWaiting(place: WaitingPlace): void {
    this.#waiting.leave(place)
  }

  /** Takes a connection back after a complete answer, as the last thing in its callback. */
  giveBack(connection: UpstreamConnection): void {
    if (this.#waiting.size === 0) this.#idle.push(connection)
    else this.giveBackLater(connection)
  }

  /**
   * Takes a connection back after an error. A turn later, because the client library asserts that
   * nothing new is dispatched while it reports an error.
   */
  giveBackLater(connection: UpstreamConnection): void {
    setImmediate(passOn, this.#waiting, this.#idle, connection)
  }

  /** Tells everybody who has waited since before `sinceMs`. */
  expireWaiting(sinceMs: number): void {
    for (;;) {
      const waiter = this.#waiting.oldest
      // In order of arrival: all that follow have waited less.
      if (waiter === null || waiter.waitingSinceMs > sinceMs) return
      this.#waiting.next()
      waiter.onWaitExpired()
    }
  }

  /** Has every attempt looked at: see {@link Attempt.onSweep}. */
  sweepAttempts(): void {
    for (const connection of this.#all) connection.attempt?.onSweep()
  }

  /** Closes all connections, in the middle of whatever they are doing. */
  async destroy(): Promise<void> {
    this.expireWaiting(Number.POSITIVE_INFINITY)
    await Promise.all(this.#all.map((connection) => connection.destroy()))
  }

  #createConnection(): UpstreamConnection {
    const connection = new UpstreamConnection(
      this.origin,
      this.#options,
      this.#connectSecurely,
      this.#observer,
    )
    this.#all.push(connection)
    return connection
  }
}

function passOn(
  waiting: WaitingLine<ConnectionWaiter>,
  idle: UpstreamConnection[],
  connection: UpstreamConnection,
): void {
  const waiter = waiting.next()
  if (waiter === null) idle.push(connection)
  else waiter.onConnectionFree(connection)
}
