/**
 * One exchange over the native server: implements the seam that everything above the socket uses.
 *
 * Hot path. The native response object dies when the answer is complete or the client goes away,
 * and throws when touched later; so every use goes through a field that is cleared at that moment.
 *
 * How an answer is framed, and what the native server makes of it:
 *
 *     whole or declared    tryEnd(chunk, total)  takes what fits; the rest is kept here
 *     whole, then close    end(body, true)       takes everything, closes once all is sent
 *     unknown length       write(chunk)          chunked; buffers the chunk that did not fit
 *     HEAD, 204, 304       endWithoutBody()      never a body
 *
 * It has no way to send a head alone, so a streamed head leaves with the first byte of its body.
 *
 * What `tryEnd` could not give away keeps the exchange under way, so that answers to a client that
 * reads nothing do not pile up: another request meanwhile makes the native server cut it. For
 * answers without a body see bodiless-answers.ts.
 *
 * Closing after the answer: a connection whose request is not complete lingers (lingering.ts).
 * Else for whole bodies the native server closes, once all is sent. For streamed ones it cannot
 * (its flag would write a header into the body), so the *spare*, a second handle to the socket,
 * does. Where there is none, or data may still be on its way, the socket is left paused: nothing
 * that comes in is read, and the idle clock closes it within 12 s.
 */
import type { ClientExchange, RequestHead } from '../http/exchange.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { WaitingAnswer } from './answer-turns.ts'
import type { BlockedAnswer } from './client-clock.ts'
import { type CorkedAnswer, corkStep } from './cork.ts'
import { endHead, endHeadRaw, endWholeRaw, isBodiless, isNoContent } from './end-head.ts'
import { isClosedAtEnd } from './lingering.ts'
import type { NativeResponse } from './native-binary.ts'
import { NativeExchange } from './native-exchange.ts'
import { writeHead } from './write-fields.ts'
import type { WriterContext } from './writer-context.ts'

/** `STARTED`: nothing was handed over. `PENDING`: all was, but the connection must take it. */
const OPEN = 0
const STARTED = 1
const STREAMING = 2
const PENDING = 3
const DONE = 4

const STEP_WHOLE = 0
const STEP_HEAD_ONLY = 1
const STEP_QUEUE = 2
const STEP_END = 3
/** Only what the native server has buffered. */
const STEP_PUSH = 4

/** A connection that is closed behind its answer is read no more, or lingers: lingering.ts. */
const UNREAD = 0
const LINGERING = 1
/** The native server has ended the answer: the spare holds it. */
const LINGERING_BEHIND_END = 2

const NO_HEADERS: HeaderList = []

