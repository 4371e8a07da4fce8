/**
 * One request and its answer as everything above the socket sees them: the seam between the native
 * server (server/, which implements this) and the code that decides and proxies.
 */
import type { HeaderList } from './header-list.ts'

/**
 * What the server read and found well-formed. Every string is visible ASCII, but for values of
 * `headers`, where a character may also stand for a byte over 0x7F.
 */
export interface RequestHead {
  /** One that some route takes, as it was sent: http/methods.ts. */
  readonly method: string
  /**
   * Canonical path: the string that is matched is the string that is sent. Starts with `/`. Has
   * encoded slashes and empty segments only where some route keeps them.
   */
  readonly path: string
  /** Raw query without `?`; empty when there is none. */
  readonly query: string
  /** Whether there is a `?`, behind which there may be nothing. */
  readonly hasQuery: boolean
  /**
   * Names in lower case; fields with odd names are already dropped, unless they are to be kept.
   * Values hold no control characters but tabs; a character from U+0080 to U+00FF stands for that
   * byte.
   */
  readonly headers: HeaderList
  /** `Host` without a port, in lower case. */
  readonly host: string
  /** `Host` exactly as received. */
  readonly authority: string
  /** `Content-Length`; `null` for a chunked body; 0 when there is no body at all. */
  readonly contentLength: number | null
  /** Whether a body follows: a positive `Content-Length` or a chunked one. */
  readonly hasBody: boolean
}

/**
 * `overloaded`: there was no memory for more of it. `too_slow`: less of it came than
 * `server.timeouts` asks for.
 */
export type BodyFailure = 'too_large' | 'too_slow' | 'client_gone' | 'overloaded'

/** `reader_stalled`: the server has closed the connection of a client that takes nothing. */
export type GoneCause = 'client_gone' | 'reader_stalled'

/** `timed_out`: the client did not send enough of it in time. What came can still be read. */
export type PeekFailure = BodyFailure | 'timed_out'

/** The beginning of a body. */
export interface PeekedBody {
  /** For looking at only: the same memory is delivered to the reader. */
  readonly bytes: Uint8Array
  /** Whether this is all of the body. */
  readonly isWhole: boolean
}

/**
 * The request body, read by at most one reader. Until someone reads, the socket is held back once
 * the first of the body has come.
 */
export interface RequestBody {
  /**
   * Looks at the beginning, which stays there for `read`: settles when all of a body of at most
   * `bytesMax` bytes has come, or `bytesMax` bytes of a longer one. Always settles, and never
   * rejects. It settles in a later turn of the event loop, with the socket held back again.
   *
   * Comes before `read`, and one at a time. A failure answers nothing: the caller does. Behind
   * `timed_out` the caller closes the connection, or waits for the rest of the body.
   *
   * @param timeoutMs From now. It is `too_slow` before, if `server.timeouts` allow less.
   */
  peek(bytesMax: number, timeoutMs: number): Promise<PeekedBody | PeekFailure>
  /**
   * Starts delivery. A chunk belongs to the receiver. Exactly one of the two ends comes last:
   * `onChunk(…, true)` (the chunk may be empty), or `onFailure`.
   */
  read(
    onChunk: (chunk: Uint8Array, isLast: boolean) => void,
    onFailure: (reason: BodyFailure) => void,
  ): void
  /**
   * The receiver has no more use for chunks in so much memory, counted by their buffers. What is
   * not told here ends with the exchange.
   */
  taken(memoryBytes: number): void
  /** It will not be read: nothing of it is kept, and some 64 KiB at most are still taken. */
  discard(): void
  /** Stops reading from the socket until `resume`. Idempotent. */
  pause(): void
  resume(): void
}

/** As much of an exchange as deciding about it and answering it whole takes. */
export interface AnsweredExchange {
  readonly head: RequestHead
  readonly body: RequestBody
  /**
   * Address of the peer as text: of the connection, or who is behind it by the PROXY header of a
   * trusted peer. Computed when first asked for; empty if the client is gone by then.
   */
  readonly peerAddress: string
  /** `http` or `https`, as the client sees it. */
  readonly scheme: 'http' | 'https'
  /** True once nothing more can be written. */
  readonly closed: boolean

  /** Close the connection after this answer (`Connection: close`). Call before answering. */
  closeAfterAnswer(): void
  /**
   * A whole answer of the gateway's own. It may leave in a later turn of the event loop, because a
   * client may ask for thousands of them at once. For HEAD the body is measured, not sent.
   */
  answer(status: string, headers: HeaderList, body: string): void
  /** Cuts the connection: the only honest end of an answer that cannot be completed. */
  destroy(): void
}

/**
 * The answer. After `answer`, `send`, `sendHead`, `finish` or `destroy`, and after the client went
 * away, every further call is ignored, so that a late upstream can never touch another exchange.
 *
 * `Content-Length`, `Date`, `Connection` and `Transfer-Encoding` are the server's business: they
 * must not be in `headers`. Values are written as given, one byte a character (http/opaque-bytes.ts
 * is told of those beyond ASCII), so the caller has removed what could split a response.
 */
export interface ClientExchange extends AnsweredExchange {
  /** True once a status line has been handed to the socket. */
  readonly started: boolean

  /** As `answer`, of the whole answer of an upstream: leaves at once. */
  send(status: string, headers: HeaderList, body: string | Uint8Array): void
  /**
   * A whole answer without a body: to HEAD, 204, 304.
   * @param contentLength What to declare; `null` declares nothing.
   */
  sendHead(status: string, headers: HeaderList, contentLength: number | null): void
  /** Begins a streamed answer. @param contentLength `null` when unknown: chunked. */
  start(status: string, headers: HeaderList, contentLength: number | null): void
  /**
   * Copies the chunk out before it returns.
   * @returns `false` when the client is slower than the upstream: hold back until `onDrain`.
   */
  write(chunk: Uint8Array): boolean
  /** Ends a streamed answer. With a declared length, all of it must have been written. */
  finish(): void
  /** Called once if the client goes away before the answer is complete. Set at most once. */
  onGone(callback: (cause: GoneCause) => void): void
  /** Called when a client that was too slow takes data again. Set at most once. */
  onDrain(callback: () => void): void
}
