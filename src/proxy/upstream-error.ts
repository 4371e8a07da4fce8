/**
 * What went wrong with an upstream, as a reason to refuse: nothing above this file sees an error of
 * the HTTP client.
 */
import type { RefusalReason } from '../protocol/refusal-reason.ts'

/** How far an attempt had come when it failed. */
export type AttemptProgress =
  /** Not one byte of the request was written. */
  | 'unsent'
  /** The request was being written, or was written; not one byte of an answer came. */
  | 'sent'
  /** At least one byte of an answer came. */
  | 'answering'

export interface UpstreamFailure {
  /** Which refusal the client gets, if nothing was sent to it yet. */
  readonly reason: RefusalReason
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

/** Ends an attempt whose response head is not acceptable. */
export const INVALID_RESPONSE_HEAD: Error = new Error('invalid response head')

const UNREACHABLE: UpstreamFailure = {
  reason: 'upstream_unreachable',
  blamesTarget: true,
  retry: 'anywhere',
}
const CONNECT_TIMEOUT: UpstreamFailure = {
  reason: 'upstream_connect_timeout',
  blamesTarget: true,
  retry: 'other_target',
}
/** Not retried: the target has had its full time, and the client has waited as long. */
const RESPONSE_TIMEOUT: UpstreamFailure = {
  reason: 'upstream_timeout',
  blamesTarget: true,
  retry: 'never',
}
/** Does not count against the target: a client may be able to provoke one bad answer at will. */
const PROTOCOL_ERROR: UpstreamFailure = {
  reason: 'upstream_protocol_error',
  blamesTarget: false,
  retry: 'never',
}
const BAD_REQUEST: UpstreamFailure = {
  reason: 'body_malformed',
  blamesTarget: false,
  retry: 'never',
}
/** The request was sent, in part at least, and may have taken effect. */
const CONNECTION_LOST: UpstreamFailure = {
  reason: 'upstream_connection_lost',
  blamesTarget: true,
  retry: 'anywhere',
}
/** The same when it is this gateway that ends its connections. */
const SHUT_DOWN_LOST: UpstreamFailure = {
  reason: 'upstream_connection_lost',
  blamesTarget: false,
  retry: 'never',
}
const SHUT_DOWN: UpstreamFailure = {
  reason: 'upstream_unreachable',
  blamesTarget: false,
  retry: 'never',
}

/** By the `code` of the error. What is not in here is a fault of the connection. */
const FAILURES: ReadonlyMap<string, UpstreamFailure> = new Map([
  ['UND_ERR_CONNECT_TIMEOUT', CONNECT_TIMEOUT],
  ['UND_ERR_HEADERS_OVERFLOW', PROTOCOL_ERROR],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', PROTOCOL_ERROR],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', BAD_REQUEST],
  ['UND_ERR_INVALID_ARG', BAD_REQUEST],
  ['UND_ERR_NOT_SUPPORTED', BAD_REQUEST],
  ['UND_ERR_CLOSED', SHUT_DOWN],
  ['UND_ERR_DESTROYED', SHUT_DOWN],
])

/**
 * Classifies the error of an attempt. A connection that ends before a byte of the request was
 * written counts as unreachable; before any byte of an answer, as lost; within the answer, as an
 * answer that is not valid HTTP.
 */
export function upstreamFailure(error: Error, progress: AttemptProgress): UpstreamFailure {
  if (error === INVALID_RESPONSE_HEAD || error === LACKS_GATEWAY_FIELDS) return PROTOCOL_ERROR
  if (error === SILENT_TOO_LONG) return RESPONSE_TIMEOUT
  if (error === CONNECT_TIMED_OUT) return CONNECT_TIMEOUT
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const known = FAILURES.get(code)
  if (known === SHUT_DOWN && progress !== 'unsent') return SHUT_DOWN_LOST
  if (known !== undefined) return known
  if (code.startsWith('HPE_') || progress === 'answering') return PROTOCOL_ERROR
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

/** The library's words for an answer that was not asked for, such as 100 or an upgrade. */
function isMisplacedAnswer(error: Error): boolean {
  return error.message === 'bad response' || error.message === 'bad upgrade'
}
