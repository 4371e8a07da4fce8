/**
 * A client in memory: records every call that the proxy makes on an exchange, and plays the
 * client's side (body chunks, slowness, leaving). For unit tests; integration tests use the server.
 */
import assert from 'node:assert/strict'
import type {
  BodyFailure,
  ClientExchange,
  GoneCause,
  PeekedBody,
  PeekFailure,
  RequestBody,
  RequestHead,
} from '../../src/http/exchange.ts'
import type { HeaderList } from '../../src/http/header-list.ts'
import { afterListening } from '../../src/resilience/deadline.ts'

type OnChunk = (chunk: Uint8Array, isLast: boolean) => void
type OnFailure = (reason: BodyFailure) => void

/** The body that a test feeds in; chunks offered before anyone reads are kept. */
class RecordingBody implements RequestBody {
  paused = false
  pauses = 0
  takenBytes = 0
  wasRead = false
  #onChunk: OnChunk | null = null
  #onFailure: OnFailure | null = null
  #early: { chunk: Uint8Array; isLast: boolean }[] = []
  /** Of a peek that waits. */
  #onEarly: ((failure: PeekFailure | null) => void) | null = null

  peek(bytesMax: number, timeoutMs: number): Promise<PeekedBody | PeekFailure> {
    assert.equal(this.wasRead, false, 'a peek comes before the reader')
    return new Promise((resolve) => {
      const cancel = afterListening(timeoutMs, () => this.#onEarly?.('timed_out'))
      this.#onEarly = (failure) => {
        const bytes = Buffer.concat(this.#early.map(({ chunk }) => chunk))
        const isComplete = this.#early.at(-1)?.isLast === true
        if (failure === null && !isComplete && bytes.length <= bytesMax) return
        this.#onEarly = null
        cancel()
        const isWhole = isComplete && bytes.length <= bytesMax
        resolve(failure ?? { bytes: bytes.subarray(0, bytesMax), isWhole })
      }
      this.#onEarly(null)
    })
  }

  read(onChunk: OnChunk, onFailure: OnFailure): void {
    assert.equal(this.wasRead, false, 'a body has one reader')
    this.wasRead = true
    this.#onChunk = onChunk
    this.#onFailure = onFailure
    const early = this.#early
    this.#early = []
    for (const { chunk, isLast } of early) onChunk(chunk, isLast)
  }

  discard(): void {
    this.#early = []
  }

  pause(): void {
    if (!this.paused) this.pauses += 1
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  taken(memoryBytes: number): void {
    this.takenBytes += memoryBytes
  }

  /** Sends a chunk as the client. */
  feed(chunk: Uint8Array | string, isLast: boolean): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (this.#onChunk === null) {
      this.#early.push({ chunk: bytes, isLast })
      this.#onEarly?.(null)
    } else this.#onChunk(bytes, isLast)
  }

  fail(reason: BodyFailure): void {
    this.#onEarly?.(reason)
    this.#onFailure?.(reason)
  }
}

export interface RecordingOptions {
  readonly method?: string
  readonly path?: string
  readonly headers?: HeaderList
  /** `null`: chunked. Absent: no body. */
  readonly contentLength?: number | null
  readonly hasBody?: boolean
  /** Whether body bytes are kept (default) or only counted. */
  readonly keepBody?: boolean
}

/** How the answer was given. */
export type AnswerKind = 'none' | 'send' | 'sendHead' | 'stream'

export class RecordingExchange implements ClientExchange {
  readonly head: RequestHead
  readonly body = new RecordingBody()
  readonly peerAddress = '192.0.2.7'
  readonly scheme = 'http'
  closed = false
  started = false

  kind: AnswerKind = 'none'
  status = ''
  headers: HeaderList = []
  contentLength: number | null = null
  chunks: Buffer[] = []
  bodyBytes = 0
  finished = false
  destroyed = false
  closesAfterAnswer = false
  /** While true, `write` says that the client is slow. */
  slow = false
  /** Times that `write` said so. */
  holdBacks = 0
  /** Called after each write. */
  onWrite: ((chunk: Uint8Array) => void) | null = null
  readonly #keepBody: boolean
  #onGone: ((cause: GoneCause) => void) | null = null
  #onDrain: (() => void) | null = null

  constructor(options: RecordingOptions = {}) {
    const hasBody = options.hasBody ?? false
    this.#keepBody = options.keepBody ?? true
    this.head = {
      method: options.method ?? 'GET',
      path: options.path ?? '/',
      query: '',
      hasQuery: false,
      headers: options.headers ?? ['host', 'api.example.com'],
      host: 'api.example.com',
      authority: 'api.example.com',
      contentLength: hasBody ? (options.contentLength ?? null) : 0,
      hasBody,
    }
  }

  closeAfterAnswer(): void {
    assert.equal(this.started, false, 'closeAfterAnswer comes before the answer')
    this.closesAfterAnswer = true
  }

  answer(status: string, headers: HeaderList, body: string): void {
    this.send(status, headers, body)
  }

  send(status: string, headers: HeaderList, body: string | Uint8Array): void {
    if (!this.#begin('send', status, headers)) return
    const bytes = Buffer.from(body)
    this.contentLength = bytes.length
    this.#record(bytes)
    this.#end()
  }

  sendHead(status: string, headers: HeaderList, contentLength: number | null): void {
    if (!this.#begin('sendHead', status, headers)) return
    this.contentLength = contentLength
    this.#end()
  }

  start(status: string, headers: HeaderList, contentLength: number | null): void {
    if (this.#begin('stream', status, headers)) this.contentLength = contentLength
  }

  write(chunk: Uint8Array): boolean {
    if (this.closed) return true
    assert.equal(this.kind, 'stream', 'write comes after start')
    this.#record(Buffer.from(chunk))
    this.onWrite?.(chunk)
    if (this.slow) this.holdBacks += 1
    return !this.slow
  }

  finish(): void {
    if (this.closed) return
    assert.equal(this.kind, 'stream', 'finish comes after start')
    if (this.contentLength !== null) {
      assert.equal(this.bodyBytes, this.contentLength, 'all of a declared length was written')
    }
    this.#end()
  }

  destroy(): void {
    if (this.closed) return
    this.destroyed = true
    this.closed = true
  }

  onGone(callback: (cause: GoneCause) => void): void {
    assert.equal(this.#onGone, null, 'onGone is set at most once')
    this.#onGone = callback
  }

  onDrain(callback: () => void): void {
    assert.equal(this.#onDrain, null, 'onDrain is set at most once')
    this.#onDrain = callback
  }

  /** The client leaves. */
  leave(): void {
    this.closed = true
    this.#onGone?.('client_gone')
    this.body.fail('client_gone')
  }

  /** The slow client takes data again. */
  drain(): void {
    this.slow = false
    this.#onDrain?.()
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }

  /** Value of the first answer field of this name, in any case; `null` when there is none. */
  field(name: string): string | null {
    for (let index = 0; index < this.headers.length; index += 2) {
      if (this.headers[index]?.toLowerCase() === name) return this.headers[index + 1] ?? null
    }
    return null
  }

  #begin(kind: AnswerKind, status: string, headers: HeaderList): boolean {
    if (this.closed || this.started) return false
    this.started = true
    this.kind = kind
    this.status = status
    this.headers = headers
    return true
  }

  #record(bytes: Buffer): void {
    this.bodyBytes += bytes.length
    if (this.#keepBody) this.chunks.push(bytes)
  }

  #end(): void {
    this.finished = true
    this.closed = true
  }
}
