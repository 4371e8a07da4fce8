/** How upstreams learn who is calling, as the rest of the gateway receives it. */
import type { PartNames } from '../protocol/identity-parts.ts'

/**
 * - `headers`: header fields in place of the credential.
 * - `internal-token`: a JWT of the gateway in place of the credential.
 * - `pass-through`: the credential as it came.
 */
export type IdentityStrategyName = 'headers' | 'internal-token' | 'pass-through'

export interface IdentityConfiguration {
  /** Of routes that do not say. */
  readonly strategy: IdentityStrategyName
  readonly headers: IdentityHeadersConfiguration
  readonly internalToken: InternalTokenConfiguration
}

export interface InternalTokenConfiguration {
  /** No issuer of clients has the same. */
  readonly issuer: string
  readonly audience: string
  readonly algorithm: 'ES256' | 'EdDSA'
  /** From 1 to 300. */
  readonly ttlSeconds: number
  readonly keyRotationMs: number
  /** How long upstreams may keep the published keys. */
  readonly upstreamCacheMs: number
  readonly keys: InternalTokenKeysConfiguration
}

export interface KeyDerivationConfiguration {
  readonly secret: Uint8Array
  readonly algorithm: 'ES256' | 'EdDSA'
  readonly keyRotationMs: number
}

/** Where the keys come from; `path` is a file or a directory. */
export type InternalTokenKeysConfiguration =
  | { readonly kind: 'generated' }
  | {
      readonly kind: 'secret'
      readonly secret: Uint8Array
      readonly published: readonly KeyDerivationConfiguration[]
    }
  | { readonly kind: 'files'; readonly path: string }

/** Names as written; `null`: not sent. No two are the same. */
export interface IdentityHeadersConfiguration extends PartNames {
  readonly userId: string | null
  readonly clientId: string | null
  readonly tenantPlan: string | null
  readonly issuer: string | null
  readonly expires: string | null
  readonly sessionId: string | null
  readonly requestId: string | null
  readonly correlationId: string | null
}
