/** Hot path: one command on its way to Redis, and the commands of one write. */
import { type RedisReply, redisFailed, redisFailureOf } from './redis-reply.ts'

/** Bytes of one UTF-16 code unit at most. */
const UTF8_BYTES_MAX = 3

/** What the client library is given; settled by exactly one call of one of the two. */
export interface LineCommand {
  readonly name: string
  readonly args: string[]
  answered(value: unknown): void
  failed(error: unknown): void
}

/** The connection on which a command waits, or is in flight. */
export interface CommandHolder {
  settle(command: PendingCommand, reply: RedisReply<unknown>): void
  settleOversized(command: PendingCommand): void
}

/** The commands of one write. */
export class Batch {
  readonly commands: readonly PendingCommand[]
  /** Replies that the line had seen when it was written, and renewals that it had been through. */
  readonly repliesBefore: number
  readonly renewalsBefore: number
  sentAtMs = 0
  unsettled: number
  timer: NodeJS.Timeout | null = null

  constructor(commands: readonly PendingCommand[], repliesBefore: number, renewalsBefore: number) {
    this.commands = commands
    this.repliesBefore = repliesBefore
    this.renewalsBefore = renewalsBefore
    this.unsettled = commands.length
  }
}

export class PendingCommand implements LineCommand {
  readonly name: string
  readonly args: string[]
  readonly isExpected: (value: unknown) => boolean
  /** Bytes that the value may have; 0 for a command that does not read one record. */
  readonly recordBytesMax: number
  /** Told of the outcome unless its time has passed; `null` from then on. */
  resolve: ((reply: RedisReply<unknown>) => void) | null
  batch: Batch | null = null
  /** Where it waits, or is in flight. */
  line: CommandHolder
  repetitions = 0
  /** By a server that takes no writes. */
  wasRefused = false

  constructor(
    line: CommandHolder,
    name: string,
    args: string[],
    isExpected: (value: unknown) => boolean,
    recordBytesMax: number,
    resolve: (reply: RedisReply<unknown>) => void,
  ) {
    this.line = line
    this.name = name
    this.args = args
    this.isExpected = isExpected
    this.recordBytesMax = recordBytesMax
    this.resolve = resolve
  }

  /** Reading one record: does no harm when it is done twice. */
  get isLookUp(): boolean {
    return this.recordBytesMax > 0
  }

  get key(): string {
    return this.args[0] ?? ''
  }

  answered(value: unknown): void {
    if (this.isLookUp && isLonger(value, this.recordBytesMax)) {
      this.line.settleOversized(this)
    } else {
      this.line.settle(this, this.isExpected(value) ? { ok: true, value } : redisFailed('error'))
    }
  }

  failed(error: unknown): void {
    this.line.settle(this, redisFailureOf(error))
  }
}

/** Without counting the bytes of what cannot have so many. */
function isLonger(value: unknown, bytesMax: number): boolean {
  if (typeof value !== 'string' || value.length * UTF8_BYTES_MAX <= bytesMax) return false
  return Buffer.byteLength(value) > bytesMax
}
