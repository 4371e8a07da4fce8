/**
 * The log of revocations in Redis, as two keys that need not lie on one node:
 *
 *     <prefix>live   sorted set: every record, scored by the second in which it may be dropped
 *     <prefix>new    stream: the latest records, in the order in which they came
 *
 * A reader begins with the set, all of it, and goes on with the stream from where that stood
 * before. So the stream may be short, and whoever was away for longer than it lasts begins anew.
 * A record is in the set before it is in the stream: none can be missed in between.
 */
import type { RedisReply } from '../resilience/redis-reply.ts'
import type { RevocationLog, RevocationLogPage } from './revocation-feed.ts'

/** What the log asks of Redis. */
export interface RevocationCommands {
  addMember(key: string, member: string, score: number): Promise<RedisReply<number>>
  removeMembersUpTo(key: string, score: number): Promise<RedisReply<number>>
  /** @returns Where to go on, `0` at the end, and some members. */
  scanMembers(key: string, cursor: string): Promise<RedisReply<readonly [string, string[]]>>
  appendToStream(key: string, record: string, lengthMax: number): Promise<RedisReply<string>>
  /** Ids and records that follow an id, oldest first. */
  readStream(
    key: string,
    afterId: string,
    count: number,
  ): Promise<RedisReply<readonly (readonly [string, string])[]>>
  /** `null`: there is none. */
  lastStreamId(key: string): Promise<RedisReply<string | null>>
}

export interface RevocationLogParts {
  readonly commands: RevocationCommands
  readonly nowSeconds: () => number
  readonly monotonicMs: () => number
}

/** At a hundred revocations a second: eight minutes. */
const STREAM_LENGTH_MAX = 50_000
const PAGE_RECORDS = 1_000
/** A reader that was away for longer does not trust the stream to be whole. */
const AWAY_MS_MAX = 60_000
const STREAM_START = '0-0'
const SCAN_START = '0'
const SCANNING = 'scan'

export class RedisRevocationLog implements RevocationLog {
  readonly #live: string
  readonly #new: string
  readonly #parts: RevocationLogParts
  #readAtMs = Number.NEGATIVE_INFINITY

  constructor(keyPrefix: string, parts: RevocationLogParts) {
    this.#live = `${keyPrefix}live`
    this.#new = `${keyPrefix}new`
    this.#parts = parts
  }

  async append(record: string, expiresAtSeconds: number): Promise<boolean> {
    const { commands, nowSeconds } = this.#parts
    const kept = await commands.addMember(this.#live, record, expiresAtSeconds)
    if (!kept.ok) return false
    const told = await commands.appendToStream(this.#new, record, STREAM_LENGTH_MAX)
    if (!told.ok) return false
    // What has expired is no longer anybody's business; a failure leaves it for the next time.
    await commands.removeMembersUpTo(this.#live, nowSeconds())
    return true
  }

  async readSince(cursor: string | null): Promise<RevocationLogPage | null> {
    const nowMs = this.#parts.monotonicMs()
    const wasAway = nowMs - this.#readAtMs > AWAY_MS_MAX
    this.#readAtMs = nowMs
    if (cursor === null || (wasAway && !cursor.startsWith(SCANNING))) return this.#begin()
    const [kind, position = '', streamId = STREAM_START] = cursor.split(' ')
    return kind === SCANNING ? this.#scan(position, streamId) : this.#follow(position)
  }

  /** Notes where the stream stands before anything of the set is read. */
  async #begin(): Promise<RevocationLogPage | null> {
    const last = await this.#parts.commands.lastStreamId(this.#new)
    return last.ok ? this.#scan(SCAN_START, last.value ?? STREAM_START) : null
  }

  /** A page without a record would be taken for the end: goes on until there is one. */
  async #scan(from: string, streamId: string): Promise<RevocationLogPage | null> {
    let position = from
    do {
      const reply = await this.#parts.commands.scanMembers(this.#live, position)
      if (!reply.ok) return null
      const [next, records] = reply.value
      const isEnd = next === SCAN_START
      if (isEnd && records.length === 0) return this.#follow(streamId)
      if (records.length > 0) {
        return { records, cursor: isEnd ? `stream ${streamId}` : `${SCANNING} ${next} ${streamId}` }
      }
      position = next
    } while (position !== SCAN_START)
    return null
  }

  async #follow(streamId: string): Promise<RevocationLogPage | null> {
    const reply = await this.#parts.commands.readStream(this.#new, streamId, PAGE_RECORDS)
    if (!reply.ok) return null
    const records = reply.value.map(([, record]) => record)
    return { records, cursor: `stream ${reply.value.at(-1)?.[0] ?? streamId}` }
  }
}
