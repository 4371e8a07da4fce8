/**
 * The end of a connection whose client may still send: what comes is dropped, within the bounds of
 * lingering.ts and for its reason. Asked once a second.
 */
import type { Socket } from 'node:net'
import type { LingeringBounds } from '../lingering.ts'

export class LingeringClose {
  readonly #raw: Socket
  readonly #bounds: LingeringBounds
  readonly #readBefore: number
  #seenBytes = 0
  #sweeps = 0
  #quietSweeps = 0

  constructor(raw: Socket, bounds: LingeringBounds) {
    this.#raw = raw
    this.#bounds = bounds
    this.#readBefore = raw.bytesRead
  }

  /** Whether it has been waited for long enough. */
  isOver(): boolean {
    const { sweepsMax, quietSweepsMax, bytesMax } = this.#bounds
    const bytes = this.#raw.bytesRead - this.#readBefore
    this.#sweeps += 1
    this.#quietSweeps = bytes === this.#seenBytes ? this.#quietSweeps + 1 : 0
    this.#seenBytes = bytes
    return this.#sweeps >= sweepsMax || this.#quietSweeps >= quietSweepsMax || bytes >= bytesMax
  }
}
