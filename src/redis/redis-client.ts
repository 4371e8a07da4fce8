/**
 * The only door to Redis: standalone, Sentinel and Cluster behind one set of typed commands, every
 * outcome a value within bounded time. No command waits for a connection.
 */
import { OversizedRecords } from './oversized-records.ts'
import type { RedisCounters, WireEvents } from './redis-connection.ts'
import type { RedisClientOptions } from './redis-options.ts'
import { RedisPool, type RedisState } from './redis-pool.ts'
import { type RedisFailure, type RedisReply, redisFailed } from './redis-reply.ts'
import type { RedisScript } from './redis-script.ts'
import { ClusterWire, clientLibrary, ServerWire } from './redis-transport.ts'

/** Entries of a stream have one field. */
const STREAM_FIELD = 'record'

/** Its id, and its fields and values in turn. */
export type StreamEntry = [string, string[]]

export interface RedisParts {
  /** A number in [0, 1), for jitter. */
  readonly random: () => number
  /** At the first connection or failure, and at each change. */
  readonly onState: (state: RedisState) => void
  /** A record is larger than any may be. Not told again of the same one while it is known. */
  readonly onOversizedRecord: () => void
}

export interface RedisStatistics {
  /** Connections that exist, and those of them that are ready. */
  readonly open: number
  readonly ready: number
  /** Commands without an answer yet. */
  readonly inFlight: number
  /** Since the start: commands that were asked for, and those of them that failed. */
  readonly commands: number
  readonly failures: number
  /** Writes to sockets for those commands. */
  readonly writes: number
}

export class RedisClient {
  /** Whether all keys of a script must lie on one node. */
  readonly isCluster: boolean
  readonly #masters: RedisPool
  readonly #replicas: RedisPool | null
  readonly #recordBytesMax: number
  readonly #oversized: OversizedRecords
  #onReady: () => void = () => {}
  readonly #counters: RedisCounters = { commands: 0, writes: 0, failures: noFailures() }

  /** Loads what a client needs, so that the first one does not hold up a thread that serves. */
  static prepare(): void {
    clientLibrary()
  }

  /** Begins to connect. */
  constructor(options: RedisClientOptions, parts: RedisParts) {
    const counters = this.#counters
    const { random } = parts
    const oversized = new OversizedRecords(parts.onOversizedRecord)
    this.#oversized = oversized
    this.isCluster = options.mode === 'cluster'
    this.#recordBytesMax = options.recordBytesMax
    const create = (role: 'master' | 'slave') => (events: WireEvents) =>
      options.mode === 'cluster'
        ? new ClusterWire(options, random, counters, events)
        : new ServerWire(options, random, role, counters, events)
    const onState = (state: RedisState) => {
      if (state === 'ready') this.#onReady()
      parts.onState(state)
    }
    const shared = { counters, oversized }
    this.#masters = new RedisPool(options, { ...shared, createWire: create('master'), onState })
    // A cluster's connections go to replicas as they are told, command by command.
    this.#replicas =
      options.readFromReplicas && options.mode === 'sentinel'
        ? new RedisPool(options, { ...shared, createWire: create('slave'), onState: () => {} })
        : null
  }

  /**
   * Reads a record at its master and lets it live `ttlSeconds` from now, in one step; `null`: as
   * long as it would have. @returns `null` when absent.
   */
  getex(key: string, ttlSeconds: number | null): Promise<RedisReply<string | null>> {
    const life = ttlSeconds === null ? [] : ['EX', String(ttlSeconds)]
    return this.#lookUp(this.#masters, 'getex', [key, ...life])
  }

  get(key: string): Promise<RedisReply<string | null>> {
    return this.#lookUp(this.#readers(), 'get', [key])
  }

  /** Sets a value that lives `ttlSeconds`. */
  set(key: string, value: string, ttlSeconds: number): Promise<RedisReply<string>> {
    return this.#masters.run('set', [key, value, 'EX', String(ttlSeconds)], isText)
  }

  /** Sets a value that lives `ttlSeconds`, unless there is one. @returns What was there. */
  async setIfAbsent(
    key: string,
    value: string,
    ttlSeconds: number,
  ): Promise<RedisReply<string | null>> {
    const words = [key, value, 'NX', 'EX', String(ttlSeconds)]
    const reply = await this.#masters.run('set', words, isTextOrNull)
    // Both in one command would need Redis 7. At the master: a replica may be behind.
    if (!reply.ok) return reply
    return reply.value === null ? this.getex(key, null) : { ok: true, value: null }
  }

  /** @returns How many there were: 0 or 1. */
  delete(key: string): Promise<RedisReply<number>> {
    return this.#masters.run('del', [key], isCount)
  }

