/** Verdicts over real tables of their own, small ones. */
import type { KeyGenerations } from '../../src/shared-memory/key-generations.ts'
import { createInFlightBuffer, InFlight } from '../../src/token-cache/in-flight.ts'
import { createRefusalCacheBuffer, RefusalCache } from '../../src/token-cache/refusal-cache.ts'
import { createTokenCacheBuffer, TokenCache } from '../../src/token-cache/token-cache.ts'
import { LongLivedTokens } from '../../src/verifiers/bearer-token/long-lived-tokens.ts'
import { RefusalDetails } from '../../src/verifiers/bearer-token/refusal-details.ts'
import { SharedVerdicts } from '../../src/verifiers/bearer-token/shared-verdicts.ts'
import type { ManualClock } from './manual-clock.ts'

/**
 * @param lifeSeconds Longest life of a token for which revocations are kept.
 * @param details Names that refusals may have in their detail.
 */
export function createVerdicts(
  keys: KeyGenerations,
  clock: ManualClock,
  lifeSeconds: number,
  details: readonly string[] = [],
): SharedVerdicts {
  return new SharedVerdicts({
    cache: new TokenCache({ buffer: createTokenCacheBuffer(1 / 4), keys, memoEntries: 64 }),
    refusals: new RefusalCache({ buffer: createRefusalCacheBuffer(65_536), keys, ttlSeconds: 10 }),
    inFlight: new InFlight(createInFlightBuffer()),
    keys,
    clock,
    lookups: { countCacheLookup: () => undefined },
    longLived: new LongLivedTokens((issuer) => ({ issuer, lastsSeconds: lifeSeconds }), {
      security: () => undefined,
    }),
    details: new RefusalDetails(details),
  })
}
