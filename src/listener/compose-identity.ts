/** How the routes of a listener thread tell their upstreams who is calling. */
import type { GatewayConfiguration } from '../config/sections.ts'
import {
  IdentityHeaders,
  type IdentityStrategy,
  type IdentityStrategyName,
  InternalTokens,
  NO_INTERNAL_TOKENS,
  PASS_THROUGH,
} from '../identity/identity-strategy.ts'
import type { SigningSnapshot } from '../identity/signing-keys.ts'
import { randomHex } from '../runtime/randomness.ts'

export interface ComposedIdentity {
  /** One object for all routes: what it works out for an identity is kept once. */
  readonly strategies: Readonly<Record<IdentityStrategyName, IdentityStrategy>>
  /** `null`: no route sends internal tokens. */
  readonly internalTokens: InternalTokens | null
}

/** @param keys `null`: no route sends internal tokens. */
export function composeIdentity(
  { identity }: GatewayConfiguration,
  keys: SigningSnapshot | null,
): ComposedIdentity {
  const internalTokens = keys && new InternalTokens(identity.internalToken, keys, randomHex)
  return {
    strategies: {
      headers: new IdentityHeaders(identity.headers),
      'internal-token': internalTokens ?? NO_INTERNAL_TOKENS,
      'pass-through': PASS_THROUGH,
    },
    internalTokens,
  }
}
