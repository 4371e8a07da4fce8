/**
 * How two threads talk: notices that need no answer, and requests that get one reply.
 *
 *     notify(kind, payload) ──────────────► handler
 *     ask(kind, payload, timeoutMs) ──────► handler
 *                    reply ◄──────────────── what it returned
 *
 * Both ends can do both. Each end names the messages that it takes by its handlers, and gets the
 * types of what it sends from the other end's (messages.ts). Messages of one direction, replies
 * included, arrive in the order in which they were sent.
 */
import { afterListening } from '../resilience/deadline.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'

/** One kind of request: what is asked, and what is replied. Both survive structured cloning. */
export interface Exchange<Question, Reply> {
  readonly question: Question
  readonly reply: Reply
}

/** All that one end takes, by kind. */
export interface MessageKinds {
  readonly notices: object
  readonly requests: object
}

type Payload<Exchanges, Kind extends keyof Exchanges> =
  Exchanges[Kind] extends Exchange<infer Question, unknown> ? Question : never
type Answer<Exchanges, Kind extends keyof Exchanges> =
  Exchanges[Kind] extends Exchange<unknown, infer Reply> ? Reply : never

/** What an end does with each kind that it takes. A request gets what its handler returns. */
export interface MessageHandlers<Takes extends MessageKinds> {
  readonly notices: {
    readonly [Kind in keyof Takes['notices']]: (payload: Takes['notices'][Kind]) => void
  }
  readonly requests: {
    readonly [Kind in keyof Takes['requests']]: (
      question: Payload<Takes['requests'], Kind>,
    ) => Promise<Answer<Takes['requests'], Kind>> | Answer<Takes['requests'], Kind>
  }
}

/**
 * Why a request got no reply:
 *
 * - `timed_out`: none within its time. A later one is ignored.
 * - `thread_ended`: the other thread is gone, or was when it was asked.
 * - `failed`: its handler has thrown, which is a defect.
 */
export type NoReplyReason = 'timed_out' | 'thread_ended' | 'failed'

export type ThreadReply<Reply> =
  | { readonly kind: 'replied'; readonly reply: Reply }
  | { readonly kind: 'no_reply'; readonly reason: NoReplyReason }

/** What lies on the wire. */
type WireMessage =
  | { readonly type: 'notice'; readonly kind: string; readonly payload: unknown }
  | {
      readonly type: 'request'
      readonly id: number
      readonly kind: string
      readonly payload: unknown
    }
  | { readonly type: 'reply'; readonly id: number; readonly outcome: ThreadReply<unknown> }

/** A `Worker`, the `parentPort` of a worker, or one port of a `MessageChannel`. */
export interface ThreadPort {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): unknown
  /** Of a worker: its thread has ended. */
  on(event: 'exit', listener: () => void): unknown
  /** Of a port: the other port is closed. */
  on(event: 'close', listener: () => void): unknown
}

export class ThreadChannel<Takes extends MessageKinds, Sends extends MessageKinds> {
  readonly #port: ThreadPort
  readonly #notices: ReadonlyMap<string, (payload: unknown) => void>
  readonly #requests: ReadonlyMap<string, (question: unknown) => unknown>
  readonly #open = new Map<number, (outcome: ThreadReply<unknown>) => void>()
  #requestCount = 0
  #isEnded = false

  /** Takes messages from now on. The other thread is waited for, not polled: `exit` and `close`. */
  constructor(port: ThreadPort, handlers: MessageHandlers<Takes>) {
    this.#port = port
    this.#notices = new Map(Object.entries(handlers.notices))
    this.#requests = new Map(Object.entries(handlers.requests))
    port.on('message', (message) => this.#receive(message as WireMessage))
    port.on('exit', () => this.#end())
    port.on('close', () => this.#end())
  }

  /** Sends what needs no answer. Does nothing when the other thread is gone. */
  notify<Kind extends keyof Sends['notices'] & string>(
    kind: Kind,
    payload: Sends['notices'][Kind],
  ): void {
    if (!this.#isEnded) this.#post({ type: 'notice', kind, payload })
  }

  /**
   * Asks the other thread.
   *
   * @param timeoutMs How long the reply is waited for.
   * @returns Settles in bounded time, and at once when the other thread ends. Never rejects.
   */
  ask<Kind extends keyof Sends['requests'] & string>(
    kind: Kind,
    question: Payload<Sends['requests'], Kind>,
    timeoutMs: number,
  ): Promise<ThreadReply<Answer<Sends['requests'], Kind>>> {
    if (this.#isEnded) return Promise.resolve(noReply('thread_ended'))
    const id = this.#requestCount
    this.#requestCount += 1
    return new Promise((resolve) => {
      const cancel = afterListening(timeoutMs, () => this.#settle(id, noReply('timed_out')))
      this.#open.set(id, (outcome) => {
        cancel()
        // The handlers of the other end return what this kind of request is replied with.
        resolve(outcome as ThreadReply<Answer<Sends['requests'], Kind>>)
      })
      this.#post({ type: 'request', id, kind, payload: question })
    })
  }

  #receive(message: WireMessage): void {
    switch (message.type) {
      case 'notice':
        handlerOf(this.#notices, message.kind)(message.payload)
        break
      case 'request':
        void this.#answer(message.id, handlerOf(this.#requests, message.kind), message.payload)
        break
      case 'reply':
        this.#settle(message.id, message.outcome)
        break
      default:
        assertInvariant(false, 'a thread sends nothing but messages of its channel')
    }
  }

  /** Rejects where the handler does: the asker is told, and the defect is not hidden here. */
  async #answer(
    id: number,
    handler: (question: unknown) => unknown,
    question: unknown,
  ): Promise<void> {
    let outcome: ThreadReply<unknown> = noReply('failed')
    try {
      outcome = { kind: 'replied', reply: await handler(question) }
    } finally {
      if (!this.#isEnded) this.#post({ type: 'reply', id, outcome })
    }
  }

  /** Late replies are ignored. */
  #settle(id: number, outcome: ThreadReply<unknown>): void {
    const settle = this.#open.get(id)
    this.#open.delete(id)
    settle?.(outcome)
  }

  #end(): void {
    this.#isEnded = true
    for (const id of [...this.#open.keys()]) this.#settle(id, noReply('thread_ended'))
  }

  #post(message: WireMessage): void {
    this.#port.postMessage(message)
  }
}

function handlerOf<Handler>(handlers: ReadonlyMap<string, Handler>, kind: string): Handler {
  const handler = handlers.get(kind)
  assertInvariant(handler !== undefined, `a thread knows every message that it gets: ${kind}`)
  return handler
}

function noReply(reason: NoReplyReason): { readonly kind: 'no_reply'; reason: NoReplyReason } {
  return { kind: 'no_reply', reason }
}
