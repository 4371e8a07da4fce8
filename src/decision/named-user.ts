/** Finds the user whom a request names in its body, where a limit counts by user. */
import type { PeekFailure } from '../http/exchange.ts'
import { fieldValue, type HeaderList } from '../http/header-list.ts'
import { isUnsafeMethod } from '../http/methods.ts'
import { findParameter } from '../http/query-parameter.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { type BodyField, bodyField, FIELD_BODY_BYTES_MAX } from '../rate-limit/body-field.ts'
import type { RequestFacts, RequestOrigin } from './decision.ts'

/** Longest that the first bytes of a body may take. */
const PEEK_TIMEOUT_MS = 5_000

const IDENTITY = 'identity'

/** As {@link BodyField}, with everything else that may keep a body from being read. */
export type NamedUser = BodyField | { readonly kind: 'refused'; readonly reason: RefusalReason }

const ABSENT: NamedUser = { kind: 'refused', reason: 'limit_field_absent' }
/** A service that joins query and body would read the one in the query. */
const ALSO_IN_QUERY: NamedUser = { kind: 'refused', reason: 'limit_field_repeated' }
const UNREADABLE: NamedUser = { kind: 'refused', reason: 'limit_field_unreadable' }

/**
 * The user that the request names, or why it is refused: `invalid_request`, `payload_too_large`,
 * `overloaded`.
 *
 * @returns `null` when it names none and need not: it has no body, and its method changes nothing.
 */
export function namedUser(
  field: string,
  { query, method, headers }: RequestFacts,
  origin: RequestOrigin,
): NamedUser | Promise<NamedUser> | null {
  if (findParameter(query, field, 0) !== -1) return ALSO_IN_QUERY
  const peeking = origin.peekBody(FIELD_BODY_BYTES_MAX, PEEK_TIMEOUT_MS)
  if (peeking === null) return isUnsafeMethod(method) ? ABSENT : null
  const isEncoded = hasEncoding(headers)
  const type = fieldValue(headers, 'content-type')
  return peeking.then((peeked) => {
    if (typeof peeked === 'string') return FAILURES[peeked]
    return bodyField(peeked.bytes, peeked.isWhole, isEncoded ? null : type, field)
  })
}

/** Whether the bytes are those of the body, by each field that says so. */
function hasEncoding(headers: HeaderList): boolean {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index] !== 'content-encoding') continue
    if ((headers[index + 1] as string).toLowerCase() !== IDENTITY) return true
  }
  return false
}

const FAILURES: Readonly<Record<PeekFailure, NamedUser>> = {
  too_large: { kind: 'refused', reason: 'body_too_large' },
  too_slow: { kind: 'refused', reason: 'body_too_slow' },
  overloaded: { kind: 'refused', reason: 'body_memory_full' },
  timed_out: UNREADABLE,
  client_gone: UNREADABLE,
}
