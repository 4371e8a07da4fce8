/**
 * A request that another proxy asks about, in the place of one that came here: its facts are those
 * of the client's request, and its answer goes to the proxy that asks.
 */
import type { AnsweredExchange, RequestBody, RequestHead } from '../../http/exchange.ts'
import type { HeaderList } from '../../http/header-list.ts'

/** Changes an answer into one that the caller can do something with. */
export type AnswerFolding = (status: string, headers: HeaderList) => FoldedAnswer

export interface FoldedAnswer {
  readonly status: string
  readonly headers: HeaderList
}

export class AskedExchange implements AnsweredExchange {
  readonly head: RequestHead
  readonly scheme: 'http' | 'https'
  readonly #call: AnsweredExchange
  readonly #folding: AnswerFolding | null

  /** @param folding `null`: answers are those that a client here would get. */
  constructor(
    call: AnsweredExchange,
    { head, scheme }: Pick<AnsweredExchange, 'head' | 'scheme'>,
    folding: AnswerFolding | null,
  ) {
    this.head = head
    this.scheme = scheme
    this.#call = call
    this.#folding = folding
  }

  get body(): RequestBody {
    return this.#call.body
  }

  get peerAddress(): string {
    return this.#call.peerAddress
  }

  get closed(): boolean {
    return this.#call.closed
  }

  closeAfterAnswer(): void {
    this.#call.closeAfterAnswer()
  }

  answer(status: string, headers: HeaderList, body: string): void {
    const folded = this.#folding === null ? { status, headers } : this.#folding(status, headers)
    this.#call.answer(folded.status, folded.headers, body)
  }

  destroy(): void {
    this.#call.destroy()
  }
}