export class ResponseWriter
  extends NativeExchange
  implements ClientExchange, WaitingAnswer, CorkedAnswer, BlockedAnswer
{
  /** See the top of the file. Only ever used in the same tick in which the answer completes. */
  #spare: NativeResponse | null
  #state = OPEN
  #closes: boolean
  #leaves = UNREAD
  #status = ''
  #headers: HeaderList = NO_HEADERS
  #contentLength: number | null = null
  #whole: string | Uint8Array = ''
  /** Chunks to be written, oldest first. Only while the client is slow does anything stay here. */
  #queue: Uint8Array[] = []
  /** The native server did not take everything; it will call `onWritable`. */
  #isBlocked = false
  #wasBlocked = false
  #isFinishing = false
  /**
   * Bytes of the body that `write` accepted, and that the native server took; of an unknown length
   * how often it could take more, because it does not tell what it took.
   */
  #acceptedBytes = 0
  #sentBytes = 0
  #step = STEP_WHOLE

  /**
   * Must be called while the native callback for the request runs.
   *
   * @param peerAddress `null`: asked for when it is needed.
   * @param spare Second handle to the socket of `response`, or `null`.
   * @param mustClose Close the connection after the answer, whatever it will be.
   */
  constructor(
    context: WriterContext,
    head: RequestHead,
    response: NativeResponse,
    peerAddress: string | null,
    spare: NativeResponse | null,
    mustClose: boolean,
  ) {
    super(context, head, response, peerAddress)
    this.#spare = spare
    this.#closes = mustClose
  }

  get takenCount(): number {
    return this.#sentBytes
  }

  get started(): boolean {
    return this.#state !== OPEN
  }

  closeAfterAnswer(): void {
    this.#closes = true
  }

  send(status: string, headers: HeaderList, body: string | Uint8Array): void {
    if (!this.#accept(status, headers, null)) return
    this.#whole = body
    this.#completeWhole()
  }

  answer(status: string, headers: HeaderList, body: string): void {
    if (!this.#accept(status, headers, null)) return
    this.#whole = body
    if (this.context.turns.admit(this)) this.#completeWhole()
  }

  onTurn(): void {
    this.#completeWhole()
  }

  sendHead(status: string, headers: HeaderList, contentLength: number | null): void {
    if (!this.#accept(status, headers, contentLength)) return
    this.#complete(STEP_HEAD_ONLY)
  }

  start(status: string, headers: HeaderList, contentLength: number | null): void {
    this.#accept(status, headers, contentLength)
  }

  write(chunk: Uint8Array): boolean {
    if (this.response === null || this.#state === OPEN) return true
    if (chunk.length === 0 || isBodiless(this.head.method, this.#status)) return !this.#isBlocked
    this.#acceptedBytes += chunk.length
    if (this.#contentLength !== null && this.#acceptedBytes > this.#contentLength) {
      // More than declared would be read as the beginning of the next answer.
      this.destroy()
      return true
    }
    if (this.#isBlocked) {
      this.#queue.push(chunk.slice())
      return false
    }
    if (this.#state === STARTED && chunk.length === this.#contentLength) {
      this.#whole = chunk
      this.#completeWhole()
      return true
    }
    this.#queue.push(chunk)
    this.#writeQueue()
    return !this.#isBlocked
  }

  finish(): void {
    if (this.response === null || this.#state === OPEN) return
    if (isBodiless(this.head.method, this.#status)) this.#complete(STEP_HEAD_ONLY)
    else if (this.#contentLength !== null && this.#acceptedBytes < this.#contentLength) {
      this.destroy()
    } else if (this.#state === STARTED) this.#completeWhole()
    // What the native server has buffered would be cut by its own clock once the answer has ended.
    else if (this.#contentLength === null && !this.#isBlocked) this.#complete(STEP_END)
    // Of a declared length, the last byte ends the answer by itself.
    else this.#isFinishing = true
  }

  /** Only for the function that runs inside `cork`. */
  runStep(): void {
    const response = this.response
    if (response === null) return
    switch (this.#step) {
      case STEP_WHOLE:
        this.#writeWhole(response)
        break
      case STEP_HEAD_ONLY:
        this.#endHeadOnly(response)
        break
      case STEP_QUEUE:
        this.#isBlocked = false
        while (this.#queue.length > 0 && !this.#isBlocked) this.#writeOldest(response)
        break
      case STEP_END:
        response.end()
        break
      default:
    }
  }

  #accept(status: string, headers: HeaderList, contentLength: number | null): boolean {
    if (this.response === null || this.#state !== OPEN) return false
    this.#state = STARTED
    this.#status = status
    this.#headers = headers
    this.#contentLength = contentLength
    return true
  }

  #cork(step: number): void {
    this.#step = step
    if (this.response !== null) corkStep(this, this.response)
  }

  #completeWhole(): void {
    if (this.#whole.length > 0 && this.head.method !== 'HEAD') this.#complete(STEP_WHOLE)
    else {
      this.#contentLength = Buffer.byteLength(this.#whole)
      this.#complete(STEP_HEAD_ONLY)
    }
  }

  #complete(step: number): void {
    this.#settleConnection(step)
    this.#cork(step)
    if (this.#state !== PENDING) {
      this.#answerCompleted(step === STEP_WHOLE || this.#contentLength !== null)
    }
  }

  /** Decides, before the last bytes go out, what becomes of the connection behind them. */
  #settleConnection(step: number): void {
    this.#decideClosing()
    // What is left of the body must be swallowed, or the next request would never be reached.
    if (!this.#closes) this.body.swallow()
    else {
      if (!this.body.isComplete) this.#leaves = this.#leftBehind(step)
      // Only ever before a write: a paused socket would not become writable, but a write that does
      // not fit makes the native server wait for that again.
      if (this.#leaves === UNREAD) this.response?.pause()
    }
  }

  /**
   * Where the client has asked for the close in the words that the native server understands, that
   * closes behind what it takes for the end. Without a spare, nothing could hold it open.
   */
  #leftBehind(step: number): number {
    if (step === STEP_HEAD_ONLY) return LINGERING
    const isClosedNatively = isClosedAtEnd(this.head.headers)
    const isByText = isClosedNatively || typeof this.#whole === 'string' || this.#spare === null
    if (step === STEP_WHOLE && isByText) return LINGERING
    return isClosedNatively || this.#spare === null ? UNREAD : LINGERING_BEHIND_END
  }

  #decideClosing(): void {
    const isServedOn = !this.context.isDraining && this.body.isNearlyComplete
    if (!isServedOn) this.#closes = true
  }

  #answerCompleted(isClosedNatively: boolean): void {
    const { response } = this
    const spare = this.#spare
    const isSpareClosed = this.#closes && !isClosedNatively && !this.#wasBlocked
    this.release()
    if (this.#leaves === LINGERING && response !== null) {
      this.context.lingering.take(response, this.body.isReceiving)
    } else if (this.#leaves === LINGERING_BEHIND_END && spare !== null) {
      this.context.lingering.takeEnded(spare)
    } else if (isSpareClosed) spare?.close()
  }

  #writeHead(response: NativeResponse): number {
    this.#state = STREAMING
    const isInvited = this.body.invitation?.isSent === true
    return writeHead(response, this.#status, this.#headers, this.#closes, isInvited)
  }

  #writeWhole(response: NativeResponse): void {
    const whole = this.#whole
    this.#writeHead(response)
    if (this.#leaves === LINGERING) {
      endWholeRaw(response, whole)
      return
    }
    if (this.#leaves === LINGERING_BEHIND_END) response.writeHeader('Connection', 'close')
    else if (this.#closes) {
      response.end(whole, true)
      return
    }
    this.#contentLength = typeof whole === 'string' ? Buffer.byteLength(whole) : whole.length
    this.#tryEnd(response, whole, this.#contentLength)
    if (this.#isBlocked) this.#state = PENDING
  }

  #endHeadOnly(response: NativeResponse): void {
    const sizeBytes = this.#writeHead(response)
    if (isNoContent(this.#status)) this.#contentLength = null
    if (this.#leaves === LINGERING) {
      endHeadRaw(response, this.#contentLength)
      return
    }
    if (this.#closes || !this.context.bodiless.mustClose(sizeBytes)) {
      endHead(response, this.#contentLength, this.#closes)
      return
    }
    endHeadRaw(response, this.#contentLength)
    this.#state = PENDING
    setImmediate(() => this.destroy())
  }

  #writeQueue(): void {
    this.#cork(STEP_QUEUE)
    if (this.#contentLength !== null && this.#sentBytes === this.#contentLength) {
      this.#answerCompleted(false)
    }
  }

  #writeOldest(response: NativeResponse): void {
    const chunk = this.#queue.shift()
    if (chunk === undefined) return
    if (this.#state === STARTED) {
      this.#decideClosing()
      this.#writeHead(response)
      if (this.#closes) response.writeHeader('Connection', 'close')
    }
    if (this.#contentLength === null) {
      if (!response.write(chunk)) this.#block(response)
      return
    }
    if (this.#sentBytes + chunk.length === this.#contentLength) {
      this.#settleConnection(STEP_QUEUE)
    }
    this.#tryEnd(response, chunk, this.#contentLength)
  }

  /** Of a declared length, the last byte ends the answer by itself. */
  #tryEnd(response: NativeResponse, chunk: string | Uint8Array, contentLength: number): void {
    const [isTaken, isDone] = response.tryEnd(chunk, contentLength)
    if (isDone) this.#sentBytes = contentLength
    else if (isTaken) this.#sentBytes += chunk.length
    else {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      const offsetBytes = response.getWriteOffset()
      this.#queue.unshift(bytes.slice(offsetBytes - this.#sentBytes))
      this.#sentBytes = offsetBytes
      this.#block(response)
    }
  }

  /**
   * A `tryEnd` in vain puts the native clock back. A push of what is buffered natively does not, so
   * the socket does, if it is not held back; and only then, because that ends the wait for a
   * writable socket, which a push in vain begins anew.
   */
  push(): void {
    if (this.#contentLength !== null) {
      this.#writable()
      return
    }
    if (this.body.isReading) this.body.keepAlive()
    this.#cork(STEP_PUSH)
  }

  #block(response: NativeResponse): void {
    this.#isBlocked = true
    this.context.clock.awaitReader(this)
    if (this.#wasBlocked) return
    this.#wasBlocked = true
    response.onWritable(() => this.#writable())
  }

  /**
   * While a callback like this is set, the native server leaves it to us to push out what it has
   * buffered of a chunked answer: corking does that, even when the queue is empty.
   */
  #writable(): boolean {
    try {
      this.#writeQueue()
      if (this.response === null) return true
      if (this.#contentLength === null) this.#sentBytes += 1
      if (this.#isBlocked) return false
      this.context.clock.forgetReader(this)
      if (this.#isFinishing) this.#complete(STEP_END)
      else this.drained()
    } catch (error) {
      this.fail(error)
    }
    return true
  }

  protected override release(): void {
    super.release()
    if (this.#wasBlocked) this.context.clock.forgetReader(this)
    this.#spare = null
    this.#state = DONE
    this.#queue = []
  }
}
