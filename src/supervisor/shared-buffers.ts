/** The memory that all threads share: made once, when the process starts. */
import type { GatewayConfiguration } from '../config/sections.ts'
import { createLimitCellsBuffer } from '../rate-limit/limit-cells.ts'
import { createFirstSightsBuffer } from '../revocation/first-sights.ts'
import { createLearntRevocationsBuffer } from '../revocation/learnt-revocations.ts'
import { createRevocationBuffer } from '../revocation/revocation-index.ts'
import { createKeyGenerationsBuffer } from '../shared-memory/key-generations.ts'
import type { SharedBuffers } from '../threads/listener-start.ts'
import { createInFlightBuffer } from '../token-cache/in-flight.ts'
import { createRefusalCacheBuffer } from '../token-cache/refusal-cache.ts'
import { createTokenCacheBuffer } from '../token-cache/token-cache.ts'
import { verificationPlacesRoom } from './verification-keys-max.ts'

const BYTES_PER_MIB = 2 ** 20
/** Addresses, users and others that are counted at once: docs/rate-limits.md. */
const LIMIT_CELLS = 131_072
/** Two for each limit at most; the rest is room, so that they do not meet. */
const TOTAL_CELLS = 4_096
/** Refusals get memory of their own, on top of the cache's: this part of its size. */
const REFUSAL_SHARE = 1 / 32

export function createBuffers(configuration: GatewayConfiguration): SharedBuffers {
  const { cache, issuers, revocation } = configuration
  const refusalBytes = Math.floor(cache.sizeMiB * BYTES_PER_MIB * REFUSAL_SHARE)
  return {
    keyGenerations: createKeyGenerationsBuffer(verificationPlacesRoom(issuers)),
    tokenCache: createTokenCacheBuffer(cache.sizeMiB),
    refusals: createRefusalCacheBuffer(refusalBytes),
    inFlight: createInFlightBuffer(),
    revocations: createRevocationBuffer(revocation.capacity),
    firstSights: createFirstSightsBuffer(),
    learntRevocations: createLearntRevocationsBuffer(),
    limitCells: createLimitCellsBuffer(LIMIT_CELLS),
    totalCells: createLimitCellsBuffer(TOTAL_CELLS),
  }
}

/** Records of tenants and API keys may have limits of their own. */
export function hasLimits({ rateLimits, tenants, apiKeys }: GatewayConfiguration): boolean {
  return rateLimits.length > 0 || tenants !== null || apiKeys !== null
}
