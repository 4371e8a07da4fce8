/**
 * Tenants in Redis, as operators write them:
 *
 *     <key>            hash: JSON by name
 *     <key>:changes    stream: names that were written or removed, in the same transaction
 *     <key>:version    number: incremented by writers that do not name what they changed
 */
import type { RedisClient, StreamEntry } from '../redis/redis-client.ts'
import {
  LOG_START,
  RECORDS_AT_ONCE,
  type TenantPiece,
  type TenantRecords,
  type TenantStore,
  type TenantStoreLook,
} from './tenant-store.ts'

/** Entries that one look reads; what is beyond waits for the next. */
const ENTRIES_MAX = 500
export class RedisTenantStore implements TenantStore {
  readonly #commands: RedisClient
  readonly #waiting: RedisClient
  readonly #key: string
  readonly #waitMs: number

  /**
   * @param commands On one connection, so that answers come in the order of the questions.
   * @param waiting On one of its own, with a command time above `waitMs`.
   */
  constructor(key: string, waitMs: number, commands: RedisClient, waiting: RedisClient) {
    this.#key = key
    this.#waitMs = waitMs
    this.#commands = commands
    this.#waiting = waiting
  }

  /** Three questions in one write. */
  async look(cursor: string | null): Promise<TenantStoreLook | null> {
    const [version, length, entries] = await Promise.all([
      this.#commands.get(this.#versionKey),
      this.#commands.hashLength(this.#key),
      this.#entriesFrom(cursor),
    ])
    if (!version.ok || !length.ok || entries === null) return null
    const facts = { version: version.value, length: length.value }
    const [first, ...rest] = entries
    if (cursor === LOG_START) return { ...facts, isSameLog: true, ...readEntries(entries, cursor) }
    if (cursor !== null && first?.[0] === cursor) {
      return { ...facts, isSameLog: true, ...readEntries(rest, cursor) }
    }
    const last = await this.#commands.lastStreamId(this.#changesKey)
    if (!last.ok) return null
    return { ...facts, isSameLog: cursor === null, names: [], cursor: last.value ?? LOG_START }
  }

  async records(names: readonly string[]): Promise<TenantRecords | null> {
    const [values, length] = await Promise.all([
      this.#commands.hashFields(this.#key, names),
      this.#commands.hashLength(this.#key),
    ])
    return values.ok && length.ok ? { values: values.value, length: length.value } : null
  }

  async scan(cursor: string): Promise<TenantPiece | 'late' | null> {
    const reply = await this.#commands.scanHash(this.#key, cursor, RECORDS_AT_ONCE)
    if (!reply.ok) return reply.reason === 'timeout' ? 'late' : null
    const [next, fields] = reply.value
    const records: (readonly [string, string])[] = []
    for (let at = 0; at < fields.length; at += 2) {
      records.push([fields[at] ?? '', fields[at + 1] ?? ''])
    }
    return { cursor: next, records }
  }

  async waitForChange(cursor: string): Promise<boolean | null> {
    const reply = await this.#waiting.waitForStream(this.#changesKey, cursor, this.#waitMs)
    return reply.ok ? reply.value : null
  }

  async #entriesFrom(cursor: string | null): Promise<readonly StreamEntry[] | null> {
    if (cursor === null) return []
    const reply = await this.#commands.streamFrom(this.#changesKey, cursor, ENTRIES_MAX)
    return reply.ok ? reply.value : null
  }

  get #versionKey(): string {
    return `${this.#key}:version`
  }

  get #changesKey(): string {
    return `${this.#key}:changes`
  }
}

/** All values of an entry are names, whatever its fields are called. */
function readEntries(
  entries: readonly StreamEntry[],
  cursor: string,
): { readonly names: readonly string[]; readonly cursor: string } {
  const names = entries.flatMap(([, fields]) => fields.filter((_, at) => at % 2 === 1))
  return { names: [...new Set(names)], cursor: entries.at(-1)?.[0] ?? cursor }
}
