/**
 * Why exactly an attempt at an upstream failed, in words of our own: for the log and for metrics.
 * A closed set, so that it can be a label; never text of the other side.
 */
import { codeOf, TLS_CODE } from '../resilience/outbound-failure.ts'

/** How far an attempt had come when it failed. */
export type AttemptProgress =
  /** Not one byte of the request was written. */
  | 'unsent'
  /** The request was being written, or was written; not one byte of an answer came. */
  | 'sent'
  /** At least one byte of an answer came. */
  | 'answering'

/** Each with what it means, for the manual. */
export const UPSTREAM_CAUSES = {
  name_unresolved: 'The name of the target cannot be looked up.',
  connect_refused: 'Nothing listens at the port of the target.',
  connect_unroutable: 'There is no way to the address of the target.',
  connect_timeout: 'No connection within `connectTimeout`.',
  tls:
    'The handshake failed: a certificate that no trusted authority vouches for, another name in it, ' +
    'or no TLS at that port.',
  reset: 'The target reset the connection.',
  closed:
    'The target closed the connection before it answered, perhaps an idle one: see `idleTimeout`.',
  closed_in_answer: 'The target closed the connection within its answer.',
  response_timeout: 'No response head within `responseTimeout`.',
  body_stalled: 'A pause in the body of the answer that was longer than `bodyTimeout`.',
  head_too_large: 'The response head is larger than `responseHeaderBytes`.',
  bad_head: 'The response head is not valid HTTP.',
  bad_length:
    'The answer has two lengths, one that is no number, or another number of bytes than it declares.',
  bad_chunk: 'The answer is in chunks, and one of them is none.',
  not_http:
    'What came is no HTTP/1.1 at all: perhaps TLS, HTTP/2 or another protocol is spoken at this port.',
  unexpected_101: 'The target switched protocols, which it was not asked for.',
  interim_flood: 'More than 16 interim answers (1xx), and no final one.',
  ended_by_gateway:
    'The gateway closed its connections, because it ends or has another configuration.',
  bad_request: 'The request cannot be sent as it is.',
  other: 'Anything else: `errorCode` in the log may tell.',
} as const satisfies Record<string, string>

export type UpstreamCause = keyof typeof UPSTREAM_CAUSES

const BY_CODE: ReadonlyMap<string, UpstreamCause> = new Map([
  ['ENOTFOUND', 'name_unresolved'],
  ['EAI_AGAIN', 'name_unresolved'],
  ['ECONNREFUSED', 'connect_refused'],
  ['EHOSTUNREACH', 'connect_unroutable'],
  ['ENETUNREACH', 'connect_unroutable'],
  ['EADDRNOTAVAIL', 'connect_unroutable'],
  ['EACCES', 'connect_unroutable'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect_timeout'],
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['UND_ERR_HEADERS_OVERFLOW', 'head_too_large'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'bad_length'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'bad_request'],
  ['UND_ERR_INVALID_ARG', 'bad_request'],
  ['UND_ERR_NOT_SUPPORTED', 'bad_request'],
  ['UND_ERR_CLOSED', 'ended_by_gateway'],
  ['UND_ERR_DESTROYED', 'ended_by_gateway'],
])

/** Of the client library's parser, whose errors have no code. */
const PARSER_ERROR = 'HTTPParserError'

/** The first whose text is in the message decides. */
const BY_SYNTAX: readonly (readonly [string, UpstreamCause])[] = [
  ['EOF', 'closed_in_answer'],
  ['Content-Length', 'bad_length'],
  ['Transfer-Encoding', 'bad_length'],
  ['Expected HTTP/', 'not_http'],
  ['HTTP version', 'not_http'],
]

/** Behind the head, only chunks and what follows the last of them are parsed. */
function causeOfSyntax(message: string, hasHead: boolean): UpstreamCause {
  const known = BY_SYNTAX.find(([text]) => message.includes(text))
  if (known !== undefined) return known[1]
  return hasHead ? 'bad_chunk' : 'bad_head'
}

/** @param hasHead Whether the whole head of the final answer is here. */
export function causeOf(error: Error, progress: AttemptProgress, hasHead: boolean): UpstreamCause {
  const code = codeOf(error)
  const known = BY_CODE.get(code)
  if (known !== undefined) return known
  if (code === 'ETIMEDOUT') return progress === 'unsent' ? 'connect_timeout' : 'reset'
  if (TLS_CODE.test(code)) return 'tls'
  if (error.name === PARSER_ERROR) return causeOfSyntax(error.message, hasHead)
  // The words of the client library for its one code of a socket that ended.
  if (error.message === 'bad upgrade') return 'unexpected_101'
  if (error.message === 'bad response') return 'not_http'
  if (code !== 'UND_ERR_SOCKET') return 'other'
  return progress === 'answering' ? 'closed_in_answer' : 'closed'
}
