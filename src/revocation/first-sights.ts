/**
 * When credentials were first seen that do not say when they were issued.
 *
 * A revocation of a subject covers what was issued before it. Of such a credential that is taken to
 * be so when it had been seen by then, here or by an instance that shares the store: known before,
 * it is covered; first seen afterwards, it belongs to a new login. (One that existed before and was
 * not used until afterwards passes: name it by `jti` or `sid` to be sure.)
 *
 *     this process's table ──known──► instant
 *        └miss─► store: set unless it is there, answer what is ──► table
 *
 * Without a store the table alone decides, for as long as the process lives: so do revocations
 * then. The store is asked once by each process for each credential.
 */
import { hash } from 'node:crypto'
import { assertInvariant } from '../runtime/assert-invariant.ts'

/** What is asked of the store that instances share. */
export interface FirstSightStore {
  /** Sets a value that lives `ttlSeconds`, unless there is one. @returns What was there. */
  setIfAbsent(
    key: string,
    value: string,
    ttlSeconds: number,
  ): Promise<{ readonly ok: true; readonly value: string | null } | { readonly ok: false }>
  /** @returns What is there; `null`: nothing. */
  get(
    key: string,
  ): Promise<{ readonly ok: true; readonly value: string | null } | { readonly ok: false }>
}

/*
 *     slot   0 first seen, 0: free   1 kept until   2 to 4 key   5 confirmed   6 7 unused
 *
 * Seconds, NumericDate. A slot is taken by exchanging word 0; its key follows. A reader in between
 * finds no match and takes a slot of its own: of two that match the earlier instant counts.
 */
const SLOT_WORDS = 8
const KEPT_UNTIL = 1
const KEY = 2
const KEY_WORDS = 3
const CONFIRMED = 5
const WAYS = 8
/** 8 MiB of address space; memory is used as slots are. */
const SETS = 32_768
const NOT_FOUND = -1

assertInvariant(KEY + KEY_WORDS <= CONFIRMED && CONFIRMED < SLOT_WORDS, 'a slot holds its fields')
assertInvariant((SETS & (SETS - 1)) === 0, 'sets are masked, not divided')

export function createFirstSightsBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(SETS * WAYS * SLOT_WORDS * Int32Array.BYTES_PER_ELEMENT)
}

export interface FirstSightsParts {
  /** From {@link createFirstSightsBuffer}; the same one in every thread. */
  readonly buffer: SharedArrayBuffer
  /** `null`: this process decides alone. */
  readonly store: FirstSightStore | null
  readonly keyPrefix: string
}

export class FirstSights {
  readonly #words: Int32Array
  readonly #store: FirstSightStore | null
  readonly #keyPrefix: string

  constructor({ buffer, store, keyPrefix }: FirstSightsParts) {
    this.#words = new Int32Array(buffer)
    this.#store = store
    this.#keyPrefix = keyPrefix
  }

  /**
   * When the credential was first seen: now, if it never was.
   *
   * @param name Tells credentials of all kinds apart. Is hashed.
   * @param keptUntilSeconds Until when it may be seen again.
   * @returns NumericDate; `null` when it cannot be told now: the store does not answer, or without
   *   one, the table has no room.
   */
  async of(name: string, nowSeconds: number, keptUntilSeconds: number): Promise<number | null> {
    const digest = hash('sha256', name, 'buffer')
    let slot = this.#find(digest, nowSeconds)
    if (slot === NOT_FOUND) slot = this.#insert(digest, nowSeconds, keptUntilSeconds)
    const seenSeconds = slot === NOT_FOUND ? null : (this.#words[slot] as number)
    if (this.#store === null) return seenSeconds
    if (slot !== NOT_FOUND && this.#words[slot + CONFIRMED] === 1) return seenSeconds
    const sinceSeconds = seenSeconds ?? nowSeconds
    const ttlSeconds = Math.max(1, Math.ceil(keptUntilSeconds - nowSeconds))
    const key = this.#storeKey(digest)
    const reply = await this.#store.setIfAbsent(key, String(sinceSeconds), ttlSeconds)
    if (!reply.ok) return null
    const firstSeconds = earlier(reply.value, sinceSeconds)
    if (slot !== NOT_FOUND) this.#confirm(slot, firstSeconds)
    return firstSeconds
  }

  /** As {@link of}, and remembers nothing: what was never seen is seen now. */
  async peek(name: string, nowSeconds: number): Promise<number | null> {
    const digest = hash('sha256', name, 'buffer')
    const slot = this.#find(digest, nowSeconds)
    const sinceSeconds = slot === NOT_FOUND ? nowSeconds : (this.#words[slot] as number)
    const isConfirmed = slot !== NOT_FOUND && this.#words[slot + CONFIRMED] === 1
    if (this.#store === null || isConfirmed) return sinceSeconds
    const reply = await this.#store.get(this.#storeKey(digest))
    return reply.ok ? earlier(reply.value, sinceSeconds) : null
  }

  #storeKey(digest: Buffer): string {
    return `${this.#keyPrefix}${digest.toString('hex', 0, 16)}`
  }

  #confirm(slot: number, firstSeconds: number): void {
    Atomics.store(this.#words, slot, firstSeconds)
    Atomics.store(this.#words, slot + CONFIRMED, 1)
  }

  /** @returns Word index of the matching slot with the earliest instant. */
  #find(digest: Buffer, nowSeconds: number): number {
    const words = this.#words
    let found = NOT_FOUND
    const first = firstSlotOf(digest)
    for (let slot = first; slot < first + WAYS * SLOT_WORDS; slot += SLOT_WORDS) {
      const seen = Atomics.load(words, slot)
      if (seen === 0 || (words[slot + KEPT_UNTIL] as number) <= nowSeconds) continue
      let isSame = true
      for (let word = 0; word < KEY_WORDS; word += 1) {
        if (words[slot + KEY + word] !== digest.readInt32LE(4 + word * 4)) isSame = false
      }
      if (isSame && (found === NOT_FOUND || seen < (words[found] as number))) found = slot
    }
    return found
  }

  #insert(digest: Buffer, nowSeconds: number, keptUntilSeconds: number): number {
    const words = this.#words
    const first = firstSlotOf(digest)
    for (let slot = first; slot < first + WAYS * SLOT_WORDS; slot += SLOT_WORDS) {
      const seen = Atomics.load(words, slot)
      if (seen !== 0 && Atomics.load(words, slot + KEPT_UNTIL) > nowSeconds) continue
      if (Atomics.compareExchange(words, slot, seen, nowSeconds) !== seen) continue
      Atomics.store(words, slot + CONFIRMED, 0)
      for (let word = 0; word < KEY_WORDS; word += 1) {
        Atomics.store(words, slot + KEY + word, digest.readInt32LE(4 + word * 4))
      }
      Atomics.store(words, slot + KEPT_UNTIL, Math.min(Math.ceil(keptUntilSeconds), 0x7fff_ffff))
      return slot
    }
    return NOT_FOUND
  }
}

/**
 * Of what the store has, and this instant. What is no instant was written by others: the credential
 * then counts as known for ever.
 */
function earlier(value: string | null, sinceSeconds: number): number {
  const stored = Number(value ?? sinceSeconds)
  return Number.isInteger(stored) && stored > 0 ? Math.min(stored, sinceSeconds) : 1
}

function firstSlotOf(digest: Buffer): number {
  return (digest.readUInt32LE(0) & (SETS - 1)) * WAYS * SLOT_WORDS
}
