/**
 * How long the client of one connection may take for a head, for taking an answer, and between two
 * requests. Asked once a second; bodies are the business of client-clock.ts.
 */
import type { Socket } from 'node:net'
import type { ServerTimeouts } from '../http-server.ts'

/** What a connection does at the moment. */
export interface ConnectionState {
  /** Whether a request is being answered. */
  readonly isBusy: boolean
  readonly isDraining: boolean
  /** Of an answer, which the kernel has not taken. */
  readonly unsentBytes: number
  /** Grows when the client takes something, where the system tells; asked while any is unsent. */
  readonly takenBytes: number
}

/**
 * - `end`: it has been idle for long enough.
 * - `cut`: its client is too slow with a head.
 * - `stalled`: its client takes nothing of its answer.
 */
export type ClockVerdict = 'go_on' | 'end' | 'cut' | 'stalled'

/** The client is told the time itself; what it sends at the last moment must still be in time. */
const KEEP_ALIVE_MARGIN_MS = 1_000
/** Of an idle connection while the process ends. */
const DRAINING_IDLE_MS = 5_000
const NEVER_READ = -1

export class ConnectionClock {
  readonly #socket: Socket
  readonly #timeouts: ServerTimeouts
  #isNew = true
  /** When it was first seen without a request that is answered; `null`: not yet. */
  #idleSinceMs: number | null = null
  #readWhenIdle = 0
  #headSinceMs: number | null = null
  #unsentBytes = 0
  #takenBytes = 0
  #unsentSinceMs = 0

  constructor(socket: Socket, timeouts: ServerTimeouts) {
    this.#socket = socket
    this.#timeouts = timeouts
  }

  /**
   * The kernel has all of an answer.
   *
   * @param isWhole Whether the request had come whole: the rest of it has as much time as a head.
   */
  answered(isWhole: boolean): void {
    this.#isNew = false
    this.#idleSinceMs = null
    this.#readWhenIdle = isWhole ? this.#socket.bytesRead : NEVER_READ
    this.#headSinceMs = null
  }

  look(nowMs: number, state: ConnectionState): ClockVerdict {
    if (this.#isStalled(nowMs, state)) return 'stalled'
    if (state.isBusy) return 'go_on'
    const { headMs, keepAliveMs } = this.#timeouts
    this.#idleSinceMs ??= nowMs
    const idleMs = nowMs - this.#idleSinceMs
    if (this.#isNew) return idleMs >= headMs ? 'cut' : 'go_on'
    if (this.#socket.bytesRead !== this.#readWhenIdle) {
      this.#headSinceMs ??= nowMs
      return nowMs - this.#headSinceMs >= headMs ? 'cut' : 'go_on'
    }
    const idleMaxMs = state.isDraining ? DRAINING_IDLE_MS : keepAliveMs + KEEP_ALIVE_MARGIN_MS
    return idleMs >= idleMaxMs ? 'end' : 'go_on'
  }

  /** The kernel takes more only when about a third of what it holds is gone, which may be MiB. */
  #isStalled(nowMs: number, { unsentBytes, takenBytes }: ConnectionState): boolean {
    const hasMoved = unsentBytes !== this.#unsentBytes || takenBytes !== this.#takenBytes
    if (unsentBytes === 0 || hasMoved) {
      this.#unsentBytes = unsentBytes
      this.#takenBytes = takenBytes
      this.#unsentSinceMs = nowMs
      return false
    }
    return nowMs - this.#unsentSinceMs >= this.#timeouts.stalledReaderMs
  }
}
