/**
 * One keep-alive connection of a client that must cost less than the gateway that it asks: a raw
 * socket with one request under way.
 */
import { connect, type Socket } from 'node:net'

export const END_OF_HEAD = '\r\n\r\n'
/** `HTTP/1.1 200` */
const STATUS_START = 9
const STATUS_END = 12

interface ConnectionOwner {
  /** @param durationMs Since the request was sent. */
  answered(connection: RawConnection, status: string, durationMs: number): void
  /** The connection is gone. @param wasUsed While a request was under way. */
  lose(connection: RawConnection, wasUsed: boolean): void
}

export class RawConnection {
  /** Whether the last answer said that there will be no other. */
  isEnding = false
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  #sentAtMs = 0
  #received = ''
  #isUsed = true

  constructor(owner: ConnectionOwner, port: number, first: Buffer) {
    this.#owner = owner
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setNoDelay(true).setEncoding('latin1')
    this.#socket.on('data', (part: string) => this.#receive(part))
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => owner.lose(this, this.#isUsed))
    this.send(first)
  }

  /** When the last request was sent, by the clock of `performance.now()`. */
  get sentAtMs(): number {
    return this.#sentAtMs
  }

  send(request: Buffer): void {
    this.#isUsed = true
    this.#sentAtMs = performance.now()
    this.#socket.write(request)
  }

  end(): void {
    this.#socket.destroy()
  }

  #receive(part: string): void {
    this.#received += part
    const end = this.#received.indexOf(END_OF_HEAD)
    if (end === -1) return
    const head = this.#received.slice(0, end)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#received.length < end + END_OF_HEAD.length + length) return
    const status = this.#received.slice(STATUS_START, STATUS_END)
    this.#received = ''
    this.#isUsed = false
    this.isEnding = /\r\nconnection: *close/i.test(head)
    this.#owner.answered(this, status, performance.now() - this.#sentAtMs)
  }
}
