/**
 * Hot path: takes one request to an upstream and its answer back, whatever happens on either side.
 *
 *     READING ──► WAITING ──► DISPATCHED ──► SENT ──► OVER
 *        │ body's    for a       for the        │
 *        │ 1st chunk connection  socket         └── failed, nothing received: once more
 *
 * One object a request is everything at once: what the HTTP client reports to, what waits for a
 * connection, and what watches the client. Whichever side ends first settles it; whatever the
 * other side does after that is ignored.
 */
import type { BodyFailure, ClientExchange, GoneCause } from '../http/exchange.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import type { DispatchEvents } from '../resilience/http-client.ts'
import { bodyMemory } from './body-memory.ts'
import {
  BODY_REFUSALS,
  type ForwardEnd,
  type Forwarding,
  type ForwardObserver,
  type ForwardRequest,
} from './forward-request.ts'
import { dispatchWithGatewayFields, gatewayFieldsAreWaiting } from './gateway-fields.ts'
import { ResponseRelay } from './relay-response.ts'
import { RequestBodyStream } from './request-body-stream.ts'
import type { AttemptProgress, UpstreamCause } from './upstream-cause.ts'
import type { Attempt, DispatchOptions, UpstreamConnection } from './upstream-connection.ts'
import type { UpstreamFailure } from './upstream-error.ts'
import {
  blamesTarget,
  CANCELLED,
  invalidHead,
  LACKS_GATEWAY_FIELDS,
  mayBeRepeated,
  NEVER_SENT,
  SILENT_TOO_LONG,
  upstreamFailure,
} from './upstream-error.ts'
import type { UpstreamPool } from './upstream-pool.ts'
import type { ConnectionWaiter, UpstreamTarget } from './upstream-target.ts'

/**
 * Sends a request upstream and relays the answer. Streams both ways with back-pressure; at most
 * one attempt more, and only for an idempotent method with a body that can be sent again, when no
 * byte of an answer came and the retry budget allows it.
 *
 * A name or value in `headers` that is not valid HTTP ends in `invalid_request`. Does *not* check
 * `gatewayFields`: they are written as they are.
 */
export function forward(
  exchange: ClientExchange,
  pool: UpstreamPool,
  request: ForwardRequest,
  observer: ForwardObserver,
): Forwarding {
  const forwarding = new Forwarder(exchange, pool, request, observer)
  forwarding.begin()
  return forwarding
}

const READING = 0
const WAITING = 1
const DISPATCHED = 2
const SENT = 3
const OVER = 4

class Forwarder implements Forwarding, DispatchEvents, ConnectionWaiter, Attempt {
  waitingSinceMs = 0

  readonly #exchange: ClientExchange
  readonly #pool: UpstreamPool
  readonly #request: ForwardRequest
  readonly #observer: ForwardObserver
  readonly #relay: ResponseRelay
  #phase = READING
  /** While it waits for a connection. */
  #place = 0
  #settled = false
  #retried = false
  /** Whether a byte of the request may have been sent, in this attempt or the one before. */
  #wasSent = false
  /** Whether a byte of an answer came in this attempt. */
  #answering = false
  /** Whether the last byte of the request's body was read from the client. */
  #bodyComplete: boolean
  /** Bytes of it that were read. */
  #bodyBytes = 0
  #wholeBody: Uint8Array | null = null
  #stream: RequestBodyStream | null = null
  #target: UpstreamTarget | null = null
  #connection: UpstreamConnection | null = null
  #abort: ((error: Error) => void) | null = null
  #resume: (() => void) | null = null
  /** Whether the client is to take what it has before it gets more. */
  #isClientSlow = false
  #isDrainAwaited = false
  #lacksGatewayFields = false
  /** When the upstream was heard of last, or was not awaited yet: `UpstreamPool.listenedMs`. */
  #heardAtMs = 0

  constructor(
    exchange: ClientExchange,
    pool: UpstreamPool,
    request: ForwardRequest,
    observer: ForwardObserver,
  ) {
    this.#exchange = exchange
    this.#pool = pool
    this.#request = request
    this.#observer = observer
    this.#relay = new ResponseRelay(exchange, request)
    this.#bodyComplete = !exchange.head.hasBody
  }

