/**
 * Sessions in the memory of this process, for development: gone with it, and known to no other
 * instance.
 */
import type { Clock } from '../../runtime/clock.ts'
import type { SessionStore, StoreReply } from './session-store.ts'

/** Then the one that was written first goes. */
const ENTRIES_MAX = 100_000

interface Entry {
  value: string | Map<string, number>
  /** Wall clock: `expireAt` names an instant of it. */
  endsAtMs: number
}

const MS_PER_SECOND = 1_000

export class MemorySessionStore implements SessionStore {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  getex(key: string, ttlSeconds: number | null): Promise<StoreReply<string | null>> {
    const value = this.#text(key)
    const entry = this.#live(key)
    if (entry !== null && ttlSeconds !== null) entry.endsAtMs = this.#after(ttlSeconds)
    return Promise.resolve(answered(value))
  }

  get(key: string): Promise<StoreReply<string | null>> {
    return Promise.resolve(answered(this.#text(key)))
  }

  set(key: string, value: string, ttlSeconds: number): Promise<StoreReply<unknown>> {
    this.#put(key, { value, endsAtMs: this.#after(ttlSeconds) })
    return Promise.resolve(answered('OK'))
  }

  delete(key: string): Promise<StoreReply<number>> {
    const isThere = this.#live(key) !== null
    this.#entries.delete(key)
    return Promise.resolve(answered(Number(isThere)))
  }

  expireAt(key: string, atSeconds: number): Promise<StoreReply<number>> {
    const entry = this.#live(key)
    if (entry !== null) entry.endsAtMs = atSeconds * MS_PER_SECOND
    return Promise.resolve(answered(Number(entry !== null)))
  }

  prolong(key: string, atSeconds: number): Promise<StoreReply<number>> {
    const entry = this.#live(key)
    const isLater = entry !== null && atSeconds * MS_PER_SECOND > entry.endsAtMs
    return isLater ? this.expireAt(key, atSeconds) : Promise.resolve(answered(0))
  }

  addMember(key: string, member: string, score: number): Promise<StoreReply<number>> {
    const members = this.#set(key)
    if (members === null) {
      const endsAtMs = Number.POSITIVE_INFINITY
      this.#put(key, { value: new Map([[member, score]]), endsAtMs })
      return Promise.resolve(answered(1))
    }
    const isNew = !members.has(member)
    members.set(member, score)
    return Promise.resolve(answered(Number(isNew)))
  }

  removeMember(key: string, member: string): Promise<StoreReply<number>> {
    return Promise.resolve(answered(this.#remove(key, (name) => name === member)))
  }

  removeMembersUpTo(key: string, score: number): Promise<StoreReply<number>> {
    return Promise.resolve(answered(this.#remove(key, (_, own) => own <= score)))
  }

  members(key: string): Promise<StoreReply<readonly string[]>> {
    return Promise.resolve(answered([...(this.#set(key)?.keys() ?? [])]))
  }

  highestScore(key: string): Promise<StoreReply<number | null>> {
    const scores = [...(this.#set(key)?.values() ?? [])]
    return Promise.resolve(answered(scores.length === 0 ? null : Math.max(...scores)))
  }

  /** Like Redis, keeps no empty set. */
  #remove(key: string, isMeant: (member: string, score: number) => boolean): number {
    const members = this.#set(key)
    if (members === null) return 0
    const before = members.size
    for (const [member, score] of members) if (isMeant(member, score)) members.delete(member)
    if (members.size === 0) this.#entries.delete(key)
    return before - members.size
  }

  #put(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size <= ENTRIES_MAX) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }

  #live(key: string): Entry | null {
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    if (this.#clock.wallMs() < entry.endsAtMs) return entry
    this.#entries.delete(key)
    return null
  }

  #text(key: string): string | null {
    const value = this.#live(key)?.value
    return typeof value === 'string' ? value : null
  }

  #set(key: string): Map<string, number> | null {
    const value = this.#live(key)?.value
    return value instanceof Map ? value : null
  }

  #after(ttlSeconds: number): number {
    return this.#clock.wallMs() + ttlSeconds * MS_PER_SECOND
  }
}

function answered<T>(value: T): StoreReply<T> {
  return { ok: true, value }
}