  /** @returns 0 when there is no such key. An instant that has passed deletes it. */
  expireAt(key: string, atSeconds: number): Promise<RedisReply<number>> {
    return this.#masters.run('expireat', [key, String(atSeconds)], isCount)
  }

  /** Moves an end to a later instant, never to an earlier one. Needs Redis 7. @returns Whether. */
  prolong(key: string, atSeconds: number): Promise<RedisReply<number>> {
    return this.#masters.run('expireat', [key, String(atSeconds), 'GT'], isCount)
  }

  /** Of a sorted set; gives a member that is there already the new score. */
  addMember(key: string, member: string, score: number): Promise<RedisReply<number>> {
    return this.#masters.run('zadd', [key, String(score), member], isCount)
  }

  removeMember(key: string, member: string): Promise<RedisReply<number>> {
    return this.#masters.run('zrem', [key, member], isCount)
  }

  /** Those with this score or a lower one. */
  removeMembersUpTo(key: string, score: number): Promise<RedisReply<number>> {
    return this.#masters.run('zremrangebyscore', [key, '-inf', String(score)], isCount)
  }

  /** By score, lowest first. In a cluster, from a replica where `readFromReplicas` lets it. */
  members(key: string): Promise<RedisReply<string[]>> {
    return this.#masters.run('zrange', [key, '0', '-1'], isTexts)
  }

  /** `null`: there is no member. */
  async highestScore(key: string): Promise<RedisReply<number | null>> {
    const reply = await this.#masters.run('zrange', [key, '-1', '-1', 'WITHSCORES'], isTexts)
    if (!reply.ok) return reply
    const score = reply.value[1]
    return { ok: true, value: score === undefined ? null : Number(score) }
  }

  /** How many fields a hash has; 0 when there is no such key. */
  hashLength(key: string): Promise<RedisReply<number>> {
    return this.#masters.run('hlen', [key], isCount)
  }

  /** The values of these fields, in their order; `null` where there is none. At least one field. */
  hashFields(
    key: string,
    fields: readonly string[],
  ): Promise<RedisReply<readonly (string | null)[]>> {
    return this.#masters.run('hmget', [key, ...fields], isTextsOrNulls)
  }

  /** Of a hash, a part at a time. @returns Where to go on, `0` at the end, and fields in pairs. */
  scanHash(
    key: string,
    cursor: string,
    count: number,
  ): Promise<RedisReply<readonly [string, readonly string[]]>> {
    return this.#masters.run('hscan', [key, cursor, 'COUNT', String(count)], isScan)
  }

  /** Members of a sorted set by rank, the highest score first; both ends are included. */
  membersFromTop(key: string, from: number, to: number): Promise<RedisReply<string[]>> {
    return this.#masters.run('zrange', [key, String(from), String(to), 'REV'], isTexts)
  }

  /** Members with this score or a higher one, `countMax` at most. */
  membersAbove(key: string, score: number, countMax: number): Promise<RedisReply<string[]>> {
    const words = [key, String(score), '+inf', 'BYSCORE', 'LIMIT', '0', String(countMax)]
    return this.#masters.run('zrange', words, isTexts)
  }

  /**
   * Gives a member that is there the score that it has, and does nothing when it is not there.
   * Fails where nothing can be written.
   */
  touchMember(key: string, member: string, score: number): Promise<RedisReply<number>> {
    return this.#masters.run('zadd', [key, 'XX', String(score), member], isCount)
  }

