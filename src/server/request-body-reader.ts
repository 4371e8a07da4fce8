/**
 * The body of one request, between the native server that pushes and a reader that may come later.
 *
 * The native server throws away what arrives before someone listens, and takes its buffer back when
 * the callback returns. So this copies every chunk, and without a reader holds the socket back from
 * the first one on.
 *
 * What one turn of the event loop brings is gathered in blocks (proxy/body-blocks.ts): many small
 * chunks go on as one, and the copies leave no garbage. Within a turn the native server reads on as
 * long as its reads of 512 KiB come back full, paused or not, so it must be kept from ever reading
 * that much: receive-buffer.ts does. Where it cannot, a turn may bring some 100 MiB from a client
 * that outruns the copying; the limit of the body bounds that.
 */
import type { BodyFailure, PeekedBody, PeekFailure, RequestBody } from '../http/exchange.ts'
import { BLOCK_BYTES, giveBlockBack, takeBlock } from '../proxy/body-blocks.ts'
import { bodyMemory } from '../proxy/body-memory.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { BodyPeek } from './body-peek.ts'
import type { AwaitedBody } from './client-clock.ts'
import type { Invitation } from './invitation.ts'
import { MeteredBody } from './metered-body.ts'
import type { BodyContext, BodySocket } from './writer-context.ts'

type OnChunk = (chunk: Uint8Array, isLast: boolean) => void
type OnFailure = (reason: BodyFailure) => void
type RefusedBody = Exclude<BodyFailure, 'client_gone'>

/** What is left of a body may be so long to be taken whole, so that its connection can go on. */
const SWALLOWED_BYTES_MAX = 65_536
const EMPTY_CHUNK = new Uint8Array(0)
/** Less goes on in memory of its own size: a trickle cannot hold block after block. */
const BLOCK_SHARE_MIN = BLOCK_BYTES / 8

// For the end of a turn. One function for all bodies, instead of a closure for each request.
const settleSocket = (reader: RequestBodyReader) => reader.settleSocket()
const endTurn = (reader: RequestBodyReader) => reader.endTurn()

export class RequestBodyReader extends MeteredBody implements RequestBody, AwaitedBody {
  readonly #context: BodyContext
  /** `null` once the native object must not be touched any more. */
  #response: BodySocket | null
  /** `null` when the length is not known. */
  readonly #contentLength: number | null
  /** What has come in, whether read or not. */
  receivedBytes = 0
  /** Whether the last byte has come in. */
  isComplete: boolean
  /** `null` for a client that does not wait to be asked for it. */
  invitation: Invitation | null = null
  #onChunk: OnChunk | null = null
  #onFailure: OnFailure | null = null
  /** Arrived before there was a reader. */
  #early: Uint8Array[] = []
  /** Under way; `null` when there is none. What it gathered is early afterwards. */
  #peek: BodyPeek | null = null
  /**
   * What this turn of the event loop brought, to go on at its end; `null` for nothing. The little
   * that most turns bring has memory of its own size: as many bodies as come in one turn would
   * else have a block each.
   */
  #block: Uint8Array | null = null
  #blockFilled = 0
  /** Whether a part of the body went on before. A body in one piece may be sent again. */
  #hasDelivered = false
  /** Whether the reader wants nothing more for now. */
  #isPaused = false
  /** Whether there is no memory for more: proxy/body-memory.ts. */
  #isHeldBack = false
  #isSocketPaused = false
  /** Whether {@link receive} runs. */
  isReceiving = false
  /** The end, good or bad, has been told to the reader. */
  #isSettled = false
  #isGone = false
  #isDiscarded = false
  /** Why nothing more is taken; `null` as long as it is. */
  #refused: RefusedBody | null = null

  constructor(context: BodyContext, response: BodySocket, contentLength: number | null) {
    super()
    this.#context = context
    this.#response = response
    this.#contentLength = contentLength
    this.isComplete = contentLength === 0
    if (!this.isComplete) context.clock.awaitBody(this)
  }

  get isReading(): boolean {
    return !this.#isSocketPaused
  }

  keepAlive(): void {
    this.#response?.pause()
    this.#response?.resume()
  }

  tooSlow(): void {
    // One that waits to be asked has had nothing to send yet.
    if (this.invitation?.isAwaited === true) this.#context.clock.awaitBody(this)
    else this.#refuse('too_slow')
  }

  #invite(): void {
    const { invitation } = this
    if (this.#response === null || invitation === null || !invitation.isAwaited) return
    invitation.send(this.receivedBytes > 0)
    if (!this.isComplete) this.#context.clock.awaitBody(this)
  }

