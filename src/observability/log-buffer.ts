/**
 * The log lines of one thread on their way to the standard output: bounded memory that the thread
 * fills and the supervisor empties. What finds no room is dropped and counted.
 *
 *     counters 64 B   0            4            8          12
 *                     | operations | security   | access   | taker waits |
 *                     lines dropped (uint32, wrap around; filler)  (int32; both)
 *
 * The streams share one queue, so their order is kept, but not its last part: access lines find
 * room up to three quarters, operations up to seven eighths, security events up to the end.
 *
 * Hot path: `append`, for every access line. No system call, no message as long as the taker is
 * awake or there is little to take.
 */
import { createLineRingBuffer, LineRing } from './line-ring.ts'

export const LOG_STREAMS = ['operations', 'security', 'access'] as const

export type LogStream = (typeof LOG_STREAMS)[number]

export type LinesByStream = Readonly<Record<LogStream, number>>

/** Where a logger puts its lines. Never throws and never waits. */
export interface LogSink {
  /** @param line With its line feed. */
  append(stream: LogStream, line: string): void
}

/** Memory of one {@link LogBuffer}. Survives structured cloning, and the thread that fills it. */
export interface LogBufferMemory {
  readonly counters: SharedArrayBuffer
  readonly lines: SharedArrayBuffer
}

const COUNTERS_BYTES = 64
const PLACES = { operations: 0, security: 1, access: 2 } as const satisfies LinesByStream
const IS_WAITING = 3
const SHARES = { operations: 7 / 8, security: 1, access: 3 / 4 } as const satisfies LinesByStream
/** Access lines are taken when there are so many bytes of them, or when the taker looks anyway. */
const WAKE_BYTES_MAX = 16_384
/** Below this part of its size a buffer counts as emptied. */
const LOW_SHARE = 1 / 4

export function createLogBufferMemory(capacityBytes: number): LogBufferMemory {
  return {
    counters: new SharedArrayBuffer(COUNTERS_BYTES),
    lines: createLineRingBuffer(capacityBytes),
  }
}

export class LogBuffer implements LogSink {
  readonly #counters: Int32Array
  readonly #ring: LineRing
  readonly #limits: LinesByStream
  readonly #wakeBytes: number
  readonly #wake: () => void

  /** @param wake Called when the taker waits and there is something for it. */
  constructor(memory: LogBufferMemory, wake: () => void) {
    this.#counters = new Int32Array(memory.counters)
    this.#ring = new LineRing(memory.lines)
    const { capacityBytes } = this.#ring
    this.#limits = {
      operations: capacityBytes * SHARES.operations,
      security: capacityBytes * SHARES.security,
      access: capacityBytes * SHARES.access,
    }
    this.#wakeBytes = Math.min(WAKE_BYTES_MAX, capacityBytes * LOW_SHARE)
    this.#wake = wake
  }

  append(stream: LogStream, line: string): void {
    if (!this.#ring.append(line, this.#limits[stream])) {
      Atomics.add(this.#counters, PLACES[stream], 1)
    }
    if (stream === 'access' && this.#ring.usedBytes < this.#wakeBytes) return
    if (Atomics.load(this.#counters, IS_WAITING) === 0) return
    if (Atomics.exchange(this.#counters, IS_WAITING, 0) === 1) this.#wake()
  }

  /** Lines dropped so far, modulo 2^32. */
  dropped(stream: LogStream): number {
    return Atomics.load(this.#counters, PLACES[stream]) >>> 0
  }

  /** Of the taker: moves lines as {@link LineRing.take} does. */
  take(target: Buffer): number {
    return this.#ring.take(target)
  }

  /** Of the taker: it has taken everything and wants to be woken. */
  wait(): void {
    Atomics.store(this.#counters, IS_WAITING, 1)
  }

  /** Whether there is so little in it that nothing is being dropped. */
  get isLow(): boolean {
    return this.#ring.usedBytes <= this.#ring.capacityBytes * LOW_SHARE
  }
}
