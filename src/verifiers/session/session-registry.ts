/**
 * Creates, reads, lists and deletes sessions, for login services that should not touch the store.
 *
 *     <prefix><digest or id>         the record, in the format `sallyport`
 *     <prefix>user:<digest of user>  the keys of the user's sessions, by their `expiresAt`
 *
 * A key is added to its user's set before the session exists and taken out after it is gone, so
 * that no session is ever missing from the list. What the set names and is not there any more is
 * taken out when somebody looks; what is past its end, with each new session as well, so that a set
 * holds no more than a user creates within `absoluteTtl`. It ends with the last of its sessions.
 * Sessions that others wrote into the store are not in a list.
 */
import { type StoredUser, storedUserOf } from '../../protocol/stored-user.ts'
import type { JsonObject } from '../../protocol/strict-json.ts'
import type { Clock } from '../../runtime/clock.ts'
import { isAboutRecord } from '../record-reply.ts'
import { SALLYPORT_FORMAT, type SallyportSession } from './sallyport-format.ts'
import { type KeyHash, sessionDigest, sessionKey } from './session-key.ts'
import type { SessionStore } from './session-store.ts'

export interface RegisteredSession extends SallyportSession {
  /** SHA-256 of the id, in hexadecimal. */
  readonly digest: string
}

/** Names one session: by its id, or by the digest of it. */
export type SessionName =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'digest'; readonly digest: string }

export interface RegistryRules {
  readonly keyPrefix: string
  readonly keyHash: KeyHash
  readonly ttlSeconds: number
  readonly absoluteTtlSeconds: number
}

/** Listed at most: no user has so many. */
const LISTED_MAX = 1_000

/** `unavailable`: the store did not answer, and nothing is known to have changed. */
export class SessionRegistry {
  readonly #store: SessionStore
  readonly #rules: RegistryRules
  readonly #clock: Clock
  readonly #createId: () => string

  /** @param createId Makes ids of at least 128 random bits, within the form of session-key.ts. */
  constructor(store: SessionStore, rules: RegistryRules, clock: Clock, createId: () => string) {
    this.#store = store
    this.#rules = rules
    this.#clock = clock
    this.#createId = createId
  }

  /** Whether a digest finds its session: only where keys are made of digests. */
  get knowsDigests(): boolean {
    return this.#rules.keyHash === 'sha256'
  }

  /** @param claims What the record says beside the parts of the identity; never told again. */
  async create(
    user: StoredUser,
    claims: JsonObject = {},
  ): Promise<(RegisteredSession & { readonly id: string }) | 'unavailable'> {
    const { keyPrefix, keyHash, ttlSeconds, absoluteTtlSeconds } = this.#rules
    const id = this.#createId()
    const key = sessionKey(keyPrefix, keyHash, id)
    const createdAt = this.#clock.nowSeconds()
    const expiresAt = createdAt + absoluteTtlSeconds
    const record: SallyportSession = { ...user, createdAt, expiresAt }
    const index = this.#indexOf(user.userId)
    if (!(await this.#store.addMember(index, key, expiresAt)).ok) return 'unavailable'
    void this.#store.removeMembersUpTo(index, createdAt)
    const [latest, written] = await Promise.all([
      this.#store.highestScore(index),
      this.#store.set(key, recordText(record, claims), ttlSeconds),
    ])
    if (!latest.ok || !written.ok) return 'unavailable'
    const replies = await Promise.all([
      // Again: a listing before the record was there found no session and removed this key.
      this.#store.addMember(index, key, expiresAt),
      // Not the end of this session alone: an earlier `absoluteTtl` may have been longer.
      this.#store.expireAt(index, Math.max(expiresAt, latest.value ?? 0)),
    ])
    if (!replies.every(({ ok }) => ok)) return 'unavailable'
    return { id, digest: sessionDigest(id), ...record }
  }

  async read(name: SessionName): Promise<RegisteredSession | null | 'unavailable'> {
    const key = this.#keyOf(name)
    const session = key === null ? null : await this.#readKey(key, digestOf(name))
    return session === 'unreadable' ? null : session
  }

  async listByUser(userId: string): Promise<readonly RegisteredSession[] | 'unavailable'> {
    const index = this.#indexOf(userId)
    void this.#store.removeMembersUpTo(index, this.#clock.nowSeconds())
    const keys = await this.#store.members(index)
    if (!keys.ok) return 'unavailable'
    const listed = keys.value.slice(0, LISTED_MAX)
    const read = await Promise.all(listed.map((key) => this.#readKey(key, this.#digestOfKey(key))))
    const sessions: RegisteredSession[] = []
    for (const [place, session] of read.entries()) {
      if (session === 'unavailable') return 'unavailable'
      // It may be that of a later version, which takes it: it ends with those of its user.
      if (session === 'unreadable') continue
      if (session?.userId === userId) sessions.push(session)
      else void this.#store.removeMember(index, listed[place] ?? '')
    }
    return sessions
  }

  /** @returns Whether there was one. */
  async delete(name: SessionName): Promise<boolean | 'unavailable'> {
    const key = this.#keyOf(name)
    if (key === null) return false
    const session = await this.#readKey(key, digestOf(name))
    const deleted = await this.#store.delete(key)
    if (!deleted.ok) return 'unavailable'
    if (session !== null && typeof session !== 'string') {
      void this.#store.removeMember(this.#indexOf(session.userId), key)
    }
    return deleted.value > 0
  }

  /** @returns How many there were. */
  async deleteByUser(userId: string): Promise<number | 'unavailable'> {
    const index = this.#indexOf(userId)
    const keys = await this.#store.members(index)
    if (!keys.ok) return 'unavailable'
    let count = 0
    for (const key of keys.value) {
      const deleted = await this.#store.delete(key)
      if (!deleted.ok) return 'unavailable'
      count += deleted.value
      void this.#store.removeMember(index, key)
    }
    return count
  }

  /** @returns `null` when it is gone, or is that of no user. */
  async #readKey(
    key: string,
    digest: string,
  ): Promise<RegisteredSession | null | 'unreadable' | 'unavailable'> {
    const reply = await this.#store.get(key)
    if (!reply.ok) return isAboutRecord(reply.reason) ? 'unreadable' : 'unavailable'
    const record = reply.value === null ? null : SALLYPORT_FORMAT.readRecord(reply.value, '')
    if (record?.kind === 'refused') return 'unreadable'
    if (record?.kind !== 'record') return null
    return {
      digest,
      ...storedUserOf(record.identity),
      createdAt: record.createdAtSeconds ?? 0,
      expiresAt: record.expiresAtSeconds ?? 0,
    }
  }

  /** See {@link knowsDigests}. */
  #keyOf(name: SessionName): string | null {
    const { keyPrefix, keyHash } = this.#rules
    if (name.kind === 'id') return sessionKey(keyPrefix, keyHash, name.id)
    return keyHash === 'sha256' ? keyPrefix + name.digest : null
  }

  #digestOfKey(key: string): string {
    const name = key.slice(this.#rules.keyPrefix.length)
    return this.#rules.keyHash === 'sha256' ? name : sessionDigest(name)
  }

  #indexOf(userId: string): string {
    return `${this.#rules.keyPrefix}user:${sessionDigest(userId)}`
  }
}

function recordText(record: SallyportSession, claims: JsonObject): string {
  return JSON.stringify(Object.keys(claims).length === 0 ? record : { ...record, claims })
}

function digestOf(name: SessionName): string {
  return name.kind === 'digest' ? name.digest : sessionDigest(name.id)
}
