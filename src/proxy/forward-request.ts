/** What is asked of the proxy, and how it tells the end: the contract of forward.ts. */
import type { GoneCause } from '../http/exchange.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import type { GatewayFields } from './gateway-fields.ts'
import type { ResponseEdits } from './header-edits.ts'
import type { UpstreamCause } from './upstream-cause.ts'
import type { UpstreamTarget } from './upstream-target.ts'

/** What goes upstream. */
export interface ForwardRequest {
  readonly method: string
  /** Canonical path with `?query` if there is one. */
  readonly target: string
  /** Fields that the HTTP client library checks and sends; `Host`, and `Content-Length` if any. */
  readonly headers: string[]
  /**
   * Fields that are known to be good: what the gateway says (identity, ids, where the request came
   * from), and what the server has checked.
   */
  readonly gatewayFields: GatewayFields
  /** The gateway's own fields for the answer, names in lower case; upstream copies are dropped. */
  readonly answerHeaders: HeaderList
  /** A field that only answers of the gateway have, in lower case; `null`: none. */
  readonly withheldField: string | null
  /** Takes the place of all CORS fields of the upstream; `null`: those stay as they are. */
  readonly answerCors: HeaderList | null
  /** `null`: answers stay as they are. */
  readonly responseEdits: ResponseEdits | null
  /** `null`: as the upstream says. */
  readonly limits: ForwardLimits | null
}

/** What a route allows its requests; `null`: what the upstream does. */
export interface ForwardLimits {
  readonly responseTimeoutMs: number | null
  readonly bodyTimeoutMs: number | null
  /** Of the body of a request. */
  readonly bodyBytesMax: number | null
}

/**
 * - `complete`: the whole answer was handed over.
 * - `cut`: the connection was cut in the middle of the answer, because it could not be completed.
 * - `client_gone`: the client left first.
 * - `body_too_slow`: the connection was cut in the middle of the answer, because the client sent
 *   its body too slowly.
 * - `reader_stalled`: it was cut because the client took nothing of the answer for too long.
 */
export type ForwardEnd = 'complete' | 'cut' | 'body_too_slow' | GoneCause

/** Reasons to refuse a body that did not come whole. */
export const BODY_REFUSALS = {
  too_large: 'body_too_large',
  too_slow: 'body_too_slow',
  overloaded: 'body_memory_full',
} as const

/** Learns how it went: exactly one of `onRefusal` and `onSettled` is called, exactly once. */
export interface ForwardObserver {
  /** The final head of the upstream's answer is here. At most once, and before `onSettled`. */
  onAnswer(): void
  /**
   * Nothing was sent to the client: answer with this refusal. If part of the request's body is
   * still unread, the connection is already marked to be closed after the answer.
   *
   * One of the reasons `upstream_…` and `body_…`.
   *
   * @param target Of the last attempt; `null`: none was made.
   * @param cause What went wrong with it; `null`: nothing that the upstream did.
   */
  onRefusal(reason: RefusalReason, target: UpstreamTarget | null, cause: UpstreamCause | null): void
  /**
   * @param statusCode Of the upstream; 0 when no head had come.
   * @param target Of the last attempt; `null`: none was made.
   * @param bodyBytes Of the answer, as they came.
   * @param cause Why it was cut; `null`: it was not, or not because of the upstream.
   */
  onSettled(
    statusCode: number,
    end: ForwardEnd,
    target: UpstreamTarget | null,
    bodyBytes: number,
    cause: UpstreamCause | null,
  ): void
}

/** A request under way. */
export interface Forwarding {
  /** Cuts the client's connection and ends the request upstream. Ignored once settled. */
  cut(): void
}
