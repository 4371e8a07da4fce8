/**
 * Sessions in memory, for development: one store in the supervisor, which listener threads ask by
 * message.
 */
import { afterListening } from '../resilience/deadline.ts'
import type { SessionReader, SessionStore, StoreReply } from '../verifiers/session/session-store.ts'

/** One call of a {@link SessionReader}. */
export type StoreCall =
  | { readonly name: 'getex'; readonly key: string; readonly seconds: number | null }
  | { readonly name: 'expireAt' | 'prolong'; readonly key: string; readonly seconds: number }
  | { readonly name: 'delete'; readonly key: string }

/** Longest that the supervisor is waited for. */
const ANSWER_TIMEOUT_MS = 1_000

const NO_ANSWER: StoreReply<never> = { ok: false }

/** The store as a listener thread sees it. */
export class RemoteSessions implements SessionReader {
  readonly #post: (question: number, call: StoreCall) => void
  readonly #waiting = new Map<number, (reply: StoreReply<unknown>) => void>()
  #count = 0

  constructor(post: (question: number, call: StoreCall) => void) {
    this.#post = post
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

  /** Late answers are ignored. */
  answered(question: number, reply: StoreReply<unknown>): void {
    this.#waiting.get(question)?.(reply)
  }

  #ask<T>(call: StoreCall): Promise<StoreReply<T>> {
    const question = this.#count
    this.#count += 1
    return new Promise((resolve) => {
      const settle = (reply: StoreReply<unknown>): void => {
        cancel()
        this.#waiting.delete(question)
        // The supervisor answers a question with what that question returns.
        resolve(reply as StoreReply<T>)
      }
      const cancel = afterListening(ANSWER_TIMEOUT_MS, () => settle(NO_ANSWER))
      this.#waiting.set(question, settle)
      this.#post(question, call)
    })
  }
}

/** Carries out what a listener thread asked for. */
export function answerStoreCall(
  store: SessionStore,
  call: StoreCall,
): Promise<StoreReply<unknown>> {
  switch (call.name) {
    case 'getex':
      return store.getex(call.key, call.seconds)
    case 'expireAt':
      return store.expireAt(call.key, call.seconds)
    case 'prolong':
      return store.prolong(call.key, call.seconds)
    case 'delete':
      return store.delete(call.key)
  }
}
