/**
 * Hot path: hands an upstream's answer to the client, whole if it came whole, else as a stream.
 *
 *     EMPTY ──head──► HEAD_HELD ──data──► BODY_HELD ──end──► one `send`
 *                        │                    │
 *                        └── more data, or the turn of the event loop is over ──► STREAMING
 *
 * A small answer arrives in one read: the parser reports head, data and end without letting go.
 * Holding the first two until the end makes one write of them. What is held when the turn ends is
 * let go, so that an upstream that sends its head first and its events later is never delayed.
 */
import { STATUS_CODES } from 'node:http'
import { withCorsFields } from '../http/cors-fields.ts'
import type { ClientExchange } from '../http/exchange.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { ForwardRequest } from './forward-request.ts'
import type { ResponseEdits } from './header-edits.ts'
import { type ResponseHead, readResponseHead } from './response-headers.ts'

const EMPTY = 0
const HEAD_HELD = 1
const BODY_HELD = 2
const STREAMING = 3
const DONE = 4

const STATUS_MIN = 200
const STATUS_MAX = 599
const NO_CONTENT = 204
const NOT_MODIFIED = 304

const NO_BYTES = new Uint8Array(0)

/** `404` → `404 Not Found`. The upstream's own phrase is dropped: clients must not rely on it. */
const STATUS_LINES: readonly string[] = Array.from(
  { length: STATUS_MAX + 1 },
  (_, status) => `${status} ${STATUS_CODES[status] ?? 'Unknown'}`,
)

/** Relays with a held head, let go at the end of this turn. At most one entry a request. */
let heldRelays: ResponseRelay[] = []

type RelayedRequest = Pick<
  ForwardRequest,
  'method' | 'answerHeaders' | 'withheldField' | 'answerCors' | 'responseEdits'
>

export class ResponseRelay implements ResponseHead {
  /** Of the final response head; 0 before it. */
  statusCode = 0
  headers: string[] = []
  contentLength: number | null = null
  /** Of the body, as they came. */
  bodyBytes = 0

  readonly #exchange: ClientExchange
  readonly #answerHeaders: HeaderList
  readonly #answerCors: HeaderList | null
  readonly #edits: ResponseEdits | null
  readonly #withheldField: string | null
  readonly #isHead: boolean
  #state = EMPTY
  #held: Uint8Array = NO_BYTES

  /** @param asked What was asked: the method, and what the route does with answers. */
  constructor(exchange: ClientExchange, asked: RelayedRequest) {
    this.#exchange = exchange
    this.#answerHeaders = asked.answerHeaders
    this.#answerCors = asked.answerCors
    this.#edits = asked.responseEdits
    this.#withheldField = asked.withheldField
    this.#isHead = asked.method === 'HEAD'
  }

  /** Whether something of the answer has been handed over, so that it can no longer be replaced. */
  get started(): boolean {
    return this.#state >= STREAMING
  }

  /**
   * Takes a final response head.
   * @returns `false` when it is not valid HTTP. Nothing was handed over then.
   */
  takeHead(statusCode: number, raw: readonly Buffer[]): boolean {
    if (statusCode < STATUS_MIN || statusCode > STATUS_MAX) return false
    if (!readResponseHead(raw, this.#answerHeaders, this.#withheldField, this)) return false
    if (this.#edits !== null) {
      this.headers = this.#edits.applied(this.headers, this.#answerHeaders.length)
    }
    if (this.#answerCors !== null) this.headers = withCorsFields(this.headers, this.#answerCors)
    this.statusCode = statusCode
    this.#state = HEAD_HELD
    if (heldRelays.length === 0) setImmediate(letGoHeldRelays)
    heldRelays.push(this)
    return true
  }

  /**
   * Takes bytes of the body. They may be kept until the end of this turn.
   * @returns `false` when the client is slower: nothing more until it has taken what it has.
   */
  takeData(chunk: Uint8Array): boolean {
    this.bodyBytes += chunk.length
    if (this.#state === HEAD_HELD) {
      const { contentLength } = this
      if (contentLength === null || chunk.length === contentLength) {
        this.#held = chunk
        this.#state = BODY_HELD
        return true
      }
    }
    if (this.#state !== STREAMING) this.letGo()
    return this.#exchange.write(chunk)
  }

  /** The answer is complete. */
  takeEnd(): void {
    const state = this.#state
    this.#state = DONE
    if (state === STREAMING) {
      this.#exchange.finish()
      return
    }
    const status = STATUS_LINES[this.statusCode] as string
    if (this.#isHead) this.#exchange.sendHead(status, this.headers, this.contentLength)
    else if (this.endsWithHead) this.#exchange.sendHead(status, this.headers, null)
    else this.#exchange.send(status, this.headers, this.#held)
    this.#held = NO_BYTES
  }

  /** Whether the head that was taken is the whole answer, whatever length it declares. */
  get endsWithHead(): boolean {
    return this.statusCode === NO_CONTENT || this.statusCode === NOT_MODIFIED
  }

  /** Hands over what is held and streams from now on. */
  letGo(): void {
    const state = this.#state
    // The end of an answer that never has a body follows its head at once.
    if ((state !== HEAD_HELD && state !== BODY_HELD) || this.#isHead || this.endsWithHead) return
    this.#state = STREAMING
    const status = STATUS_LINES[this.statusCode] as string
    this.#exchange.start(status, this.headers, this.contentLength)
    if (state === BODY_HELD) {
      const held = this.#held
      this.#held = NO_BYTES
      // Too slow a client shows at the next chunk, which is the first that can be held back.
      this.#exchange.write(held)
    }
  }

  /** Drops what is held: nothing more of this answer is sent. */
  abandon(): void {
    this.#state = DONE
    this.#held = NO_BYTES
  }
}

function letGoHeldRelays(): void {
  const relays = heldRelays
  heldRelays = []
  for (let index = 0; index < relays.length; index += 1) (relays[index] as ResponseRelay).letGo()
}
