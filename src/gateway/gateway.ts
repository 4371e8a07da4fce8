/**
 * Everything that one listener thread needs to handle requests; put together once, at the start.
 */
import type { Revision } from '../decision/revision.ts'
import type { SigningSnapshot } from '../identity/signing-keys.ts'
import type { AccessLog } from '../observability/access-log.ts'
import type { ListenerMetrics } from '../observability/listener-metrics.ts'
import type { Logger } from '../observability/logger.ts'
import type { RequestIds } from '../observability/request-id.ts'
import type { TraceParents } from '../observability/trace-context.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import type { WellKnownDocuments } from './answer-well-known.ts'
import type { GatewayRoute } from './gateway-route.ts'
import type { Readiness } from './health.ts'
import type { TrustedPeers } from './trusted-peers.ts'

export interface Gateway extends Revision<GatewayRoute> {
  /** Documents of the gateway's own, looked up before the routes. */
  readonly wellKnown: WellKnownDocuments
  /** By name: a tenant may have one of its own. */
  readonly upstreams: ReadonlyMap<string, UpstreamPool>
  /** Whether there are tenants: what a credential says of one then counts only once judged. */
  readonly hasTenants: boolean
  /** Names on the wire for the ids of a request; `null`: not sent upstream. */
  readonly requestIdName: string | null
  readonly correlationIdName: string | null
  readonly trustedPeers: TrustedPeers
  readonly metrics: ListenerMetrics
  readonly accessLog: AccessLog
  readonly logger: Logger
  readonly requestIds: RequestIds
  readonly traceParents: TraceParents
  /** The keys of internal tokens; `null`: no route sends any. */
  readonly signingKeys: (() => SigningSnapshot) | null
  /** What the supervisor last said about this instance. */
  readonly readiness: () => Readiness
}
