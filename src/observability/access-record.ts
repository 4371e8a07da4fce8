/**
 * The fields of an access line, and what each says: docs/logs.md is made from them. There is no
 * place for a query, a header or a credential.
 */
import type { GoneCause } from '../http/exchange.ts'

/** One finished request. */
export interface AccessRecord {
  readonly requestId: string
  /** `none`, like the route: not even that is sure of a request that is malformed. */
  readonly method: string
  readonly host: string | null
  /** `null` for a malformed request: what it holds has no form. */
  readonly path: string | null
  readonly hasQuery: boolean
  readonly route: string
  readonly tenant: string | null
  readonly clientAddress: string | null
  readonly userDigest: string | null
  readonly status: number
  readonly outcome:
    | 'forwarded'
    | 'passed'
    | 'refused'
    | 'upstream_failed'
    | 'body_too_slow'
    | GoneCause
  readonly code: string | null
  readonly reason: string | null
  readonly detail: string | null
  readonly upstream: string | null
  readonly target: string | null
  readonly bytesIn: number | null
  readonly bytesOut: number | null
  readonly durationMicros: number
  readonly decideMicros: number
  readonly upstreamMicros: number | null
}

export const ACCESS_FIELDS: Readonly<Record<keyof AccessRecord, string>> = {
  requestId: 'As in the `X-Request-Id` of the answer.',
  method: 'Of the request; `none`: the request was malformed.',
  host: '`Host` without its port; `null`: the request was malformed.',
  path:
    'Canonical path, without query. Segments that `logging.accessLog.redactPath` names, and what ' +
    'looks like a token, are `[redacted]`. `null`: the request was malformed.',
  hasQuery: 'Whether there was a query. Neither its names nor its values are told.',
  route: 'Name of the route; `none`: no route was found.',
  tenant: 'Tenant that the request names; `null`: none.',
  clientAddress: 'Address of the client, behind trusted proxies; `null`: it had left by then.',
  userDigest:
    'SHA-256 of issuer and subject, in hexadecimal, where `logging.accessLog.userDigest` is set ' +
    'and the caller is known; otherwise `null`.',
  status: 'Status that the client got; 0: it got none.',
  outcome:
    '`forwarded`: an answer of the upstream; `passed`: another proxy was told that the request may ' +
    'go on; `refused`: one of the gateway; `upstream_failed`: 502, ' +
    '504, or an answer that was cut; `client_gone`: the client left before it had the whole ' +
    'answer; `body_too_slow`, `reader_stalled`: the gateway closed the connection within the ' +
    'answer, because the client sent its body, or took the answer, too slowly.',
  code: 'The code, as in [errors.md](errors.md); `null`: an upstream answered.',
  reason: 'Why exactly, as in [errors.md](errors.md); `null`: an upstream answered.',
  detail:
    'For `claim_unsatisfied` the rule of the route, for `claim_untellable`, ' +
    '`session_claims_mistyped` and `api_key_unreadable` the claim or member, for an upstream that ' +
    'failed the cause, as in [errors.md](errors.md#causes); otherwise `null`.',
  upstream: 'Name of the upstream that was asked last; `null`: none was.',
  target: 'Its target: scheme, host and port.',
  bytesIn: '`Content-Length` of the request; `null`: it was sent in chunks, or is not known.',
  bytesOut: "Bytes of the body of the upstream's answer; `null`: the gateway answered.",
  durationMicros: 'From the head of the request to the end of the answer.',
  decideMicros: 'Of that, until it was decided; 0: in the same turn.',
  upstreamMicros: "From there to the head of the upstream's answer; `null`: there was none.",
}
