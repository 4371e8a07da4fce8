/**
 * Answers the requests that nothing above the server sees, so that what comes behind one of them on
 * its connection is not served.
 *
 * Hot path: refusing a malformed request is what a flood of them is answered with.
 */
import { endWholeRaw } from './end-head.ts'
import type { RenderedRefusal, RenderRefusal } from './http-server.ts'
import type { NativeResponse } from './native-binary.ts'
import type { ServerRefusal } from './request-snapshot.ts'
import { writeFields } from './write-fields.ts'
import type { WriterContext } from './writer-context.ts'
import type { RefusedRequest } from './yielded-request.ts'

export class RefusalWriter {
  readonly #context: WriterContext
  readonly #render: RenderRefusal
  /**
   * Handle to the connection refused last, only within the turn of the event loop of the refusal.
   */
  #refused: NativeResponse | null = null

  constructor(context: WriterContext, render: RenderRefusal) {
    this.#context = context
    this.#render = render
  }

  /** A connection has come or gone: its handle may be that of another now. */
  forget(): void {
    this.#refused = null
  }

  /**
   * Whether a request is what came behind one that was refused in this turn. The native server sets
   * the offset to 0 when it begins with a request, and only then.
   */
  isBehindRefusal(): boolean {
    const refused = this.#refused
    if (refused === null) return false
    if (refused.getWriteOffset() === 0) return true
    this.#refused = null
    return false
  }

  /** The answer to a request that was yielded, and is no HEAD. */
  refuseNow(response: NativeResponse, { reason, origin, secondHandle }: RefusedRequest): void {
    const refusal = this.#write(response, reason, origin)
    response.end(refusal.body, true)
    // An empty body would leave the offset at 0, which is what tells the next request.
    if (refusal.body === '') return
    this.#refused = secondHandle
    setImmediate(() => {
      this.#refused = null
    })
  }

  /** Another request behind it makes the native server close the connection, unanswered. */
  refuseUpload(response: NativeResponse, reason: ServerRefusal, origin: string): void {
    endWholeRaw(response, this.#write(response, reason, origin).body)
    this.#context.lingering.take(response, false)
  }

  /** What was answered before has left by then, if it does not fit where answers are gathered. */
  refuseAgain(method: string, response: NativeResponse): void {
    if (method === 'HEAD' || !this.#context.turns.mayAnswer()) {
      response.close()
      return
    }
    response.end(this.#write(response, 'request_malformed', '').body, true)
  }

  /** Without a second handle, or without a body, {@link isBehindRefusal} would know nothing. */
  refuseLater(
    response: NativeResponse,
    method: string,
    reason: ServerRefusal,
    origin: string,
  ): void {
    let isGone = false
    response.onAborted(() => {
      isGone = true
    })
    setImmediate(() => {
      if (isGone) return
      response.cork(() => {
        const { body } = this.#write(response, reason, origin)
        if (method === 'HEAD') response.endWithoutBody(Buffer.byteLength(body), true)
        else response.end(body, true)
      })
    })
  }

  #write(response: NativeResponse, reason: ServerRefusal, origin: string): RenderedRefusal {
    const refusal = this.#render(reason, origin)
    response.writeStatus(refusal.status)
    writeFields(response, refusal.headers, '')
    return refusal
  }
}
