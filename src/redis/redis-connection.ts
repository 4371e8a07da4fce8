/**
 * Hot path: one connection to Redis with a bound on what waits for it, and one write for all
 * commands of one turn of the event loop.
 *
 *     run run run ──► queue ──end of turn──► one write ──► in flight ──► replies, in order
 *                                             └─ one timer for all of them
 *
 * A command that times out is answered at once, but counts as in flight until the server replies
 * or the connection ends, because until then the client library remembers it: so a server that
 * stands still cannot pile up more than the bound. After {@link SILENT_BATCHES_MAX} writes in a
 * row without any reply the connection is dropped, and everything fails immediately until there is
 * a new one.
 *
 * A connection that we cut ourselves, because a reply is too large or the server became a replica,
 * is *renewed*: until there is a new one, for at most the time of a command, commands are held, and
 * those that were cut off are served again where that does no harm.
 *
 * No command is late as long as its answer may lie unread: when this process was paused, all timers
 * are over at once, so the sockets are read once more before a time that has passed counts.
 */
import { systemClock } from '../runtime/clock.ts'
import { Batch, type LineCommand, PendingCommand } from './redis-command.ts'
import { type RedisFailure, type RedisReply, redisFailed } from './redis-reply.ts'

/** One lost reply may be chance; three writes in a row without a sign of life are not. */
const SILENT_BATCHES_MAX = 3
/** A command that was cut off so often is not served again. */
const REPETITIONS_MAX = 2
/** A timer may be so much ahead of the clock. */
const TIMER_EARLY_MS = 1

/** A connection of the client library, or a whole cluster of them. */
export interface RedisTransport {
  /** Writes all of them at once if it can; settles each of them. Never throws. */
  send(commands: readonly LineCommand[]): void
  /** Cuts the connection, which settles everything in flight, and makes a new one. */
  drop(): void
  /**
   * The same without delay. `demoted`: from now on only a master will do. @returns `false` when
   * only another wire can do that: this one is to be closed.
   */
  renew(why: Renewal): boolean
  /** Cuts the connection for good. */
  close(): void
}

/** Why we cut a connection ourselves. */
export type Renewal = 'oversized' | 'demoted'

export interface WireEvents {
  onReady(): void
  /** Lost, or another attempt to connect has failed. */
  onLost(): void
  /** The value of this key, which is being received, is larger than a record may be. */
  onOversized(key: string): void
}

/** Shared by the lines of a pool. */
export interface RedisCounters {
  commands: number
  writes: number
  readonly failures: Record<RedisFailure, number>
}

export interface RedisConnectionParts {
  readonly createWire: (events: WireEvents) => RedisTransport
  readonly counters: RedisCounters
  /** It is ready, was lost, or another attempt to connect has failed. */
  readonly onState: (line: RedisConnection) => void
  /** It was dropped because the server said nothing. */
  readonly onSilence: (line: RedisConnection) => void
  /** The server takes no writes any more: it has become a replica. */
  readonly onDemoted: () => void
  readonly onOversized: (key: string) => void
  /** A command that was not run, or only reads, was cut off: it is to be run or given up. */
  readonly onCutOff: (command: PendingCommand, line: RedisConnection) => void
}

export class RedisConnection {
  readonly #parts: RedisConnectionParts
  #wire: RedisTransport
  /** Wires made so far: only the latest one is listened to. */
  #wires = 0
  readonly #commandTimeoutMs: number
  #queue: PendingCommand[] = []
  #isReady = false
  #inFlight = 0
  #replies = 0
  #silentBatches = 0
  #renewals = 0
  /** While it is being renewed. */
  #hold: NodeJS.Timeout | null = null
  #usedSinceSweep = false

  constructor(commandTimeoutMs: number, parts: RedisConnectionParts) {
    this.#commandTimeoutMs = commandTimeoutMs
    this.#parts = parts
    this.#wire = this.#createWire()
  }

