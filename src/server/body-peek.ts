/**
 * What comes of a body while someone looks at its beginning, in one piece of memory that grows with
 * it: a body that comes byte by byte would else have an object a byte.
 */
import type { PeekedBody, PeekFailure } from '../http/exchange.ts'
import { afterListening } from '../resilience/deadline.ts'

/** Growing by less than this is not worth a copy. */
const GROWTH_BYTES_MIN = 1_024

export class BodyPeek {
  readonly outcome: Promise<PeekedBody | PeekFailure>
  readonly #bytesMax: number
  readonly #cancelDeadline: () => void
  #resolve: (outcome: PeekedBody | PeekFailure) => void = () => undefined
  #memory = new Uint8Array(0)
  #filledBytes = 0

  /** @param onLate Called once when `timeoutMs` have passed, unless it is settled by then. */
  constructor(bytesMax: number, timeoutMs: number, onLate: () => void) {
    this.#bytesMax = bytesMax
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#cancelDeadline = afterListening(timeoutMs, onLate)
  }

  /** All that came, more than was asked for if the client sent more. Its memory may be larger. */
  get gathered(): Uint8Array {
    return this.#memory.subarray(0, this.#filledBytes)
  }

  /** How much of a body has to be waited for; `null` when that is not known. */
  expectedBytes(contentLength: number | null): number | null {
    return contentLength === null ? null : Math.min(contentLength, this.#bytesMax)
  }

  /** Of an unknown length, only a byte more or the end tells whether these are all. */
  isEnough(isComplete: boolean, contentLength: number | null): boolean {
    if (isComplete || this.#filledBytes > this.#bytesMax) return true
    return contentLength !== null && this.#filledBytes === this.#bytesMax
  }

  /** So much more memory it would take to keep so many bytes more. */
  growthBytes(bytes: number): number {
    const neededBytes = this.#filledBytes + bytes
    const memoryBytes = this.#memory.length
    if (neededBytes <= memoryBytes) return 0
    // Most come in one piece, for which there is no need of more.
    if (memoryBytes === 0 || neededBytes > this.#bytesMax) return neededBytes - memoryBytes
    const roomyBytes = Math.max(2 * memoryBytes, memoryBytes + GROWTH_BYTES_MIN, neededBytes)
    return Math.min(roomyBytes, this.#bytesMax) - memoryBytes
  }

  /** Copies what is only borrowed. */
  take(borrowed: Uint8Array): void {
    const growthBytes = this.growthBytes(borrowed.length)
    if (growthBytes > 0) {
      const memory = new Uint8Array(this.#memory.length + growthBytes)
      memory.set(this.gathered)
      this.#memory = memory
    }
    this.#memory.set(borrowed, this.#filledBytes)
    this.#filledBytes += borrowed.length
  }

  /**
   * Tells the outcome, in a later turn of the event loop: the native server may be delivering, and
   * what is done to its socket meanwhile takes effect too late (request-body-reader.ts).
   *
   * @param failure `null` when enough has come.
   * @param isComplete Whether the last byte of the body has come.
   */
  settle(failure: PeekFailure | null, isComplete: boolean): void {
    this.#cancelDeadline()
    setImmediate(this.#resolve, failure ?? this.#peeked(isComplete))
  }

  #peeked(isComplete: boolean): PeekedBody {
    return {
      bytes: this.gathered.subarray(0, this.#bytesMax),
      isWhole: isComplete && this.#filledBytes <= this.#bytesMax,
    }
  }
}
