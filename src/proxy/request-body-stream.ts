/**
 * A request body on its way upstream, as a stream that holds the client back when the upstream is
 * slower, and never holds more than the client's socket had already read.
 */
import { Readable } from 'node:stream'
import type { RequestBody } from './client-exchange.ts'

/** Bytes that are kept before the client is held back. */
const HELD_BYTES_MAX = 65_536

export class RequestBodyStream extends Readable {
  readonly #body: RequestBody

  constructor(body: RequestBody) {
    super({ highWaterMark: HELD_BYTES_MAX })
    this.#body = body
  }

  /** Takes the next chunk, which belongs to the stream from then on. */
  offer(chunk: Uint8Array, isLast: boolean): void {
    if (this.destroyed) return
    if (chunk.length > 0 && !this.push(chunk) && !isLast) this.#body.pause()
    if (isLast) this.push(null)
  }

  override _read(): void {
    this.#body.resume()
  }
}
