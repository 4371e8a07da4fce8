/**
 * Sessions in memory, for development: one store in the supervisor, which listener threads ask by
 * message.
 */
import type { StoreCall } from '../threads/messages.ts'
import type { ThreadReply } from '../threads/thread-channel.ts'
import type { SessionReader, StoreReply } from '../verifiers/session/session-store.ts'

/** Longest that the supervisor is waited for. */
export const STORE_TIMEOUT_MS = 1_000

const NO_ANSWER: StoreReply<never> = { ok: false, reason: 'timeout' }

/** Asks the supervisor within {@link STORE_TIMEOUT_MS}. */
export type AskStore = (call: StoreCall) => Promise<ThreadReply<StoreReply<unknown>>>

/** The store as a listener thread sees it. */
export class RemoteSessions implements SessionReader {
  readonly #askStore: AskStore

  constructor(askStore: AskStore) {
    this.#askStore = askStore
  }

  getex(key: string, seconds: number | null): Promise<StoreReply<string | null>> {
    return this.#ask({ name: 'getex', key, seconds })
  }

  expireAt(key: string, seconds: number): Promise<StoreReply<number>> {
    return this.#ask({ name: 'expireAt', key, seconds })
  }

  prolong(key: string, seconds: number): Promise<StoreReply<number>> {
    return this.#ask({ name: 'prolong', key, seconds })
  }

  delete(key: string): Promise<StoreReply<number>> {
    return this.#ask({ name: 'delete', key })
  }

  async #ask<T>(call: StoreCall): Promise<StoreReply<T>> {
    const answered = await this.#askStore(call)
    // The supervisor answers a call with what that call returns.
    return answered.kind === 'replied' ? (answered.reply as StoreReply<T>) : NO_ANSWER
  }
}
