/**
 * Hot path: a few connections to one Redis, filled in order.
 *
 * The first connection that is not busy takes the command, so that concurrent commands meet in one
 * write instead of being spread thin; the next one is used, and made, only when all before it are
 * busy. While none is ready every command fails at once, and only the minimum keeps trying to
 * connect. Nothing queues for a connection, except for one that we are renewing
 * (redis-connection.ts).
 *
 * A server that became a replica is left by all connections as soon as one is told. A record that
 * is too large costs its own look-up: its connection is cut, and what waited behind it is served on
 * another.
 */
import type { OversizedRecords } from './oversized-records.ts'
import type { PendingCommand } from './redis-command.ts'
import {
  RedisConnection,
  type RedisCounters,
  type RedisTransport,
  type WireEvents,
} from './redis-connection.ts'
import { type RedisReply, redisFailed } from './redis-reply.ts'

/** In flight on one connection before the next one is used. */
const COMMANDS_BEFORE_NEXT = 128
/** In flight on one connection when all are busy; beyond that, `unavailable`. */
const COMMANDS_PER_CONNECTION_MAX = 1_024
/** Parts of the idle time at whose ends idle connections are looked for. */
const SWEEPS_PER_IDLE_TIME = 2

export type RedisState = 'ready' | 'unreachable'

export interface RedisPoolOptions {
  readonly connectionsMin: number
  readonly connectionsMax: number
  readonly commandTimeoutMs: number
  /** Unused for so long, at most half as long again, a connection beyond the minimum ends. */
  readonly idleMs: number
}

export interface RedisPoolParts {
  readonly createWire: (events: WireEvents) => RedisTransport
  readonly counters: RedisCounters
  readonly oversized: OversizedRecords
  /** At the first connection or failure, and at each change between one and none. */
  readonly onState: (state: RedisState) => void
}

export class RedisPool {
  readonly #options: RedisPoolOptions
  readonly #parts: RedisPoolParts
  #lines: RedisConnection[] = []
  /** How many sweeps in a row found the line unused. */
  readonly #idleSweeps = new Map<RedisConnection, number>()
  readonly #sweepTimer: NodeJS.Timeout
  #state: RedisState | null = null
  #isClosed = false

  /** Begins to connect. */
  constructor(options: RedisPoolOptions, parts: RedisPoolParts) {
    this.#options = options
    this.#parts = parts
    while (this.#lines.length < options.connectionsMin) this.#addLine()
    this.#sweepTimer = setInterval(() => this.#sweep(), options.idleMs / SWEEPS_PER_IDLE_TIME)
    this.#sweepTimer.unref()
  }

  get open(): number {
    return this.#lines.length
  }

  get ready(): number {
    return this.#lines.filter((line) => line.isReady).length
  }

  get inFlight(): number {
    return this.#lines.reduce((sum, line) => sum + line.inFlight, 0)
  }

  run<T>(
    name: string,
    args: string[],
    isExpected: (value: unknown) => value is T,
    recordBytesMax = 0,
  ): Promise<RedisReply<T>> {
    const line = this.#pick()
    if (line !== null) return line.run(name, args, isExpected, recordBytesMax)
    this.#parts.counters.failures.unavailable += 1
    return Promise.resolve(redisFailed('unavailable'))
  }

  /** Cuts all connections; what is in flight fails. No state is told any more. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweepTimer)
    for (const line of this.#lines) line.close()
    this.#lines = []
    this.#idleSweeps.clear()
  }

  /** Where the next command goes; `null` when there is no connection, or no room on any. */
  #pick(): RedisConnection | null {
    let leastBusy: RedisConnection | null = null
    let held: RedisConnection | null = null
    for (const line of this.#lines) {
      if (!line.isReady) {
        if (held === null && line.isHolding) held = line
        continue
      }
      if (line.inFlight < COMMANDS_BEFORE_NEXT) return line
      if (leastBusy === null || line.inFlight < leastBusy.inFlight) leastBusy = line
    }
    if (leastBusy === null) return withRoom(held)
    this.#grow()
    return withRoom(leastBusy)
  }

  /** One connection at a time: a burst must not open all of them before the first is there. */
  #grow(): void {
    if (this.#lines.length >= this.#options.connectionsMax) return
    if (this.#lines.every((line) => line.isReady)) this.#addLine()
  }

  #addLine(): void {
    const { createWire, counters, oversized } = this.#parts
    const line = new RedisConnection(this.#options.commandTimeoutMs, {
      createWire,
      counters,
      onState: (changed) => this.#lineChanged(changed),
      onSilence: () => {
        for (const other of this.#lines) other.suspect()
      },
      onDemoted: () => {
        for (const other of this.#lines) other.renew('demoted')
      },
      onOversized: (key) => oversized.add(key),
      onCutOff: (command, cut) => this.#serveAgain(command, cut),
    })
    this.#lines.push(line)
  }

  #serveAgain(command: PendingCommand, cut: RedisConnection): void {
    if (command.isLookUp && this.#parts.oversized.has(command.key)) {
      cut.giveUp(command, redisFailed('too_large'))
      return
    }
    const line = this.#isClosed ? null : this.#pick()
    if (line === null) cut.giveUp(command, redisFailed('unavailable'))
    else line.take(command)
  }

  #lineChanged(line: RedisConnection): void {
    // A line that was removed still says goodbye.
    if (this.#isClosed || !this.#lines.includes(line)) return
    // Only the minimum reconnects: growth is for load, and a server that comes back has none.
    if (!line.isReady && this.#lines.length > this.#options.connectionsMin) this.#remove(line)
    this.#tellState()
  }

  /** A connection attempt failed, or the number of ready connections changed. */
  #tellState(): void {
    const isUsable = this.#lines.some((line) => line.isReady || line.isHolding)
    const state = isUsable ? 'ready' : 'unreachable'
    if (state === this.#state) return
    this.#state = state
    this.#parts.onState(state)
  }

  #sweep(): void {
    // From the end, where the connections are that load has added.
    for (const line of [...this.#lines].reverse()) {
      const sweeps = line.sweepIdle() ? (this.#idleSweeps.get(line) ?? 0) + 1 : 0
      this.#idleSweeps.set(line, sweeps)
      const isSurplus = this.#lines.length > this.#options.connectionsMin
      if (isSurplus && sweeps > SWEEPS_PER_IDLE_TIME) this.#remove(line)
    }
  }

  #remove(line: RedisConnection): void {
    this.#lines = this.#lines.filter((other) => other !== line)
    this.#idleSweeps.delete(line)
    line.close()
  }
}

function withRoom(line: RedisConnection | null): RedisConnection | null {
  return line !== null && line.inFlight < COMMANDS_PER_CONNECTION_MAX ? line : null
}
