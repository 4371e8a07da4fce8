/** What sessions need of the place where they are stored; Redis has it all. */

/**
 * `ok: false`: there was no answer in time, or an error. Nothing is known then, but for two
 * reasons, which are about the record alone: it is `too_large`, or no text (`wrong_type`).
 */
export type StoreReply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string }

/** What a request needs. */
export interface SessionReader {
  /**
   * Reads a value and lets it live `ttlSeconds` from now; `null`: as long as it would have. Never
   * reads from a copy that may be behind. @returns `null`: not there.
   */
  getex(key: string, ttlSeconds: number | null): Promise<StoreReply<string | null>>
  /** Lets a value end at this NumericDate. */
  expireAt(key: string, atSeconds: number): Promise<StoreReply<number>>
  /** Moves its end to this NumericDate unless that is earlier, or it has no end. */
  prolong(key: string, atSeconds: number): Promise<StoreReply<number>>
  /** @returns How many there were: 0 or 1. */
  delete(key: string): Promise<StoreReply<number>>
}

/** What managing sessions needs on top. */
export interface SessionStore extends SessionReader {
  /** Reads without prolonging. */
  get(key: string): Promise<StoreReply<string | null>>
  set(key: string, value: string, ttlSeconds: number): Promise<StoreReply<unknown>>
  /** Of a sorted set; a member that is there already gets the new score. */
  addMember(key: string, member: string, score: number): Promise<StoreReply<number>>
  removeMember(key: string, member: string): Promise<StoreReply<number>>
  /** Those with this score or a lower one. */
  removeMembersUpTo(key: string, score: number): Promise<StoreReply<number>>
  members(key: string): Promise<StoreReply<readonly string[]>>
  /** `null`: the set has no member. */
  highestScore(key: string): Promise<StoreReply<number | null>>
}