  /** Whether swallowing what is still to come costs less than a new connection. */
  get isNearlyComplete(): boolean {
    if (this.isComplete || this.#contentLength === null) return this.isComplete
    if (this.invitation?.isAwaited === true) return false
    const missingBytes = this.#contentLength - this.receivedBytes
    return this.#refused !== 'too_slow' && missingBytes <= SWALLOWED_BYTES_MAX
  }

  peek(bytesMax: number, timeoutMs: number): Promise<PeekedBody | PeekFailure> {
    assertInvariant(this.#onChunk === null && this.#peek === null, 'a body is peeked at, then read')
    const peek = new BodyPeek(bytesMax, timeoutMs, () => this.#endPeek('timed_out'))
    this.#peek = peek
    if (this.#refused !== null || this.#isGone || this.#isSettled) {
      this.#endPeek(this.#refused ?? 'client_gone')
      return peek.outcome
    }
    this.#invite()
    const early = this.#early
    this.#early = []
    for (const chunk of early) {
      this.holdForPeek(peek.growthBytes(chunk.length))
      peek.take(chunk)
      this.taken(chunk.length)
    }
    const expectedBytes = peek.expectedBytes(this.#contentLength)
    if (peek.isEnough(this.isComplete, this.#contentLength)) this.#endPeek(null)
    else if (bodyMemory.admits(expectedBytes) && bodyMemory.admitsPeek(0)) this.resume()
    else this.#refuse('overloaded')
    return peek.outcome
  }

  read(onChunk: OnChunk, onFailure: OnFailure): void {
    if (this.#onChunk !== null) return
    assertInvariant(this.#peek === null, 'a peek ends before the body is read')
    this.#onChunk = onChunk
    this.#onFailure = onFailure
    if (this.#refused !== null || this.#isGone) {
      this.#fail(this.#refused ?? 'client_gone')
      return
    }
    this.#invite()
    if (!this.isComplete) bodyMemory.begin(this, this.#contentLength)
    const early = this.#early
    this.#early = []
    this.resume()
    for (let index = 0; index < early.length; index += 1) {
      this.#deliver(early[index] ?? EMPTY_CHUNK, this.isComplete && index === early.length - 1)
    }
    if (this.isComplete && early.length === 0) this.#deliver(EMPTY_CHUNK, true)
  }

  /**
   * While the native server delivers, it goes on until the end of the turn whatever it is told, and
   * the last byte may be among what it delivers. So the socket is held back at the end of the turn,
   * and only if there is more to come: a socket that is let go again after the last byte is closed
   * by the native server's clock while the upstream still works.
   */
  pause(): void {
    if (this.#isPaused || this.isComplete) return
    this.#isPaused = true
    this.#pauseSocket()
  }

  resume(): void {
    this.#isPaused = false
    this.#pauseSocket()
  }

  holdBack(): void {
    this.#isHeldBack = !this.isComplete
    this.#pauseSocket()
  }

  goOn(): void {
    this.#isHeldBack = false
    this.#pauseSocket()
  }

  /** The native server throws away what still comes: nothing may keep it from that. */
  swallow(): void {
    this.#isHeldBack = false
    this.resume()
  }

  /** See {@link pause}. */
  #pauseSocket(): void {
    if (this.isReceiving) setImmediate(settleSocket, this)
    else this.settleSocket()
  }

  settleSocket(): void {
    const pauses = (this.#isPaused || this.#isHeldBack) && !this.isComplete
    if (pauses === this.#isSocketPaused) return
    this.#isSocketPaused = pauses
    if (pauses) this.#response?.pause()
    else this.#response?.resume()
  }

  endTurn(): void {
    if (this.#block !== null) this.#deliverBlock(false)
  }

  /** A body without a reader yet gets no more memory than one that begins. */
  #hasMemoryFor(bytes: number): boolean {
    return this.#onChunk === null ? bodyMemory.admits(bytes) : !bodyMemory.isFull
  }

  /** From the native server. The buffer is only borrowed. */
  receive(borrowed: ArrayBuffer, isLast: boolean): void {
    if (isLast) this.#context.clock.forgetBody(this)
    this.isReceiving = true
    this.#receive(borrowed, isLast)
    this.isReceiving = false
  }

  #receive(borrowed: ArrayBuffer, isLast: boolean): void {
    // Of a head that comes alone, the native server tells that nothing came with it.
    const isNothing = borrowed.byteLength === 0 && !isLast
    if (isNothing || this.#refused !== null || this.#isSettled) return
    this.receivedBytes += borrowed.byteLength
    this.isComplete = isLast
    if (this.receivedBytes > this.#context.bodyBytesMax) {
      this.#refuse('too_large')
      return
    }
    if (this.#isDiscarded) {
      if (this.receivedBytes >= SWALLOWED_BYTES_MAX) this.pause()
      return
    }
    if (borrowed.byteLength > 0 && !this.#hasMemoryFor(borrowed.byteLength)) {
      this.#refuse('overloaded')
      return
    }
    if (this.#onChunk !== null && !(isLast && this.#block === null)) {
      this.#gather(new Uint8Array(borrowed), isLast)
      return
    }
    if (this.#onChunk === null && this.#peek !== null) {
      this.#gatherForPeek(this.#peek, new Uint8Array(borrowed))
    } else this.#takeAsItIs(borrowed, isLast)
  }

  #takeAsItIs(borrowed: ArrayBuffer, isLast: boolean): void {
    const isWhole = isLast && this.receivedBytes === borrowed.byteLength
    const chunk = borrowed.byteLength === 0 ? EMPTY_CHUNK : this.holdCopy(borrowed, isWhole)
    if (this.#onChunk !== null) this.#deliver(chunk, isLast)
    else {
      this.#early.push(chunk)
      this.pause()
    }
  }

  #gatherForPeek(peek: BodyPeek, borrowed: Uint8Array): void {
    const growthBytes = peek.growthBytes(borrowed.length)
    const hasMemory =
      growthBytes <= 0 || (this.#hasMemoryFor(growthBytes) && bodyMemory.admitsPeek(growthBytes))
    if (!hasMemory) {
      this.#refuse('overloaded')
      return
    }
    peek.take(borrowed)
    this.holdForPeek(growthBytes)
    if (peek.isEnough(this.isComplete, this.#contentLength)) this.#endPeek(null)
  }

  /** What was gathered waits for the reader, unless nothing more is taken of this body. */
  #endPeek(failure: PeekFailure | null): void {
    const peek = this.#peek
    if (peek === null) return
    this.#peek = null
    this.endHoldForPeek()
    const isKept = failure === null || failure === 'timed_out'
    if (isKept && peek.gathered.length > 0) this.#early.push(peek.gathered)
    this.pause()
    peek.settle(failure, this.isComplete)
  }

  #refuse(reason: RefusedBody): void {
    this.#refused = reason
    this.#drop()
    this.pause()
    this.#fail(reason)
  }

  discard(): void {
    if (this.#onChunk !== null || this.#refused !== null || this.#isSettled) return
    this.#isDiscarded = true
    this.#drop()
    if (!this.isComplete) this.resume()
  }

  /** The connection is gone. */
  abandon(): void {
    this.#response = null
    this.#isGone = true
    this.#drop()
    if (!this.isComplete) this.#fail('client_gone')
  }

  /**
   * The answer is complete, and with it the exchange: the native server throws away what else comes
   * in. A reader in the middle of the body is told as if the client had gone.
   */
  detach(): void {
    this.#response = null
    this.#drop()
    this.#fail('client_gone')
    this.#isSettled = true
  }

  #gather(borrowed: Uint8Array, isLast: boolean): void {
    let offset = 0
    if (this.#block === null && borrowed.length < BLOCK_SHARE_MIN) {
      this.#openBlock(borrowed.slice())
      this.#blockFilled = borrowed.length
      offset = borrowed.length
    }
    while (offset < borrowed.length) {
      if (this.#block === null) this.#openBlock(takeBlock())
      else if (this.#block.length < BLOCK_BYTES) this.#enlargeBlock(this.#block)
      const part = borrowed.subarray(offset, offset + BLOCK_BYTES - this.#blockFilled)
      this.#block?.set(part, this.#blockFilled)
      this.#blockFilled += part.length
      offset += part.length
      if (this.#blockFilled === BLOCK_BYTES && offset < borrowed.length) this.#deliverBlock(false)
    }
    if (isLast) this.#deliverBlock(true)
  }

  #openBlock(block: Uint8Array): void {
    this.#block = block
    this.hold(block.length)
    this.#blockFilled = 0
    setImmediate(endTurn, this)
  }

  /** More came in the turn than the little that it began with. */
  #enlargeBlock(little: Uint8Array): void {
    const block = takeBlock()
    block.set(little)
    this.#block = block
    this.hold(BLOCK_BYTES)
    this.taken(little.length)
  }

  #deliverBlock(isLast: boolean): void {
    const block = this.#block
    if (block === null) return
    this.#block = null
    const filled = this.#blockFilled
    if (block.length < BLOCK_BYTES) {
      this.#deliver(block, isLast)
      return
    }
    if (filled >= BLOCK_SHARE_MIN && !(isLast && !this.#hasDelivered)) {
      this.#deliver(block.subarray(0, filled), isLast)
      return
    }
    const chunk = block.slice(0, filled)
    giveBlockBack(block)
    this.taken(BLOCK_BYTES)
    this.hold(filled)
    this.#deliver(chunk, isLast)
  }

  #drop(): void {
    if (!this.isComplete) this.#context.clock.forgetBody(this)
    this.#early = []
    if (this.#block !== null) giveBlockBack(this.#block)
    this.#block = null
    if (this.#onChunk !== null) bodyMemory.end(this)
    this.giveAllBack()
  }

  #deliver(chunk: Uint8Array, isLast: boolean): void {
    if (this.#isSettled) return
    this.#hasDelivered = true
    this.#isSettled = isLast
    if (isLast) bodyMemory.end(this)
    this.#onChunk?.(chunk, isLast)
  }

  #fail(reason: BodyFailure): void {
    if (this.#peek !== null) this.#endPeek(reason)
    if (this.#isSettled || this.#onFailure === null) return
    this.#isSettled = true
    this.#onFailure(reason)
  }
}
