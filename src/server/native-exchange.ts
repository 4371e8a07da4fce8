/**
 * What an exchange over the native server is besides its answer: who asked, with what body, and who
 * is told when the client leaves.
 *
 * Hot path: one object a request, of which response-writer.ts is the rest.
 */
import type { GoneCause, RequestHead } from '../http/exchange.ts'
import type { NativeResponse } from './native-binary.ts'
import { peerAddressOf } from './peer-address.ts'
import { RequestBodyReader } from './request-body-reader.ts'
import type { WriterContext } from './writer-context.ts'

const IGNORE = () => undefined

export abstract class NativeExchange {
  readonly head: RequestHead
  readonly body: RequestBodyReader
  protected readonly context: WriterContext
  /** `null` as soon as it must not be touched any more. */
  protected response: NativeResponse | null
  #peerAddress: string | null
  #onGone: (cause: GoneCause) => void = IGNORE
  protected drained: () => void = IGNORE

  /**
   * Must be called while the native callback for the request runs.
   *
   * @param peerAddress `null`: asked for when it is needed.
   */
  constructor(
    context: WriterContext,
    head: RequestHead,
    response: NativeResponse,
    peerAddress: string | null,
  ) {
    this.head = head
    this.body = new RequestBodyReader(context, response, head.contentLength)
    this.context = context
    this.response = response
    this.#peerAddress = peerAddress
    response.onAborted(() => this.#aborted())
    if (head.hasBody) response.onData((chunk, isLast) => this.#received(chunk, isLast))
  }

  get scheme(): 'http' | 'https' {
    return this.context.scheme
  }

  get closed(): boolean {
    return this.response === null
  }

  /** Empty if it is first asked for when the exchange is over. */
  get peerAddress(): string {
    if (this.#peerAddress === null && this.response !== null) {
      this.#peerAddress = peerAddressOf(this.response)
    }
    return this.#peerAddress ?? ''
  }

  onGone(callback: (cause: GoneCause) => void): void {
    this.#onGone = callback
  }

  onDrain(callback: () => void): void {
    this.drained = callback
  }

  destroy(): void {
    const { response } = this
    if (response === null) return
    this.release()
    response.close()
  }

  fail(error: unknown): void {
    this.destroy()
    this.context.onError(error)
  }

  /** The client has taken nothing of its answer for too long (client-clock.ts). */
  stalled(): void {
    // First: the end of the body tells its reader that the client has left.
    this.#onGone('reader_stalled')
    this.destroy()
  }

  /** The exchange is over: nothing of it is kept, and the native object is not touched again. */
  protected release(): void {
    this.response = null
    this.#onGone = IGNORE
    this.drained = IGNORE
    this.body.detach()
  }

  #received(chunk: ArrayBuffer, isLast: boolean): void {
    try {
      this.body.receive(chunk, isLast)
    } catch (error) {
      this.fail(error)
    }
  }

  #aborted(): void {
    if (this.response === null) return
    const onGone = this.#onGone
    try {
      this.response = null
      this.body.abandon()
      this.release()
      onGone('client_gone')
    } catch (error) {
      this.context.onError(error)
    }
  }
}
