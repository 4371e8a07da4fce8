/**
 * The body of one request, between the native server that pushes and a reader that may come later.
 *
 * The native server throws away what arrives before someone listens, and takes its buffer back when
 * the callback returns. So this listens from the start, copies every chunk, and holds the socket
 * back as long as nobody reads. What is kept then is one read of the native server (512 KiB); more
 * only from a client that outruns the copying, because within one turn of the event loop the native
 * server reads on as long as its reads come back full, paused or not. The limit of the body bounds
 * that.
 */
import type { RequestBody } from '../proxy/client-exchange.ts'
import type { NativeResponse } from './native-binary.ts'

type OnChunk = (chunk: Uint8Array, isLast: boolean) => void
type OnFailure = (reason: 'too_large' | 'client_gone') => void

const EMPTY_CHUNK = new Uint8Array(0)

export class RequestBodyReader implements RequestBody {
  /** `null` once the native object must not be touched any more. */
  #response: NativeResponse | null
  readonly #bodyBytesMax: number
  /** What has come in, whether read or not. */
  receivedBytes = 0
  /** Whether the last byte has come in. */
  isComplete: boolean
  #onChunk: OnChunk | null = null
  #onFailure: OnFailure | null = null
  /** Arrived before there was a reader. */
  #early: Uint8Array[] = []
  #isPaused = false
  /** The end, good or bad, has been told to the reader. */
  #isSettled = false
  #isGone = false
  #isTooLarge = false

  constructor(response: NativeResponse, hasBody: boolean, bodyBytesMax: number) {
    this.#response = response
    this.#bodyBytesMax = bodyBytesMax
    this.isComplete = !hasBody
  }

  read(onChunk: OnChunk, onFailure: OnFailure): void {
    if (this.#onChunk !== null) return
    this.#onChunk = onChunk
    this.#onFailure = onFailure
    if (this.#isTooLarge || this.#isGone) {
      this.#fail(this.#isTooLarge ? 'too_large' : 'client_gone')
      return
    }
    const early = this.#early
    this.#early = []
    this.resume()
    for (let index = 0; index < early.length; index += 1) {
      this.#deliver(early[index] ?? EMPTY_CHUNK, this.isComplete && index === early.length - 1)
    }
    if (this.isComplete && early.length === 0) this.#deliver(EMPTY_CHUNK, true)
  }

  pause(): void {
    if (this.#isPaused || this.isComplete) return
    this.#isPaused = true
    this.#response?.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#response?.resume()
  }

  /** From the native server. The buffer is only borrowed. */
  receive(borrowed: ArrayBuffer, isLast: boolean): void {
    if (this.#isTooLarge) return
    this.receivedBytes += borrowed.byteLength
    this.isComplete = isLast
    if (this.receivedBytes > this.#bodyBytesMax) {
      this.#isTooLarge = true
      this.#early = []
      this.pause()
      this.#fail('too_large')
      return
    }
    const chunk = borrowed.byteLength === 0 ? EMPTY_CHUNK : new Uint8Array(borrowed.slice(0))
    if (this.#onChunk !== null) {
      this.#deliver(chunk, isLast)
      return
    }
    this.#early.push(chunk)
    this.pause()
  }

  /** The connection is gone. */
  abandon(): void {
    this.#response = null
    this.#isGone = true
    this.#early = []
    if (!this.isComplete) this.#fail('client_gone')
  }

  /**
   * The answer is complete, and with it the exchange: the native server throws away what else comes
   * in. A reader in the middle of the body is told as if the client had gone.
   */
  detach(): void {
    this.#response = null
    this.#early = []
    this.#fail('client_gone')
    this.#isSettled = true
  }

  #deliver(chunk: Uint8Array, isLast: boolean): void {
    if (this.#isSettled) return
    this.#isSettled = isLast
    this.#onChunk?.(chunk, isLast)
  }

  #fail(reason: 'too_large' | 'client_gone'): void {
    if (this.#isSettled || this.#onFailure === null) return
    this.#isSettled = true
    this.#onFailure(reason)
  }
}
