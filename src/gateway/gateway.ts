/**
 * Everything that one listener thread needs to handle requests; put together once, at the start.
 */
import type { Revision } from '../decision/revision.ts'
import type { AccessLog } from '../observability/access-log.ts'
import type { ListenerMetrics } from '../observability/listener-metrics.ts'
import type { Logger } from '../observability/logger.ts'
import type { RequestIds } from '../observability/request-id.ts'
import type { TraceParents } from '../observability/trace-context.ts'
import type { EndpointTable } from '../protocol/endpoint-table.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import type { GatewayRoute } from './gateway-route.ts'
import type { MainEndpoint } from './main-endpoint.ts'
import type { TrustedPeers } from './trusted-peers.ts'

export interface Gateway extends Revision<GatewayRoute> {
  /** What the gateway answers by itself, looked up before the routes. */
  readonly endpoints: EndpointTable<MainEndpoint>
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
}
