/**
 * What went wrong with an upstream, as a reason to refuse: nothing above this file sees an error of
 * the HTTP client.
 */
import { isIdempotentMethod } from '../http/methods.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { codeOf } from '../resilience/outbound-failure.ts'
import { type AttemptProgress, causeOf, type UpstreamCause } from './upstream-cause.ts'

export interface UpstreamFailure {
  /** Which refusal the client gets, if nothing was sent to it yet. */
  readonly reason: RefusalReason
  /** What exactly happened. */
  readonly cause: UpstreamCause
  /** Whether this says something about the health of the target. */
  readonly blamesTarget: boolean
  /** Where another attempt could end otherwise. Says nothing about the method or the body. */
  readonly retry: 'anywhere' | 'other_target' | 'never'
}

/** Of a second attempt these say nothing about the first, which was sent. */
export const NEVER_SENT: ReadonlySet<RefusalReason> = new Set([
  'upstream_unreachable',
  'upstream_crowded',
])

/** Ends an attempt whose client is gone, or which somebody else has answered. */
export const CANCELLED: Error = new Error('cancelled')

/**
 * Ends an attempt that would have reached the upstream without the gateway's own fields: the client
 * library no longer works as gateway-fields.ts assumes.
 */
export const LACKS_GATEWAY_FIELDS: Error = new Error(
  'a request lacks the own fields of the gateway',
)

/** Ends an attempt in which the upstream has been silent for too long. */
export const SILENT_TOO_LONG: Error = new Error('the upstream has been silent for too long')

/** Ends an attempt whose connection was not open in time. */
export const CONNECT_TIMED_OUT: Error = new Error('the connection was not open in time')

/** Ends an attempt whose response head has a status that there is not. */
const INVALID_STATUS: Error = new Error('invalid status')
/** Ends an attempt whose response head has two lengths, or one that is no number. */
const INVALID_LENGTH: Error = new Error('invalid length')

const STATUS_FINAL_MIN = 200
const STATUS_MAX = 599

/** What ends an attempt whose response head is refused. */
export function invalidHead(statusCode: number): Error {
  // Of interim answers, only 101 gets past interim-answers.ts.
  if (statusCode < STATUS_FINAL_MIN) return UNASKED_UPGRADE
  return statusCode > STATUS_MAX ? INVALID_STATUS : INVALID_LENGTH
}

/** Ends an attempt that is answered with a change of the protocol. */
const UNASKED_UPGRADE: Error = new Error('an upgrade that was not asked for')
/** These end an attempt with interim answers (interim-answers.ts) that have no end, or no form. */
export const TOO_MANY_INTERIM: Error = new Error('too many interim answers')
export const INTERIM_TOO_LARGE: Error = new Error('an interim answer that is too large')
export const MALFORMED_INTERIM: Error = new Error('a malformed interim answer')

/** What is known of it without its cause. */
type FailureKind = Omit<UpstreamFailure, 'cause'>

const UNREACHABLE: FailureKind = {
  reason: 'upstream_unreachable',
  blamesTarget: true,
  retry: 'anywhere',
}
const CONNECT_TIMEOUT: FailureKind = {
  reason: 'upstream_connect_timeout',
  blamesTarget: true,
  retry: 'other_target',
}
/** Not retried: the target has had its full time, and the client has waited as long. */
const RESPONSE_TIMEOUT: FailureKind = {
  reason: 'upstream_timeout',
  blamesTarget: true,
  retry: 'never',
}
/** Does not count against the target: a client may be able to provoke one bad answer at will. */
const PROTOCOL_ERROR: FailureKind = {
  reason: 'upstream_protocol_error',
  blamesTarget: false,
  retry: 'never',
}
const BAD_REQUEST: FailureKind = {
  reason: 'body_malformed',
  blamesTarget: false,
  retry: 'never',
}
/** The request was sent, in part at least, and may have taken effect. */
const CONNECTION_LOST: FailureKind = {
  reason: 'upstream_connection_lost',
  blamesTarget: true,
  retry: 'anywhere',
}
/** The same when it is this gateway that ends its connections. */
const SHUT_DOWN_LOST: FailureKind = {
  reason: 'upstream_connection_lost',
  blamesTarget: false,
  retry: 'never',
}
const SHUT_DOWN: FailureKind = {
  reason: 'upstream_unreachable',
  blamesTarget: false,
  retry: 'never',
}

