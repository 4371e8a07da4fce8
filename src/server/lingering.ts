/**
 * Connections that were answered before their request was complete: they are read on for a while,
 * and all that comes is dropped.
 *
 * A connection that is closed with bytes unread is reset, and a client that hears of that while it
 * still sends gives up before it has looked for the answer. So the rest is taken: all of it, or
 * what comes within the bounds below, which are those of nginx for the same purpose
 * (`lingering_time`, `lingering_timeout`). Then the connection is closed.
 *
 * What was read is never taken for a request. As long as the answer is open for the native server,
 * it closes the connection when another request comes; one whose answer has ended is closed within
 * the very callback that brings the last byte.
 */
import type { HeaderList } from '../http/header-list.ts'
import type { Swept } from './client-clock.ts'
import type { NativeResponse } from './native-binary.ts'

/** For how long, and how much. */
export interface LingeringBounds {
  /** In sweeps, of which there is one a second. */
  readonly sweepsMax: number
  /** Sweeps since something came last. */
  readonly quietSweepsMax: number
  /** More is not read. A connection that has brought so much has a second left. */
  readonly bytesMax: number
  /** Connections of a thread. The oldest makes room for one more. */
  readonly connectionsMax: number
}

/**
 * Some clients look for an answer only when they have sent all, and dropping 64 MiB takes a core
 * some 20 ms. A connection that lingers costs about a kilobyte.
 */
export const LINGERING_BOUNDS: LingeringBounds = {
  sweepsMax: 30,
  quietSweepsMax: 5,
  bytesMax: 67_108_864,
  connectionsMax: 1_024,
}

/** The native server closes after 8 s at the earliest what comes more slowly than it likes. */
const KEEP_ALIVE_SWEEPS = 3

/** For how long one connection has lingered. */
export class LingeringSpan {
  sweeps = 0
  quietSweeps = 0
  #seenBytes = 0

  /** To be called at each sweep. @returns Whether it is over, whatever comes. */
  isOver(bytes: number, { sweepsMax, quietSweepsMax }: LingeringBounds): boolean {
    this.sweeps += 1
    this.quietSweeps = bytes === this.#seenBytes ? this.quietSweeps + 1 : 0
    this.#seenBytes = bytes
    return this.sweeps >= sweepsMax || this.quietSweeps >= quietSweepsMax
  }
}

interface Connection {
  readonly response: NativeResponse
  readonly span: LingeringSpan
  bytes: number
}

export class LingeringConnections implements Swept {
  /** The oldest first. */
  readonly #connections = new Set<Connection>()
  readonly #bounds: LingeringBounds

  constructor(bounds: LingeringBounds) {
    this.#bounds = bounds
  }

  /**
   * Takes over a connection whose answer has been written by text (end-head.ts), and whose request
   * is not complete.
   *
   * @param response Nothing else may use it from now on.
   * @param isReceiving Whether this is a turn of its callback for data, which must not be replaced
   *   while it runs. It has to take what comes until then.
   */
  take(response: NativeResponse, isReceiving: boolean): void {
    const connection = this.#admit(response)
    if (!isReceiving) this.#readOn(connection, false)
    else {
      setImmediate(() => {
        if (this.#connections.has(connection)) this.#readOn(connection, false)
      })
    }
  }

  /**
   * The same for one whose answer the native server has ended, within the turn of that.
   *
   * @param spare Another handle than the one that is dead by that. Not of a connection that the
   *   native server closes by itself: {@link isClosedAtEnd}.
   */
  takeEnded(spare: NativeResponse): void {
    this.#readOn(this.#admit(spare), true)
  }

  #admit(response: NativeResponse): Connection {
    const connection = { response, span: new LingeringSpan(), bytes: 0 }
    response.onAborted(() => this.#connections.delete(connection))
    this.#connections.add(connection)
    if (this.#connections.size > this.#bounds.connectionsMax) this.#closeOldest()
    return connection
  }

  #readOn(connection: Connection, isEnded: boolean): void {
    const { response } = connection
    response.onData((chunk, isLast) => {
      connection.bytes += chunk.byteLength
      if (isLast) this.#complete(connection, isEnded)
      else if (connection.bytes >= this.#bounds.bytesMax) response.pause()
    })
    // It may be held back, as a body without a reader is. One that is not would never be read again
    // if it were let go without having been held.
    response.pause()
    response.resume()
  }

  onSweep(): void {
    for (const connection of this.#connections) {
      if (this.#isOver(connection)) this.#close(connection)
      else if (connection.span.sweeps % KEEP_ALIVE_SWEEPS === 0) this.#keepAlive(connection)
    }
  }

  /**
   * While the answer is open this may be the turn in which it was written, and closing would throw
   * it away. Once it has ended, the bytes behind the request must not be looked at.
   */
  #complete(connection: Connection, isEnded: boolean): void {
    if (isEnded) this.#close(connection)
    else setImmediate(() => this.#close(connection))
  }

  #isOver({ bytes, span }: Connection): boolean {
    if (span.isOver(bytes, this.#bounds)) return true
    return bytes >= this.#bounds.bytesMax && span.quietSweeps > 0
  }

  #keepAlive({ bytes, response }: Connection): void {
    if (bytes >= this.#bounds.bytesMax) return
    response.pause()
    response.resume()
  }

  #closeOldest(): void {
    for (const connection of this.#connections) {
      this.#close(connection)
      return
    }
  }

  #close(connection: Connection): void {
    if (this.#connections.delete(connection)) connection.response.close()
  }
}

/**
 * Whether the native server closes the connection by itself when the answer has ended: it takes
 * every `Connection` of five characters for `close`. Its handles must not be touched behind that.
 */
export function isClosedAtEnd(headers: HeaderList): boolean {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index] === 'connection' && headers[index + 1]?.length === 'close'.length)
      return true
  }
  return false
}
