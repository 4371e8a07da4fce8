/**
 * Hot path: a TCP connection to an upstream that hands what it reads to the HTTP client at once.
 *
 *     kernel ──► READ_BUFFER, one for the thread ──► a copy of what came ──► the client's parser
 *
 * A plain `Socket` allocates 64 KiB for each read, cuts it down to what came, and passes it through
 * the stream's queue to a listener that runs a tick later. For answers of a few hundred bytes that
 * is a tenth of everything a request costs (native-bench/proxy-dispatch.ts). Here each read
 * is copied out of one buffer, and the listener runs within the read. The cost is a copy, which
 * only large answers notice.
 *
 * Pieces of request bodies that were written give their memory back (body-blocks.ts).
 *
 * The HTTP client uses few things of a socket for reading: the event `readable`, `read()`, and
 * `unshift()` for what a parser that was paused did not take. Those are replaced; connecting,
 * writing, ending and errors are those of the plain socket. Not for TLS, which reads otherwise.
 */
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { afterListening } from '../resilience/deadline.ts'
import { giveBlockBack } from './body-blocks.ts'
import type { InterimAnswers } from './interim-answers.ts'
import { CONNECT_TIMED_OUT } from './upstream-error.ts'

/** As large as a plain socket's: large answers come in as many pieces as they did. */
const READ_BUFFER_BYTES = 65_536
const READ_BUFFER = new Uint8Array(READ_BUFFER_BYTES)
/** Idle connections are looked after by the kernel as well, should the peer vanish. */
const KEEP_ALIVE_PROBE_DELAY_MS = 60_000

type OnWritten = (error?: Error | null) => void
type WrittenChunks = { chunk: unknown; encoding: BufferEncoding }[]

/** Whether the bytes were sent or the connection failed: from then on they are not read again. */
function givingBack(chunk: Uint8Array, callback: OnWritten): OnWritten {
  return (error) => {
    giveBlockBack(chunk)
    callback(error)
  }
}

class UpstreamSocket extends Socket {
  /** What was read and not taken. */
  #unread: Buffer | null = null
  /** More of it, behind that: only while the parser is paused. */
  readonly #later: Buffer[] = []
  readonly #answers: InterimAnswers

  constructor(answers: InterimAnswers) {
    // The type declarations know `onread` for connecting only; the constructor is what reads it.
    const reading: SocketConstructorOpts & ConnectOpts = {
      onread: {
        buffer: READ_BUFFER,
        callback(this: UpstreamSocket, length: number): boolean {
          return this.#takeRead(length)
        },
      },
    }
    super(reading)
    this.#answers = answers
  }

  /**
   * The next piece, or `null`. Once the last one is taken, reading goes on if it was held back.
   *
   * @param size 0 only sets off reading, as for any stream. No other size is ever asked for.
   */
  override read(size?: number): Buffer | null {
    const piece = this.#unread
    if (piece === null) super.read(0)
    if (piece === null || size === 0) return null
    this.#unread = this.#later.length === 0 ? null : (this.#later.shift() as Buffer)
    return piece
  }

  override unshift(piece: Buffer): void {
    if (piece.length === 0) return
    if (this.#unread !== null) this.#later.unshift(this.#unread)
    this.#unread = piece
  }

  /** The client would do this twice a request. What keeps the thread alive is its server. */
  override ref(): this {
    return this
  }

  override unref(): this {
    return this
  }

  override _write(chunk: unknown, encoding: BufferEncoding, callback: OnWritten): void {
    if (chunk instanceof Uint8Array) super._write(chunk, encoding, givingBack(chunk, callback))
    else super._write(chunk, encoding, callback)
  }

  override _writev(chunks: WrittenChunks, callback: OnWritten): void {
    super._writev?.(chunks, (error) => {
      for (const { chunk } of chunks) if (chunk instanceof Uint8Array) giveBlockBack(chunk)
      callback(error)
    })
  }

  /** @returns Whether to go on reading. */
  #takeRead(length: number): boolean {
    const piece = Buffer.allocUnsafe(length)
    piece.set(length === READ_BUFFER_BYTES ? READ_BUFFER : READ_BUFFER.subarray(0, length))
    const kept = this.#answers.isOver ? piece : this.#answers.take(piece)
    if (kept === null) return true
    if (this.#unread === null) this.#unread = kept
    else this.#later.push(kept)
    this.emit('readable')
    return this.#unread === null
  }
}

/** Where to connect to. */
export interface UpstreamAddress {
  readonly hostname: string
  readonly port: number
}

/**
 * Opens a connection. Exactly one call of `onEnd` tells how it went; what happens to the socket
 * afterwards it tells itself.
 *
 * @param timeoutMs Name resolution included. Then the error is {@link CONNECT_TIMED_OUT}, unless
 *   the connection was opened while this process stood still.
 * @param answers Looks at what is read first.
 */
export function connectUpstream(
  { hostname, port }: UpstreamAddress,
  timeoutMs: number,
  answers: InterimAnswers,
  onEnd: (error: Error | null, socket: Socket | null) => void,
): void {
  const socket = new UpstreamSocket(answers)
  let isOver = false
  const end = (error: Error | null): void => {
    if (isOver) return
    isOver = true
    cancel()
    onEnd(error, error === null ? socket : null)
  }
  const cancel = afterListening(timeoutMs, () => socket.destroy(CONNECT_TIMED_OUT))
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_PROBE_DELAY_MS)
  socket.once('connect', () => end(null))
  socket.on('error', end)
  socket.connect({ host: hostname, port })
}
