/**
 * What a thread has worked out about an identity, kept beside the verdict so that it is worked out
 * once for all requests that carry the credential.
 */
import type { ServedTenant } from '../identity/identity-headers.ts'
import type { IdentitySlots } from '../identity/identity-strategy.ts'
import type { MintedToken } from '../identity/internal-token.ts'
import type { RevocationKeys } from '../revocation/revocation-key.ts'
import type { CachedVerified } from '../token-cache/token-cache.ts'

export class DerivedIdentity implements IdentitySlots {
  headerLines: string | null = null
  headerTenant: ServedTenant | null = null
  minted: MintedToken | null = null
  /** What it can be revoked by; `null` until it was first asked about. */
  revocation: RevocationKeys | null = null
}

/** What was derived from a verdict; made when it is first asked for. */
export function derivedOf(established: CachedVerified<DerivedIdentity>): DerivedIdentity {
  established.derived ??= new DerivedIdentity()
  return established.derived
}
