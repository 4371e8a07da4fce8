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
import type { KeptPath } from '../protocol/kept-claims.ts'
import { randomHex } from '../runtime/randomness.ts'
import type { RevisionPlan } from '../threads/listener-start.ts'
import type { ResourceLease } from '../threads/resources.ts'
import { customHeaders, repeatedClaims } from './kept-paths.ts'

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
  { configuration, signingKeys }: RevisionPlan,
  keptPaths: readonly KeptPath[],
  lease: ResourceLease,
): ComposedIdentity {
  const settings = { ...tellingSettings(configuration, keptPaths), hasKeys: signingKeys !== null }
  return lease.take('identity', settings, {
    create: () => composeIdentity(configuration, keptPaths, signingKeys),
    close: () => {},
  })
}

/**
 * What an upstream is told of a caller follows from these, and from keys that come and go. The
 * paths are all that are kept, because a claim is found by the place of its path among them.
 */
export function tellingSettings(
  configuration: GatewayConfiguration,
  keptPaths: readonly KeptPath[],
) {
  const { headers, internalToken } = configuration.identity
  const { issuer, audience, ttlSeconds, claims } = internalToken
  const paths = keptPaths.map(({ path }) => path.text)
  return { headers, internalToken: { issuer, audience, ttlSeconds, claims }, paths }
}

/** @param keys `null`: no route sends internal tokens. */
function composeIdentity(
  configuration: GatewayConfiguration,
  kept: readonly KeptPath[],
  keys: SigningSnapshot | null,
): ComposedIdentity {
  const { headers, internalToken } = configuration.identity
  const options = { ...internalToken, claims: repeatedClaims(configuration, kept) }
  const internalTokens = keys && new InternalTokens(options, keys, randomHex)
  return {
    strategies: {
      headers: new IdentityHeaders(headers, customHeaders(configuration, kept)),
      'internal-token': internalTokens ?? NO_INTERNAL_TOKENS,
      'pass-through': PASS_THROUGH,
    },
    internalTokens,
  }
}
