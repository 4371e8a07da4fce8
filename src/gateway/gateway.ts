/**
 * Everything that one listener thread needs to handle requests; put together once, at the start.
 */
import type { IdentityHeaderNames } from '../identity/identity-headers.ts'
import type { AccessLog } from '../observability/access-log.ts'
import type { ListenerMetrics } from '../observability/listener-metrics.ts'
import type { Logger } from '../observability/logger.ts'
import type { RequestIds } from '../observability/request-id.ts'
import type { TraceParents } from '../observability/trace-context.ts'
import type { Clock } from '../resilience/clock.ts'
import type { RevocationReader } from '../revocation/revocation-reader.ts'
import type { RouteTable } from '../routing/compile-routes.ts'
import type { GatewayRoute } from './gateway-route.ts'
import type { Readiness } from './health.ts'
import type { TrustedPeers } from './trusted-peers.ts'

export interface Gateway {
  readonly routes: RouteTable<GatewayRoute>
  readonly identityNames: IdentityHeaderNames
  /** Names on the wire for the ids of a request; `null`: not sent upstream. */
  readonly requestIdName: string | null
  readonly correlationIdName: string | null
  readonly trustedPeers: TrustedPeers
  readonly metrics: ListenerMetrics
  readonly revocations: RevocationReader
  readonly accessLog: AccessLog
  readonly logger: Logger
  readonly requestIds: RequestIds
  readonly traceParents: TraceParents
  readonly clock: Clock
  /** What the supervisor last said about this instance. */
  readonly readiness: () => Readiness
}
