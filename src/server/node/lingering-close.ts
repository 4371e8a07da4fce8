/**
 * The end of a connection whose client may still send: what comes is dropped, within the bounds of
 * lingering.ts and for its reason. Asked once a second.
 */
import type { Socket } from 'node:net'
import { type LingeringBounds, LingeringSpan } from '../lingering.ts'

export class LingeringClose {
  readonly #raw: Socket
  readonly #bounds: LingeringBounds
  readonly #readBefore: number
  readonly #span = new LingeringSpan()

  constructor(raw: Socket, bounds: LingeringBounds) {
    this.#raw = raw
    this.#bounds = bounds
    this.#readBefore = raw.bytesRead
  }

  /** Whether it has been waited for long enough. */
  isOver(): boolean {
    const bytes = this.#raw.bytesRead - this.#readBefore
    return this.#span.isOver(bytes, this.#bounds) || bytes >= this.#bounds.bytesMax
  }
}
