/**
 * What is asked about a request, and what is answered: a question of plain facts, and a decision
 * that nothing has been done about yet. gateway/enforce.ts acts on it.
 */
import type { PeekedBody, PeekFailure } from '../http/exchange.ts'
import type { HeaderList } from '../http/header-list.ts'
import type { Trace } from '../protocol/trace.ts'
import type { Identity, Refused } from '../protocol/verification.ts'
import type { LimitRefusal } from '../rate-limit/limit-refusal.ts'
import type { LimitedRequest } from '../rate-limit/limited-request.ts'
import type { RouteLimits } from '../rate-limit/route-limits.ts'
import type { TenantMismatch } from '../tenants/match-token-tenant.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { EstablishedIdentity } from '../verifiers/authenticator.ts'

/** All that a decision depends on, as the client sent it and the server found it well-formed. */
export interface RequestFacts {
  /** In upper case. */
  readonly method: string
  /** Canonical path: http/canonical-path.ts. */
  readonly path: string
  /** Raw query without `?`; empty when there is none. */
  readonly query: string
  /** `Host` without a port, in lower case. */
  readonly host: string
  /** Names in lower case, nothing removed yet. */
  readonly headers: HeaderList
}

/** Where a request comes from. Asked only where it matters, because it takes work. */
export interface RequestOrigin {
  /** What is told how it is decided; `null` for every real request. */
  readonly trace: Trace | null
  /** As text, behind trusted proxies: http/forwarding.ts. Empty when it cannot be told. */
  readonly clientAddress: string
  /** Origin of the gateway as the browser names it, behind trusted proxies: `https://a.example`. */
  readonly publicOrigin: string
  /** The request as it is counted by these limits: the same one each time. */
  limitedBy(limits: RouteLimits): LimitedRequest
  /** The beginning of the body, as `RequestBody.peek`; `null`: there is no body. */
  peekBody(bytesMax: number, timeoutMs: number): Promise<PeekedBody | PeekFailure> | null
}

/**
 * Who is calling:
 *
 * - `established`: somebody whom the gateway knows.
 * - `anonymous`: no credential, on a route that needs none.
 * - `unverified`: a credential that could not be verified, on a route whose issuer has
 *   `onOutage: pass-through`.
 */
export type CallerKind = 'established' | 'anonymous' | 'unverified'

/** The request may go on. */
export interface PassedDecision<Route> {
  readonly kind: 'passed'
  readonly route: Route
  /** The tenant to serve; `null`: none was named, and none is needed. */
  readonly tenant: Tenant | null
  readonly caller: CallerKind
  /** `null` unless the caller is `established`. */
  readonly established: EstablishedIdentity | null
  /** When it was decided, NumericDate. */
  readonly decidedAtSeconds: number
  /**
   * First second in which this caller may no longer hold a stream that was opened now; infinite
   * where nothing ends it.
   */
  readonly leaseEndsAtSeconds: number
}

/** The request must not go on, and this is why. */
export interface RefusedDecision<Route> {
  readonly kind: 'refused'
  /** `null`: it was refused before a route was found, or because there is none. */
  readonly route: Route | null
  /** What the request names, as far as it was found out. */
  readonly tenant: Tenant | null
  readonly refusal: Refused | TenantMismatch | LimitRefusal
  /** Whose credential it was, where that is known. */
  readonly identity: Identity | null
}

export type Decision<Route> = PassedDecision<Route> | RefusedDecision<Route>
