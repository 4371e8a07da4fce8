/** One route with everything a request on it needs, compiled when the configuration is loaded. */
import type { RouteRequirement } from '../authentication/authorize.ts'
import type { VerificationProfile } from '../authentication/verification-profile.ts'
import type { CredentialExtractor } from '../credentials/extract-credential.ts'
import type { CredentialStripper } from '../credentials/strip-credential.ts'
import type { BearerChallenges } from '../protocol/bearer-challenge.ts'
import type { HeaderNameFilter } from '../proxy/header-name-filter.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'

/**
 * - `none`: nobody is asked; a credential goes upstream as it came.
 * - `optional`: no credential passes without an identity; a bad one is refused.
 * - `required`: no identity, no passage.
 */
export type RouteAuthentication = 'none' | 'optional' | 'required'

export interface GatewayRoute {
  readonly name: string
  /** Place in the configuration; counters are kept under it. */
  readonly index: number
  readonly authentication: RouteAuthentication
  readonly upstream: UpstreamPool
  readonly extractor: CredentialExtractor
  readonly stripper: CredentialStripper
  readonly profile: VerificationProfile
  readonly requirement: RouteRequirement
  /** Every request field that does not go upstream as the client sent it. */
  readonly requestFilter: HeaderNameFilter
  /** `WWW-Authenticate` for each refusal that has one; `null` where nobody is asked. */
  readonly challenges: BearerChallenges | null
  /** For metrics: the issuer when there is only one, else `NO_INDEX`. */
  readonly issuerIndex: number
}
