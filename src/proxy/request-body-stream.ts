/**
 * A request body on its way upstream, as a stream that holds the client back when the upstream is
 * slower, and never holds more than the client's socket had already read.
 */
import { Readable } from 'node:stream'
import type { RequestBody } from '../http/exchange.ts'

/** Bytes that are kept before the client is held back. */
const HELD_BYTES_MAX = 65_536

export class RequestBodyStream extends Readable {
  readonly #body: RequestBody
  /** Lengths of the chunks that are not gone yet, oldest first, each followed by its memory. */
  readonly #chunks: number[] = []
  /** Bytes of those chunks. */
  #heldBytes = 0
  /** Bytes that were not taken when {@link wasTaken} was last asked. */
  #untakenBytes = 0
  #isAnswered = false

  constructor(body: RequestBody) {
    super({ highWaterMark: HELD_BYTES_MAX })
    this.#body = body
    this.once('end', () => {
      if (this.#isAnswered) this.#letAllGo()
    })
  }

  /** Takes the next chunk, which belongs to the stream from then on. */
  offer(chunk: Uint8Array, isLast: boolean): void {
    if (this.destroyed) return
    this.#chunks.push(chunk.length, chunk.buffer.byteLength)
    this.#heldBytes += chunk.length
    if (chunk.length > 0 && !this.push(chunk) && !isLast) this.#body.pause()
    if (isLast) this.push(null)
  }

  /** Whether the HTTP client has taken more than has come since this was last asked. */
  wasTaken(): boolean {
    const before = this.#untakenBytes
    this.#untakenBytes = this.readableLength
    return this.readableLength < before
  }

  /**
   * The upstream has begun to answer: as soon as the HTTP client has read all of the body, nothing
   * of it counts any more. Of the last chunk nothing else might ever tell, for no more is asked for
   * once it has come.
   */
  answered(): void {
    this.#isAnswered = true
    if (this.readableEnded) this.#letAllGo()
  }

  override _read(): void {
    this.#letGo()
    this.#body.resume()
  }

  /** The HTTP client asks for more: the socket has sent what it was given. */
  override resume(): this {
    super.resume()
    this.#letGo()
    return this
  }

  /** What the HTTP client has read is gone, unless it asked to wait: its socket still has it. */
  #letGo(): void {
    if (this.isPaused()) return
    while (this.#chunks.length > 0) {
      const [length = 0, memoryBytes = 0] = this.#chunks
      if (this.#heldBytes - length < this.readableLength) return
      this.#chunks.splice(0, 2)
      this.#heldBytes -= length
      this.#body.taken(memoryBytes)
    }
  }

  #letAllGo(): void {
    for (let index = 1; index < this.#chunks.length; index += 2) {
      this.#body.taken(this.#chunks[index] ?? 0)
    }
    this.#chunks.length = 0
    this.#heldBytes = 0
  }
}