  #createWire(): RedisTransport {
    this.#wires += 1
    const number = this.#wires
    const ifLatest = (act: () => void) => () => {
      if (number === this.#wires) act()
    }
    return this.#parts.createWire({
      onReady: ifLatest(() => this.#setReady(true)),
      onLost: ifLatest(() => this.#setReady(false)),
      onOversized: (key) => {
        this.#parts.onOversized(key)
        ifLatest(() => this.renew('oversized'))()
      },
    })
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Whether it is being renewed: commands may wait for that. */
  get isHolding(): boolean {
    return this.#hold !== null
  }

  /** Commands that wait for the end of the turn or for the server. The pool bounds it. */
  get inFlight(): number {
    return this.#inFlight
  }

  /**
   * One command. Never rejects; settles within the command's time and one turn of the event loop.
   *
   * @param isExpected Whether the command can have such a reply; another one is an `error`.
   * @param recordBytesMax For reading one record: its size at most. 0: it is something else.
   */
  run<T>(
    name: string,
    args: string[],
    isExpected: (value: unknown) => value is T,
    recordBytesMax: number,
  ): Promise<RedisReply<T>> {
    return new Promise((resolve) => {
      // `isExpected` has looked at every value that gets there.
      const settle = resolve as (reply: RedisReply<unknown>) => void
      this.#add(new PendingCommand(this, name, args, isExpected, recordBytesMax, settle))
    })
  }

  /** A command that was cut off elsewhere, or here. */
  take(command: PendingCommand): void {
    command.line = this
    command.batch = null
    command.repetitions += 1
    this.#add(command)
  }

  /** A command that was cut off, and cannot be served again. */
  giveUp(command: PendingCommand, reply: RedisReply<unknown>): void {
    this.#tell(command, reply)
  }

  /** Makes a new connection, and holds commands until it is there, or their time has passed. */
  renew(why: Renewal): void {
    if (!this.#isReady || this.#hold !== null) return
    this.#renewals += 1
    this.#isReady = false
    if (!this.#wire.renew(why)) {
      this.#wire.close()
      this.#wire = this.#createWire()
    }
    this.#hold = setTimeout(this.#endHold, this.#commandTimeoutMs)
  }

  #add(command: PendingCommand): void {
    // Requests whose bytes arrived together are handled in one turn, before immediates run.
    if (this.#queue.length === 0) setImmediate(this.#flush)
    this.#inFlight += 1
    this.#usedSinceSweep = true
    this.#queue.push(command)
  }

  /** Another connection to the same server went silent: the next silence here is enough. */
  suspect(): void {
    this.#silentBatches = Math.max(this.#silentBatches, SILENT_BATCHES_MAX - 1)
  }

  /** Whether nothing was asked since this was last called, and nothing is in flight. */
  sweepIdle(): boolean {
    const isIdle = !this.#usedSinceSweep && this.#inFlight === 0
    this.#usedSinceSweep = false
    return isIdle
  }

  close(): void {
    this.#isReady = false
    this.#release()
    this.#wire.close()
    this.#failQueue()
  }

  settleOversized(command: PendingCommand): void {
    this.#parts.onOversized(command.key)
    this.settle(command, redisFailed('too_large'))
  }

  /** Called once for each command and connection, by the command itself. */
  settle(command: PendingCommand, reply: RedisReply<unknown>): void {
    this.#inFlight -= 1
    // A failure other than the loss of the connection is a sign of life, too.
    if (reply.ok || reply.reason !== 'unavailable') {
      this.#replies += 1
      this.#silentBatches = 0
    }
    const batch = command.batch
    if (batch !== null) {
      batch.unsettled -= 1
      if (batch.unsettled === 0 && batch.timer !== null) clearTimeout(batch.timer)
    }
    if (!reply.ok && reply.reason === 'read_only') this.#parts.onDemoted()
    if (!reply.ok && this.#isWorthRepeating(command, reply.reason)) {
      this.#parts.onCutOff(command, this)
    } else this.#tell(command, reply)
  }

  /** What the server refused was not run; look-ups that we have cut off ourselves do no harm. */
  #isWorthRepeating(command: PendingCommand, reason: RedisFailure): boolean {
    const { batch, resolve, repetitions } = command
    if (batch === null || resolve === null || repetitions >= REPETITIONS_MAX) return false
    if (reason === 'read_only') {
      command.wasRefused = true
      return true
    }
    const haveCut = batch.renewalsBefore !== this.#renewals
    return reason === 'unavailable' && haveCut && command.isLookUp
  }

  #tell(command: PendingCommand, reply: RedisReply<unknown>): void {
    const { resolve } = command
    if (resolve === null) return
    command.resolve = null
    const isUnserved = !reply.ok && reply.reason === 'unavailable' && command.wasRefused
    const told = isUnserved ? redisFailed('read_only') : reply
    if (!told.ok) this.#parts.counters.failures[told.reason] += 1
    resolve(told)
  }

  readonly #flush = (): void => {
    // What is held is sent as soon as there is a connection.
    if (this.#hold !== null || this.#queue.length === 0) return
    if (!this.#isReady) {
      this.#failQueue()
      return
    }
    const commands = this.#queue
    this.#queue = []
    this.#parts.counters.commands += commands.length
    const batch = new Batch(commands, this.#replies, this.#renewals)
    for (const command of commands) command.batch = batch
    this.#wire.send(commands)
    if (batch.unsettled === 0) return
    // From here on, because this process may be paused at any point: the server has them now.
    batch.sentAtMs = systemClock.monotonicMs()
    // One timer a batch instead of one a command.
    batch.timer = setTimeout(this.#expire, this.#commandTimeoutMs, batch)
  }

  #failQueue(): void {
    const commands = this.#queue
    this.#queue = []
    this.#parts.counters.commands += commands.length
    for (const command of commands) this.settle(command, redisFailed('unavailable'))
  }

  /** The event loop reads sockets between timers and immediates. */
  readonly #expire = (batch: Batch): void => {
    // Timers count from when the event loop last looked at the clock, which may have been long ago.
    const leftMs = batch.sentAtMs + this.#commandTimeoutMs - systemClock.monotonicMs()
    if (leftMs > TIMER_EARLY_MS) batch.timer = setTimeout(this.#expire, leftMs, batch)
    else setImmediate(this.#declareLate, batch)
  }

  readonly #declareLate = (batch: Batch): void => {
    if (batch.unsettled === 0) return
    for (const command of batch.commands) {
      if (command.batch === batch) this.#tell(command, redisFailed('timeout'))
    }
    if (!this.#isReady || this.#replies !== batch.repliesBefore) return
    this.#silentBatches += 1
    if (this.#silentBatches < SILENT_BATCHES_MAX) return
    this.#setReady(false)
    this.#wire.drop()
    this.#parts.onSilence(this)
  }

  #setReady(isReady: boolean): void {
    this.#isReady = isReady
    this.#silentBatches = 0
    // The connection that we have cut ends, or a first attempt to make a new one has failed.
    if (!isReady && this.#hold !== null) return
    this.#release()
    this.#flush()
    this.#parts.onState(this)
  }

  #release(): void {
    if (this.#hold !== null) clearTimeout(this.#hold)
    this.#hold = null
  }

  readonly #endHold = (): void => {
    setImmediate(() => {
      // In this turn it may have become ready, or have been closed.
      if (this.#hold === null) return
      this.#hold = null
      this.#setReady(false)
    })
  }
}
