/**
 * What requests are decided by: all that follows from one configuration. Immutable, except that
 * shared memory behind it moves on. A request keeps the revision under which it began.
 */
import type { CredentialExtractor } from '../credentials/extract-credential.ts'
import type { AddressLists } from '../http/address-lists.ts'
import type { OriginList } from '../http/origin-list.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import type { Limiter } from '../rate-limit/limiter.ts'
import type { RouteLimits } from '../rate-limit/route-limits.ts'
import type { LearntRevocations } from '../revocation/learnt-revocations.ts'
import type { RevocationReader } from '../revocation/revocation-reader.ts'
import type { RouteTable } from '../routing/compile-routes.ts'
import type { Clock } from '../runtime/clock.ts'
import type { TenantPolicy } from '../tenants/match-token-tenant.ts'
import type { TenantResolver } from '../tenants/resolve-tenant.ts'
import type { TenantRegistry } from '../tenants/tenant-registry.ts'
import type { Authenticator } from '../verifiers/authenticator.ts'
import type { RouteRequirement } from './authorize.ts'

/**
 * - `none`: no credential is looked for; what there is goes upstream as it came.
 * - `optional`: a request without a credential passes without an identity; a bad one is refused.
 * - `required`: no request passes without an identity.
 */
export type RouteAuthentication = 'none' | 'optional' | 'required'

/** One kind of credential that a route accepts. */
export interface AuthenticationMethod {
  readonly extractor: CredentialExtractor
  readonly authenticator: Authenticator
  /** Whether the credential is an API key, which may have limits of its own. */
  readonly isApiKey: boolean
}

/** How a route finds the tenant of a request. */
export interface RouteTenants {
  readonly resolver: TenantResolver
  /** The thread's; replaced from the inside when tenants change. */
  readonly registry: TenantRegistry
  readonly policy: TenantPolicy
}

/** As much of a route as decisions depend on, compiled when the configuration is loaded. */
export interface RouteRules extends AddressLists {
  /** In the configuration. */
  readonly name: string
  readonly authentication: RouteAuthentication
  /** In the order in which their credentials are looked for: the first that is there decides. */
  readonly methods: readonly AuthenticationMethod[]
  /** Why a request without any credential is refused. */
  readonly absent: RefusalReason
  readonly requirement: RouteRequirement
  /** Whether the requirement lets every known caller pass. */
  readonly requiresNothing: boolean
  /** `null`: its requests belong to no tenant. */
  readonly tenants: RouteTenants | null
  /** `null`: its requests are not counted. */
  readonly limits: RouteLimits | null
  /** Origins of pages that may send what changes something, by cookie. */
  readonly allowedOrigins: OriginList
  /** Whether it matters from where a request comes that changes something, by cookie. */
  readonly checksSite: boolean
}

export interface Revision<Route extends RouteRules> {
  /** Goes up by one with each configuration that the process takes over. */
  readonly id: number
  readonly routes: RouteTable<Route>
  readonly revocations: RevocationReader
  /** No credential that could have been revoked passes before. */
  readonly learntRevocations: LearntRevocations
  readonly clock: Clock
  readonly limiter: Limiter
}
