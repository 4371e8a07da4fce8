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
import type { RevisionPlan } from '../threads/listener-start.ts'
import type { ResourceLease } from '../threads/resources.ts'

export interface ComposedIdentity {
  /** One object for all routes: what it works out for an identity is kept once. */
  readonly strategies: Readonly<Record<IdentityStrategyName, IdentityStrategy>>
  /** `null`: no route sends internal tokens. */
  readonly internalTokens: InternalTokens | null
}

/**
 * One for all revisions with the same settings: what has been minted for a caller goes on being
 * used, and keys are told to each of them once.
 */
export function takeIdentity(
  { configuration: { identity }, signingKeys }: RevisionPlan,
  lease: ResourceLease,
): ComposedIdentity {
  const settings = { ...tellingSettings(identity), hasKeys: signingKeys !== null }
  return lease.take('identity', settings, {
    create: () => composeIdentity(identity, signingKeys),
    close: () => {},
  })
}

/** What an upstream is told of a caller follows from these, and from keys that come and go. */
export function tellingSettings({ headers, internalToken }: GatewayConfiguration['identity']) {
  const { issuer, audience, ttlSeconds } = internalToken
  return { headers, internalToken: { issuer, audience, ttlSeconds } }
}

/** @param keys `null`: no route sends internal tokens. */
function composeIdentity(
  identity: GatewayConfiguration['identity'],
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
