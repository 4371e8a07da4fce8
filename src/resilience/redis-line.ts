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
 */
import { type RedisFailure, type RedisReply, redisFailed, redisFailureOf } from './redis-reply.ts'

/** One lost reply may be chance; three writes in a row without a sign of life are not. */
const SILENT_BATCHES_MAX = 3

/** What the client library is given; settled by exactly one call of one of the two. */
export interface LineCommand {
  readonly name: string
  readonly args: string[]
  answered(value: unknown): void
  failed(error: unknown): void
}

/** A connection of the client library, or a whole cluster of them. */
export interface RedisWire {
  /** Writes all of them at once if it can; settles each of them. Never throws. */
  send(commands: readonly LineCommand[]): void
  /** Cuts the connection, which settles everything in flight, and makes a new one. */
  drop(): void
  /** Cuts the connection for good. */
  close(): void
}

export interface WireEvents {
  onReady(): void
  /** Lost, or another attempt to connect has failed. */
  onLost(): void
}

/** Shared by the lines of a pool. */
export interface RedisCounters {
  commands: number
  writes: number
  readonly failures: Record<RedisFailure, number>
}

export interface RedisLineParts {
  readonly createWire: (events: WireEvents) => RedisWire
  readonly counters: RedisCounters
  /** It is ready, was lost, or another attempt to connect has failed. */
  readonly onState: (line: RedisLine) => void
  /** It was dropped because the server said nothing. */
  readonly onSilence: (line: RedisLine) => void
}

/** The commands of one write. */
class Batch {
  readonly commands: readonly PendingCommand[]
  /** Replies that the line had seen when it was written. */
  readonly repliesBefore: number
  unsettled: number
  timer: NodeJS.Timeout | null = null

  constructor(commands: readonly PendingCommand[], repliesBefore: number) {
    this.commands = commands
    this.repliesBefore = repliesBefore
    this.unsettled = commands.length
  }
}

class PendingCommand implements LineCommand {
  readonly name: string
  readonly args: string[]
  readonly isExpected: (value: unknown) => boolean
  /** Told of the outcome unless its time has passed; `null` from then on. */
  resolve: ((reply: RedisReply<unknown>) => void) | null
  batch: Batch | null = null
  readonly #line: RedisLine

  constructor(
    line: RedisLine,
    name: string,
    args: string[],
    isExpected: (value: unknown) => boolean,
    resolve: (reply: RedisReply<unknown>) => void,
  ) {
    this.#line = line
    this.name = name
    this.args = args
    this.isExpected = isExpected
    this.resolve = resolve
  }

  answered(value: unknown): void {
    this.#line.settle(this, this.isExpected(value) ? { ok: true, value } : redisFailed('error'))
  }

  failed(error: unknown): void {
    this.#line.settle(this, redisFailureOf(error))
  }
}

export class RedisLine {
  readonly #parts: RedisLineParts
  readonly #wire: RedisWire
  readonly #commandTimeoutMs: number
  #queue: PendingCommand[] = []
  #isReady = false
  #inFlight = 0
  #replies = 0
  #silentBatches = 0
  #usedSinceSweep = false

  constructor(commandTimeoutMs: number, parts: RedisLineParts) {
    this.#commandTimeoutMs = commandTimeoutMs
    this.#parts = parts
    this.#wire = parts.createWire({
      onReady: () => this.#setReady(true),
      onLost: () => this.#setReady(false),
    })
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Commands that wait for the end of the turn or for the server. The pool bounds it. */
  get inFlight(): number {
    return this.#inFlight
  }

  /**
   * One command. Never rejects; settles within the command's time and one turn of the event loop.
   *
   * @param isExpected Whether the command can have such a reply; another one is an `error`.
   */
  run<T>(
    name: string,
    args: string[],
    isExpected: (value: unknown) => value is T,
  ): Promise<RedisReply<T>> {
    return new Promise((resolve) => {
      // Requests whose bytes arrived together are handled in one turn, before immediates run.
      if (this.#queue.length === 0) setImmediate(this.#flush)
      this.#inFlight += 1
      this.#usedSinceSweep = true
      // `isExpected` has looked at every value that gets there.
      const settle = resolve as (reply: RedisReply<unknown>) => void
      this.#queue.push(new PendingCommand(this, name, args, isExpected, settle))
    })
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
    this.#wire.close()
  }

  /** Called once for each command, by itself. */
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
    this.#tell(command, reply)
  }

  #tell(command: PendingCommand, reply: RedisReply<unknown>): void {
    const { resolve } = command
    if (resolve === null) return
    command.resolve = null
    if (!reply.ok) this.#parts.counters.failures[reply.reason] += 1
    resolve(reply)
  }

  readonly #flush = (): void => {
    const commands = this.#queue
    this.#queue = []
    const { counters } = this.#parts
    counters.commands += commands.length
    if (!this.#isReady) {
      for (const command of commands) this.settle(command, redisFailed('unavailable'))
      return
    }
    const batch = new Batch(commands, this.#replies)
    for (const command of commands) command.batch = batch
    // One timer a batch instead of one a command.
    batch.timer = setTimeout(this.#expire, this.#commandTimeoutMs, batch)
    this.#wire.send(commands)
  }

  readonly #expire = (batch: Batch): void => {
    for (const command of batch.commands) this.#tell(command, redisFailed('timeout'))
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
    this.#parts.onState(this)
  }
}
