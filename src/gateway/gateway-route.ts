/** One route with everything a request on it needs, compiled when the configuration is loaded. */
import type { RouteRequirement } from '../authentication/authorize.ts'
import type { Authenticator } from '../authentication/verdict.ts'
import type { CredentialExtractor } from '../credentials/extract-credential.ts'
import type { CredentialStripper } from '../credentials/strip-credential.ts'
import type { IdentityStrategy } from '../identity/identity-strategy.ts'
import type { AuthErrorCode } from '../protocol/auth-error.ts'
import type { HeaderNameFilter } from '../proxy/header-name-filter.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import type { RouteRefusals } from './refusal-response.ts'
import type { RouteTenants } from './route-tenants.ts'

/**
 * - `none`: nobody is asked; a credential goes upstream as it came.
 * - `optional`: no credential passes without an identity; a bad one is refused.
 * - `required`: no identity, no passage.
 */
export type RouteAuthentication = 'none' | 'optional' | 'required'

/** One kind of credential that a route accepts. */
export interface AuthenticationMethod {
  readonly extractor: CredentialExtractor
  readonly authenticator: Authenticator
}

export interface GatewayRoute {
  readonly name: string
  /** Place in the configuration; counters are kept under it. */
  readonly index: number
  readonly authentication: RouteAuthentication
  readonly upstream: UpstreamPool
  /** In the order in which their credentials are looked for: the first that is there decides. */
  readonly methods: readonly AuthenticationMethod[]
  /** The refusal of a request without any credential. */
  readonly absentCode: AuthErrorCode
  /**
   * Takes all of them out of what goes upstream, whichever decided. `null` where they stay, because
   * the upstream judges them too: nobody is asked here, or they are passed on, or in shadow.
   */
  readonly stripper: CredentialStripper | null
  /** Whether refusals are only reported: `mode: shadow`. */
  readonly isShadow: boolean
  /** How the upstream learns who is calling. */
  readonly identity: IdentityStrategy
  readonly requirement: RouteRequirement
  /** `null`: its requests belong to no tenant. */
  readonly tenants: RouteTenants | null
  /** Whether the requirement lets everybody pass who is known at all. */
  readonly requiresNothing: boolean
  /** Origins of pages that may send what changes something, by cookie. */
  readonly allowedOrigins: ReadonlySet<string>
  /** Every request field that does not go upstream as the client sent it. */
  readonly requestFilter: HeaderNameFilter
  /** `null` where nobody is asked. */
  readonly refusals: RouteRefusals | null
  /** For metrics: the issuer when there is only one, else `NO_INDEX`. */
  readonly issuerIndex: number
}