  /** Runs a script that answers with a number. Keys on several nodes of a cluster: `error`. */
  runScript(
    script: string,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<RedisReply<number>> {
    return this.#masters.run('eval', [script, String(keys.length), ...keys, ...args], isCount)
  }

  /**
   * Runs a script that answers with whole numbers, by its digest; a server that does not know it
   * yet is sent the whole of it, which takes the time of another command at most. Keys on several
   * nodes of a cluster: `error`. It runs once at most.
   */
  async runKnownScript(
    { text, sha1 }: RedisScript,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<RedisReply<readonly number[]>> {
    const words = [String(keys.length), ...keys, ...args]
    const reply = await this.#masters.run('evalsha', [sha1, ...words], areCounts)
    if (reply.ok || reply.reason !== 'unknown_script') return reply
    return this.#masters.run('eval', [text, ...words], areCounts)
  }

  /** Keeps about the latest `lengthMax`. @returns The id of the entry. */
  appendToStream(key: string, record: string, lengthMax: number): Promise<RedisReply<string>> {
    const words = [key, 'MAXLEN', '~', String(lengthMax), '*', STREAM_FIELD, record]
    return this.#masters.run('xadd', words, isText)
  }

  /** Ids and records from an id on, oldest first. */
  async readStream(
    key: string,
    fromId: string,
    count: number,
  ): Promise<RedisReply<readonly (readonly [string, string])[]>> {
    const words = [key, fromId, '+', 'COUNT', String(count)]
    const reply = await this.#masters.run('xrange', words, isStream)
    if (!reply.ok) return reply
    return { ok: true, value: reply.value.map(([id, fields]) => [id, fields[1] ?? ''] as const) }
  }

  /** Entries from this id on, which is the first of them if it is still there. */
  streamFrom(key: string, id: string, count: number): Promise<RedisReply<readonly StreamEntry[]>> {
    return this.#masters.run('xrange', [key, id, '+', 'COUNT', String(count)], isStream)
  }

  /**
   * Waits for an entry after this id. Holds its connection as long: for one that nothing else uses,
   * with a command time above `waitMs`.
   *
   * @returns Whether there is one.
   */
  async waitForStream(key: string, afterId: string, waitMs: number): Promise<RedisReply<boolean>> {
    const words = ['BLOCK', String(waitMs), 'COUNT', '1', 'STREAMS', key, afterId]
    const reply = await this.#masters.run('xread', words, isAnything)
    return reply.ok ? { ok: true, value: reply.value !== null } : reply
  }

  /** `null`: there is none. */
  async lastStreamId(key: string): Promise<RedisReply<string | null>> {
    const reply = await this.#masters.run('xrevrange', [key, '+', '-', 'COUNT', '1'], isStream)
    return reply.ok ? { ok: true, value: reply.value[0]?.[0] ?? null } : reply
  }

  ping(): Promise<RedisReply<string>> {
    return this.#masters.run('ping', [], isText)
  }

  get stats(): RedisStatistics {
    // A script that is unknown was sent once more, and counts by what became of that.
    const { unknown_script: _, ...failures } = this.#counters.failures
    const { commands, writes } = this.#counters
    return {
      open: this.#masters.open + (this.#replicas?.open ?? 0),
      ready: this.#masters.ready + (this.#replicas?.ready ?? 0),
      inFlight: this.#masters.inFlight + (this.#replicas?.inFlight ?? 0),
      commands,
      failures: Object.values(failures).reduce((sum, count) => sum + count, 0),
      writes,
    }
  }

  /** Settles when a connection is ready for the first time, or when `timeoutMs` have passed. */
  whenReady(timeoutMs: number): Promise<void> {
    if (this.#masters.ready > 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#onReady = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Cuts every connection at once; commands in flight fail, and nothing is waited for. */
  close(): void {
    this.#onReady()
    this.#masters.close()
    this.#replicas?.close()
  }

  #lookUp(pool: RedisPool, name: string, args: string[]): Promise<RedisReply<string | null>> {
    const { isEmpty } = this.#oversized
    return isEmpty || !this.#oversized.has(args[0] ?? '')
      ? pool.run(name, args, isTextOrNull, this.#recordBytesMax)
      : this.#lookUpOversized(pool, name, args)
  }

  /** Asks for the length first. */
  async #lookUpOversized(
    pool: RedisPool,
    name: string,
    args: string[],
  ): Promise<RedisReply<string | null>> {
    const key = args[0] ?? ''
    const length = await pool.run('strlen', [key], isCount)
    if (!length.ok) return length
    if (length.value > this.#recordBytesMax) return redisFailed('too_large')
    this.#oversized.delete(key)
    return pool.run(name, args, isTextOrNull, this.#recordBytesMax)
  }

  #readers(): RedisPool {
    return this.#replicas !== null && this.#replicas.ready > 0 ? this.#replicas : this.#masters
  }
}

function noFailures(): Record<RedisFailure, number> {
  return {
    unavailable: 0,
    timeout: 0,
    read_only: 0,
    out_of_memory: 0,
    wrong_type: 0,
    unknown_script: 0,
    too_large: 0,
    error: 0,
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return typeof value === 'number'
}

function areCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(Number.isSafeInteger)
}

function isScan(value: unknown): value is [string, string[]] {
  return Array.isArray(value) && value.length === 2 && isText(value[0]) && isTexts(value[1])
}

function isStream(value: unknown): value is StreamEntry[] {
  return Array.isArray(value) && value.every(isScan)
}

function isTextsOrNulls(value: unknown): value is (string | null)[] {
  return Array.isArray(value) && value.every(isTextOrNull)
}

function isAnything(_value: unknown): _value is unknown {
  return true
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText)
}
