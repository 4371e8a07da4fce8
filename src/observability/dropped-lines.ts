/** How many lines all buffers dropped: in total, and since that was last told. */
import { type LinesByStream, LOG_STREAMS, type LogBuffer, type LogStream } from './log-buffer.ts'

const UINT32_SIZE = 2 ** 32

export class DroppedLines {
  readonly #buffers: readonly LogBuffer[]
  /** Counters of each buffer as last read: they wrap around. */
  readonly #read: Record<LogStream, number>[]
  readonly #totals = new Map<LogStream, number>(LOG_STREAMS.map((stream) => [stream, 0]))
  #told: LinesByStream = { operations: 0, security: 0, access: 0 }

  constructor(buffers: readonly LogBuffer[]) {
    this.#buffers = buffers
    this.#read = buffers.map(() => ({ operations: 0, security: 0, access: 0 }))
  }

  /** By stream, since the start. */
  totals(): ReadonlyMap<LogStream, number> {
    for (const [place, buffer] of this.#buffers.entries()) {
      const read = this.#read[place]
      if (read === undefined) continue
      for (const stream of LOG_STREAMS) {
        const count = buffer.dropped(stream)
        const more = (count - read[stream] + UINT32_SIZE) % UINT32_SIZE
        read[stream] = count
        this.#totals.set(stream, (this.#totals.get(stream) ?? 0) + more)
      }
    }
    return this.#totals
  }

  get hasUntold(): boolean {
    const totals = this.totals()
    return LOG_STREAMS.some((stream) => totals.get(stream) !== this.#told[stream])
  }

  /** By stream, since this was last called. */
  tell(): LinesByStream {
    const totals = this.totals()
    const told = this.#told
    const since = (stream: LogStream) => (totals.get(stream) ?? 0) - told[stream]
    const untold = {
      operations: since('operations'),
      security: since('security'),
      access: since('access'),
    }
    this.#told = {
      operations: told.operations + untold.operations,
      security: told.security + untold.security,
      access: told.access + untold.access,
    }
    return untold
  }
}
