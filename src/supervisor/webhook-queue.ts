/**
 * Security events on their way to the webhook: taken from the bounded memory that each thread
 * fills, and kept here until they are delivered. What finds no room is dropped and counted.
 */
import type { LogBuffer } from '../observability/log-buffer.ts'

const UINT32_SIZE = 2 ** 32
/** As large as the memory of a thread at the least, so that no line is ever taken in two pieces. */
export const ALERT_BUFFER_BYTES = 65_536

export class WebhookQueue {
  readonly #buffers: readonly LogBuffer[]
  readonly #lengthMax: number
  readonly #chunk = Buffer.allocUnsafe(ALERT_BUFFER_BYTES)
  /** What each buffer had dropped when it was last looked at: counters that wrap around. */
  readonly #read: number[]
  readonly #lines: string[] = []
  #dropped = 0

  /** @param lengthMax Events that are kept here, beside those in the buffers. */
  constructor(buffers: readonly LogBuffer[], lengthMax: number) {
    this.#buffers = buffers
    this.#lengthMax = lengthMax
    this.#read = buffers.map(() => 0)
  }

  get length(): number {
    return this.#lines.length
  }

  /** Events that found no room, since the start. */
  get dropped(): number {
    for (const [place, buffer] of this.#buffers.entries()) {
      const count = buffer.dropped('security')
      this.#dropped += (count - (this.#read[place] ?? 0) + UINT32_SIZE) % UINT32_SIZE
      this.#read[place] = count
    }
    return this.#dropped
  }

  /** Takes what the threads have; they wake the taker for what comes after that. */
  collect(): void {
    for (const buffer of this.#buffers) {
      this.#takeFrom(buffer)
      buffer.wait()
      // What came between the two did not wake the taker.
      this.#takeFrom(buffer)
    }
  }

  /** The oldest events, as JSON. They stay until {@link remove}. */
  first(countMax: number): readonly string[] {
    return this.#lines.slice(0, countMax)
  }

  /** The oldest so many are done with. */
  remove(count: number): void {
    this.#lines.splice(0, count)
  }

  #takeFrom(buffer: LogBuffer): void {
    for (let bytes = buffer.take(this.#chunk); bytes > 0; bytes = buffer.take(this.#chunk)) {
      for (const line of this.#chunk.toString('utf8', 0, bytes).split('\n')) {
        if (line === '') continue
        if (this.#lines.length < this.#lengthMax) this.#lines.push(line)
        else this.#dropped += 1
      }
    }
  }
}
