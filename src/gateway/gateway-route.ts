/** One route with everything a request on it needs, compiled when the configuration is loaded. */
import type { CredentialStripper } from '../credentials/strip-credential.ts'
import type { RouteRules } from '../decision/revision.ts'
import type { CorsPolicy } from '../http/cors-policy.ts'
import type { IdentityStrategy } from '../identity/identity-strategy.ts'
import type { ForwardLimits } from '../proxy/forward-request.ts'
import type { ResponseEdits } from '../proxy/header-edits.ts'
import type { HeaderNameFilter } from '../proxy/header-name-filter.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import type { PathRewrite } from '../routing/path-rewrite.ts'
import type { RouteRefusals } from './refusal-response.ts'

export interface GatewayRoute extends RouteRules {
  /** Under which it is counted: `ListenerMetrics.routeIndex`. */
  readonly metricsIndex: number
  readonly upstream: UpstreamPool
  /**
   * Takes all credentials out of what goes upstream, whichever decided. `null` where they stay,
   * because the upstream verifies them too: no credential is asked for here, or they are passed on,
   * or the route is in shadow.
   */
  readonly stripper: CredentialStripper | null
  /** Whether refusals are only reported: `mode: shadow`. */
  readonly isShadow: boolean
  /** How the upstream learns who is calling. */
  readonly identity: IdentityStrategy
  /** Every request field that does not go upstream as the client sent it. */
  readonly requestFilter: HeaderNameFilter
  /** Which pages of other origins may read its answers; `null`: it says nothing of them. */
  readonly cors: CorsPolicy | null
  /** How the path that was matched becomes the one that is sent; `null`: it stays. */
  readonly rewrite: PathRewrite | null
  /** Lines of the request head that the route sets or adds, each with CRLF before it. */
  readonly requestEdits: string
  /** `null`: answers stay as they are. */
  readonly responseEdits: ResponseEdits | null
  /** What is not as the upstream says; `null`: nothing. */
  readonly forwardLimits: ForwardLimits | null
  readonly refusals: RouteRefusals
  /** For metrics: the issuer when there is only one, else `NO_INDEX`. */
  readonly issuerIndex: number
}
