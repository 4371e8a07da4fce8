/** How long a revocation is kept that names no end: as long as any token or session may live. */
import type { GatewayConfiguration } from '../config/gateway-configuration.ts'

const MS_PER_SECOND = 1_000

export function revocationsLastSeconds({ revocation, sessions }: GatewayConfiguration): number {
  return Math.max(
    revocation.credentialLifetimeMaxMs / MS_PER_SECOND,
    sessions?.absoluteTtlSeconds ?? 0,
  )
}
