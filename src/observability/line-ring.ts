/**
 * A bounded queue of text lines in one piece of memory, which two threads may share: one appends,
 * one takes. Neither ever waits for the other.
 *
 *     | header 64 B: read offset (int32, taker), write offset (int32, appender) | bytes ... |
 *
 * The write offset moves when a line is there as a whole, so a thread that dies while it appends
 * leaves no torn line. One byte stays unused: equal offsets mean empty.
 */

const HEADER_BYTES = 64
const READ = 0
const WRITE = 1
const LINE_FEED = 0x0a

/** Memory for a ring of so many bytes, for a constructor of {@link LineRing} in each thread. */
export function createLineRingBuffer(capacityBytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + capacityBytes)
}

export class LineRing {
  readonly #offsets: Int32Array
  readonly #bytes: Buffer
  readonly #sizeBytes: number

  constructor(memory: SharedArrayBuffer) {
    this.#offsets = new Int32Array(memory, 0, 2)
    this.#bytes = Buffer.from(memory, HEADER_BYTES)
    this.#sizeBytes = this.#bytes.length
  }

  /** Most bytes that are ever in it. */
  get capacityBytes(): number {
    return this.#sizeBytes - 1
  }

  get usedBytes(): number {
    const used = Atomics.load(this.#offsets, WRITE) - Atomics.load(this.#offsets, READ)
    return used < 0 ? used + this.#sizeBytes : used
  }

  /**
   * @param line With its line feed.
   * @param limitBytes Most that may be in the ring afterwards.
   * @returns Whether there was room. The ring is as before when there was none.
   */
  append(line: string, limitBytes: number): boolean {
    const lengthBytes = Buffer.byteLength(line)
    if (this.usedBytes + lengthBytes > Math.min(limitBytes, this.capacityBytes)) return false
    const start = Atomics.load(this.#offsets, WRITE)
    const end = start + lengthBytes
    if (end <= this.#sizeBytes) {
      this.#bytes.write(line, start)
    } else {
      const bytes = Buffer.from(line)
      const firstBytes = this.#sizeBytes - start
      bytes.copy(this.#bytes, start, 0, firstBytes)
      bytes.copy(this.#bytes, 0, firstBytes)
    }
    Atomics.store(this.#offsets, WRITE, end % this.#sizeBytes)
    return true
  }

  /**
   * Moves the oldest lines into `target`: as many whole ones as fit, or the beginning of one that
   * is longer than `target`.
   *
   * @returns How many bytes; 0 when the ring is empty.
   */
  take(target: Buffer): number {
    const start = Atomics.load(this.#offsets, READ)
    const available = Math.min(this.usedBytes, target.length)
    const firstBytes = Math.min(available, this.#sizeBytes - start)
    this.#bytes.copy(target, 0, start, start + firstBytes)
    this.#bytes.copy(target, firstBytes, 0, available - firstBytes)
    const wholeBytes = target.subarray(0, available).lastIndexOf(LINE_FEED) + 1
    const takenBytes = wholeBytes === 0 ? available : wholeBytes
    Atomics.store(this.#offsets, READ, (start + takenBytes) % this.#sizeBytes)
    return takenBytes
  }
}