/** By the `code` of the error. What is not in here is a fault of the connection. */
const FAILURES: ReadonlyMap<string, FailureKind> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', CONNECT_TIMEOUT],
  ['UND_ERR_HEADERS_OVERFLOW', PROTOCOL_ERROR],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', PROTOCOL_ERROR],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', BAD_REQUEST],
  ['UND_ERR_INVALID_ARG', BAD_REQUEST],
  ['UND_ERR_NOT_SUPPORTED', BAD_REQUEST],
  ['UND_ERR_CLOSED', SHUT_DOWN],
  ['UND_ERR_DESTROYED', SHUT_DOWN],
])

/** By the errors of our own, and what exactly each of them says. */
const OWN_FAILURES: ReadonlyMap<Error, UpstreamFailure> = new Map([
  [LACKS_GATEWAY_FIELDS, { ...PROTOCOL_ERROR, cause: 'other' }],
  [INVALID_STATUS, { ...PROTOCOL_ERROR, cause: 'bad_head' }],
  [INVALID_LENGTH, { ...PROTOCOL_ERROR, cause: 'bad_length' }],
  [UNASKED_UPGRADE, { ...PROTOCOL_ERROR, cause: 'unexpected_101' }],
  [TOO_MANY_INTERIM, { ...PROTOCOL_ERROR, cause: 'interim_flood' }],
  [INTERIM_TOO_LARGE, { ...PROTOCOL_ERROR, cause: 'head_too_large' }],
  [MALFORMED_INTERIM, { ...PROTOCOL_ERROR, cause: 'bad_head' }],
  [CONNECT_TIMED_OUT, { ...CONNECT_TIMEOUT, cause: 'connect_timeout' }],
])

/**
 * Classifies the error of an attempt. A connection that ends before a byte of the request was
 * written counts as unreachable; before any byte of an answer, as lost; within the answer, as an
 * answer that is not valid HTTP.
 *
 * @param hasHead Whether the whole head of the final answer is here.
 */
export function upstreamFailure(
  error: Error,
  progress: AttemptProgress,
  hasHead: boolean,
): UpstreamFailure {
  if (error === SILENT_TOO_LONG) {
    return { ...RESPONSE_TIMEOUT, cause: hasHead ? 'body_stalled' : 'response_timeout' }
  }
  const own = OWN_FAILURES.get(error)
  if (own !== undefined) return own
  return { ...kindOf(error, progress), cause: causeOf(error, progress, hasHead) }
}

function kindOf(error: Error, progress: AttemptProgress): FailureKind {
  const known = FAILURES.get(codeOf(error))
  if (known === SHUT_DOWN && progress !== 'unsent') return SHUT_DOWN_LOST
  if (known !== undefined) return known
  if (progress === 'answering') return PROTOCOL_ERROR
  if (isMisplacedAnswer(error)) return PROTOCOL_ERROR
  return progress === 'sent' ? CONNECTION_LOST : UNREACHABLE
}

/**
 * Whether the failure counts against the target. An upstream that ends the connection on a body it
 * does not want is not for that reason ill.
 *
 * @param hasStream Whether the body of the request is sent as it comes.
 */
export function blamesTarget(
  failure: UpstreamFailure,
  progress: AttemptProgress,
  hasStream: boolean,
): boolean {
  if (!failure.blamesTarget) return false
  return !hasStream || progress !== 'sent' || failure.reason !== 'upstream_connection_lost'
}

/** Whether another attempt may be made, as far as failure and method say. */
export function mayBeRepeated(
  { retry }: UpstreamFailure,
  progress: AttemptProgress,
  method: string,
): boolean {
  return retry !== 'never' && progress !== 'answering' && isIdempotentMethod(method)
}

/** The library's words for an answer that was not asked for, such as 100 or an upgrade. */
function isMisplacedAnswer(error: Error): boolean {
  return error.message === 'bad response' || error.message === 'bad upgrade'
}
