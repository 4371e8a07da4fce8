/** One finished request as the access log tells it. Runs only for requests that are logged. */
import type { RequestHead } from '../http/exchange.ts'
import type { AccessRecord } from '../observability/access-record.ts'
import { redactText } from '../observability/redact.ts'
import type { PathRedaction } from '../observability/redact-path.ts'
import type { AuthErrorCode } from '../protocol/auth-error.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import type { Identity } from '../protocol/verification.ts'
import type { UpstreamTarget } from '../proxy/upstream-target.ts'
import { subjectDigest } from '../tenants/match-token-tenant.ts'

const MICROS_PER_MS = 1_000
/** Longer names of hosts are cut, as are addresses that a trusted proxy made up. */
const HOST_LENGTH_MAX = 255

/** What access lines tell beyond the request itself. */
export interface AccessRules {
  readonly paths: PathRedaction
  /** Whether lines name the user, by digest. */
  readonly tellsUser: boolean
}

/** What is asked of a request. */
export interface LoggedRequest {
  readonly requestId: string
  readonly exchange: { readonly head: RequestHead }
  readonly revision: { readonly access: AccessRules }
  readonly route: { readonly name: string } | null
  readonly tenant: { readonly id: string } | null
  readonly identity: Identity | null
  readonly clientAddress: string
  readonly startedAtMs: number
  readonly decidedAtMs: number
  readonly answeredMicros: number
}

/** How a request ended. */
export interface AccessEnd {
  readonly outcome: AccessRecord['outcome']
  readonly status: number
  /** Why it was refused; `null`: it was not, or the client had left by then. */
  readonly code: AuthErrorCode | null
  readonly reason: RefusalReason | null
  /** Which rule or claim it was, or why the upstream failed; never a value. */
  readonly detail: string | null
  /** Of the last attempt at an upstream; `null`: there was none. */
  readonly target: UpstreamTarget | null
  /** Of the body of an upstream's answer; `null`: there was none. */
  readonly bodyBytes: number | null
  readonly durationMicros: number
}

export function accessRecord(request: LoggedRequest, end: AccessEnd): AccessRecord {
  const { exchange, revision, identity, startedAtMs, decidedAtMs, answeredMicros } = request
  const { head } = exchange
  const { target } = end
  return {
    requestId: request.requestId,
    method: head.method,
    host: redactText(head.host.slice(0, HOST_LENGTH_MAX)),
    path: revision.access.paths.apply(head.path),
    hasQuery: head.query !== '',
    route: request.route?.name ?? 'none',
    tenant: request.tenant?.id ?? null,
    clientAddress: redactText(request.clientAddress.slice(0, HOST_LENGTH_MAX)) || null,
    userDigest: identity === null ? null : subjectDigest(identity),
    status: end.status,
    outcome: end.outcome,
    code: end.code,
    reason: end.reason,
    detail: end.detail,
    upstream: target?.upstream ?? null,
    target: target?.origin ?? null,
    bytesIn: head.contentLength,
    bytesOut: end.bodyBytes,
    durationMicros: Math.round(end.durationMicros),
    decideMicros: Math.round((decidedAtMs - startedAtMs) * MICROS_PER_MS),
    upstreamMicros: answeredMicros === 0 ? null : answeredMicros,
  }
}