  begin(): void {
    const exchange = this.#exchange
    const { contentLength } = exchange.head
    const { limits } = this.#request
    this.#pool.countRequest()
    if (exchange.closed) {
      this.#clientGone('client_gone')
      return
    }
    exchange.onGone((cause) => this.#clientGone(cause))
    if (this.#bodyComplete) this.#attempt(null)
    else if (!this.#pool.takesBody(contentLength ?? 0, limits)) this.#refuse('body_too_large')
    else if (!bodyMemory.admits(contentLength)) this.#refuse('body_memory_full')
    // An upstream connection is taken when there is something to send on it, not before.
    else {
      exchange.body.read(
        (chunk, isLast) => this.#takeBody(chunk, isLast),
        (reason) => this.#bodyFailed(reason),
      )
    }
  }

  cut(): void {
    if (!this.#settled) this.#cutFor('cut')
  }

  onSweep(): void {
    if (this.#phase !== SENT) return
    const { limits } = this.#request
    if (!this.#isUpstreamAwaited()) this.#heardAtMs = this.#pool.listenedMs
    else if (this.#pool.isSilentTooLong(this.#heardAtMs, this.#resume !== null, limits)) {
      this.#connection?.cut(SILENT_TOO_LONG)
    }
  }

  /**
   * Whether it is the upstream's turn: not the client's to send more, or to take more of an answer,
   * and not the turn of an upstream that is just taking what it was sent. Once it answers, the rest
   * of the request does not count any more.
   */
  #isUpstreamAwaited(): boolean {
    if (this.#resume !== null) return !this.#isClientSlow
    if (this.#stream === null) return true
    return !this.#stream.wasTaken() && (this.#bodyComplete || this.#stream.readableLength > 0)
  }

  /** Each one restarts the time-out. */
  onInterim(): void {
    this.#heardAtMs = this.#pool.listenedMs
  }

  // What happens while waiting for a connection.

  onConnectionFree(connection: UpstreamConnection): void {
    this.#dispatch(connection)
  }

  onWaitExpired(): void {
    this.#leaveTarget()
    this.#refuse('upstream_crowded')
  }

  // What the HTTP client reports.

  onConnect(abort: (error?: Error) => void): void {
    // Thrown, not aborted: the request is dropped before it is written, and the connection lives.
    if (this.#settled) throw CANCELLED
    if (this.#lacksGatewayFields || gatewayFieldsAreWaiting()) throw LACKS_GATEWAY_FIELDS
    this.#abort = abort
    this.#phase = SENT
    this.#wasSent = true
    this.#heardAtMs = this.#pool.listenedMs
    this.#connection?.beginAnswer()
  }

  onResponseStarted(): void {
    this.#answering = true
  }

  onHeaders(statusCode: number, raw: Buffer[], resume: () => void): boolean {
    this.#heardAtMs = this.#pool.listenedMs
    this.#resume = resume
    this.#pool.reportAnswer(this.#target as UpstreamTarget)
    this.#observer.onAnswer()
    // The rest of the request can no longer be told from a next one once the answer is complete.
    if (!this.#bodyComplete) this.#exchange.closeAfterAnswer()
    // On its way no longer, however long the answer will take.
    if (this.#wholeBody !== null) this.#exchange.body.taken(this.#wholeBody.buffer.byteLength)
    this.#stream?.answered()
    if (!this.#relay.takeHead(statusCode, raw)) {
      this.#abort?.(invalidHead(statusCode))
    } else if (this.#relay.endsWithHead) {
      // Not left to `onComplete`: the library takes the length that a 304 may declare (RFC 9110
      // §15.4.5) for a promise that was broken, and reports an error instead.
      this.#complete()
    }
    return true
  }

  onData(chunk: Buffer): boolean {
    this.#heardAtMs = this.#pool.listenedMs
    if (this.#relay.takeData(chunk)) return true
    this.#awaitDrain()
    return false
  }

  onComplete(): void {
    const target = this.#target as UpstreamTarget
    const connection = this.#connection as UpstreamConnection
    if (!this.#settled) this.#complete()
    target.giveBack(connection)
    this.#leaveTarget()
  }

  onError(error: Error): void {
    const target = this.#target as UpstreamTarget
    const progress = this.#progress()
    const connection = this.#connection as UpstreamConnection
    // The library closes it as well, but then opens a new one at once, with nothing to send on it.
    if (this.#phase === SENT) connection.cut(CANCELLED)
    target.giveBackLater(connection)
    this.#leaveTarget()
    if (error === CANCELLED) {
      this.#pool.reportNothing(target)
      return
    }
    const failure = upstreamFailure(error, progress, this.#resume !== null)
    const isBlamed = blamesTarget(failure, progress, this.#stream !== null)
    this.#pool.reportFailure(target, failure, isBlamed, error)
    if (this.#settled) return
    if (this.#relay.started) this.#cutFor('cut', failure.cause)
    else if (this.#mayRetry(failure, progress, target)) {
      this.#retried = true
      this.#attempt(target)
    } else this.#refuse(failure.reason, failure.cause)
  }

  // The request on its way up.

  #takeBody(chunk: Uint8Array, isLast: boolean): void {
    this.#bodyComplete = isLast
    if (this.#settled) return
    this.#bodyBytes += chunk.length
    if (!this.#pool.takesBody(this.#bodyBytes, this.#request.limits)) this.#bodyFailed('too_large')
    else if (this.#stream !== null) {
      if (this.#resume === null) this.#heardAtMs = this.#pool.listenedMs
      this.#stream.offer(chunk, isLast)
    } else {
      if (isLast) this.#wholeBody = chunk.length > 0 ? chunk : null
      else this.#openStream(chunk)
      this.#attempt(null)
    }
  }

  #openStream(firstChunk: Uint8Array): void {
    const stream = new RequestBodyStream(this.#exchange.body)
    // Its errors are those of the attempt, which is told of them by the HTTP client.
    stream.on('error', () => {})
    stream.offer(firstChunk, false)
    this.#stream = stream
  }

  #bodyFailed(reason: BodyFailure): void {
    if (this.#settled) return
    if (reason === 'client_gone') this.#clientGone(reason)
    else if (this.#relay.started) this.#cutFor(reason === 'too_slow' ? 'body_too_slow' : 'cut')
    else this.#refuse(BODY_REFUSALS[reason])
  }

  #attempt(avoid: UpstreamTarget | null): void {
    const target = this.#pool.pick(avoid)
    if (target === null) {
      this.#refuse('upstream_crowded')
      return
    }
    this.#target = target
    this.#answering = false
    const connection = target.take()
    if (connection !== null) {
      this.#dispatch(connection)
      return
    }
    this.#phase = WAITING
    this.waitingSinceMs = this.#pool.clock.monotonicMs()
    this.#place = target.wait(this)
  }

  #dispatch(connection: UpstreamConnection): void {
    this.#phase = DISPATCHED
    this.#connection = connection
    connection.attempt = this
    const { method, target, headers, gatewayFields } = this.#request
    const options: DispatchOptions = {
      path: target,
      method,
      headers,
      body: this.#stream ?? this.#wholeBody,
      // Matters to pipelines only, and would cost a search for more to send with every answer.
      blocking: false,
      servername: (this.#target as UpstreamTarget).serverName,
    }
    this.#lacksGatewayFields = !dispatchWithGatewayFields(connection, options, this, gatewayFields)
  }

  // The answer on its way down.

  /** A client that takes nothing at all is cut by the server (server/client-clock.ts). */
  #awaitDrain(): void {
    this.#isClientSlow = true
    if (this.#isDrainAwaited) return
    this.#isDrainAwaited = true
    this.#exchange.onDrain(() => {
      this.#isClientSlow = false
      if (!this.#settled) this.#resume?.()
    })
  }

  // How it ends.

  #complete(): void {
    this.#settled = true
    this.#relay.takeEnd()
    this.#tellEnd('complete')
  }

  #cutFor(end: ForwardEnd, cause: UpstreamCause | null = null): void {
    this.#settle()
    this.#exchange.destroy()
    this.#tellEnd(end, cause)
  }

  #tellEnd(end: ForwardEnd, cause: UpstreamCause | null = null): void {
    const { statusCode, bodyBytes } = this.#relay
    this.#observer.onSettled(statusCode, end, this.#target, bodyBytes, cause)
  }

  #clientGone(cause: GoneCause): void {
    if (this.#settled) return
    this.#settle()
    this.#tellEnd(cause)
  }

  #refuse(reason: RefusalReason, cause: UpstreamCause | null = null): void {
    this.#settle()
    if (!this.#bodyComplete) this.#exchange.closeAfterAnswer()
    const isSecond = this.#wasSent && NEVER_SENT.has(reason)
    this.#observer.onRefusal(isSecond ? 'upstream_connection_lost' : reason, this.#target, cause)
  }

  /** From here on nothing more reaches the client from this side. Ends the attempt under way. */
  #settle(): void {
    this.#settled = true
    this.#relay.abandon()
    if (this.#phase === WAITING) {
      this.#target?.stopWaiting(this.#place)
      this.#leaveTarget()
    } else if (this.#phase === SENT) this.#abort?.(CANCELLED)
    this.#stream?.destroy()
  }

  #leaveTarget(): void {
    const target = this.#target as UpstreamTarget
    this.#phase = OVER
    this.#abort = null
    // An idle connection would hold on to this request, and to its credential.
    if (this.#connection !== null) this.#connection.attempt = null
    this.#connection = null
    this.#pool.finish(target)
  }

  #mayRetry(failure: UpstreamFailure, progress: AttemptProgress, target: UpstreamTarget): boolean {
    if (this.#retried || this.#stream !== null) return false
    if (!mayBeRepeated(failure, progress, this.#request.method)) return false
    if (failure.retry === 'other_target' && !this.#pool.hasOther(target)) return false
    return this.#pool.spendRetry()
  }

  #progress(): AttemptProgress {
    if (this.#answering) return 'answering'
    return this.#phase === SENT ? 'sent' : 'unsent'
  }
}
