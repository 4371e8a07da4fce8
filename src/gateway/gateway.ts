/**
 * Everything that one listener thread needs to handle requests: what follows from a configuration,
 * and what a thread has whatever the configuration is.
 */
import type { Revision } from '../decision/revision.ts'
import type { AddressRanges } from '../http/address-ranges.ts'
import type { CorsPolicy } from '../http/cors-policy.ts'
import type { EndpointTable } from '../http/endpoint-table.ts'
import type { AccessLog } from '../observability/access-log.ts'
import type { ListenerMetrics } from '../observability/listener-metrics.ts'
import type { Logger } from '../observability/logger.ts'
import type { RecentRefusals } from '../observability/recent-refusals.ts'
import type { RequestIds } from '../observability/request-id.ts'
import type { TraceParents } from '../observability/trace-context.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import type { Clock } from '../runtime/clock.ts'
import type { AccessRules } from './access-record.ts'
import type { DecisionEndpoint } from './decision-endpoint/decision-endpoint.ts'
import type { GatewayRoute } from './gateway-route.ts'
import type { MainEndpoint } from './main-endpoint.ts'
import type { RefusalPace } from './refusal-pace.ts'
import type { RevisionUse } from './revision-use.ts'

/** All that follows from one configuration. Immutable; a request keeps the one it began under. */
export interface GatewayRevision extends Revision<GatewayRoute> {
  /** The requests that run under it. */
  readonly use: RevisionUse
  /** What the gateway answers by itself, looked up before the routes. */
  readonly endpoints: EndpointTable<MainEndpoint | DecisionEndpoint>
  /** Where other proxies ask; `null`: nowhere. */
  readonly decision: DecisionEndpoint | null
  /** Those of all routes, that of fewest pages first; empty: none says anything of pages. */
  readonly corsPolicies: readonly CorsPolicy[]
  /** By name: a tenant may have one of its own. */
  readonly upstreams: ReadonlyMap<string, UpstreamPool>
  /** Whether there are tenants: what a credential says of one then counts only once checked. */
  readonly hasTenants: boolean
  /** Names on the wire for the ids of a request; `null`: not sent upstream. */
  readonly requestIdName: string | null
  readonly correlationIdName: string | null
  /** Proxies in front of us, whose forwarding fields are believed. */
  readonly trustedPeers: AddressRanges
  /** Whether upstreams get `Forwarded` beside `X-Forwarded-…`. */
  readonly sendsForwarded: boolean
  readonly accessLog: AccessLog
  readonly access: AccessRules
}

/** One listener thread, as long as it lives. */
export interface Gateway {
  /** What requests begin under from now on; replaced when another configuration is committed. */
  revision: GatewayRevision
  readonly metrics: ListenerMetrics
  readonly logger: Logger
  readonly requestIds: RequestIds
  readonly traceParents: TraceParents
  /** For operators who look for the reason behind an answer. */
  readonly recentRefusals: RecentRefusals
  readonly clock: Clock
  readonly refusalPace: RefusalPace
}
