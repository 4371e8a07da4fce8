/** What metrics say that does not change while the process runs. */
import { KEY_SET_STATES } from '../keys/key-set.ts'
import type { MetricsReading } from '../observability/metrics/metrics-reading.ts'
import { CIRCUIT_STATES } from '../resilience/circuit-breaker.ts'
import { REVOCATION_FEED_STATES } from '../revocation/revocation-feed.ts'
import { engineLabel, type ServerEngine } from '../server/server-engine.ts'
import { TENANTS_STATES } from '../tenants/tenant-watcher.ts'

type FixedMetrics = Pick<
  MetricsReading,
  'issuerStates' | 'revocationLogStates' | 'tenantsStates' | 'circuitStates' | 'build'
>

export function fixedMetrics(gatewayVersion: string, engine: ServerEngine): FixedMetrics {
  return {
    issuerStates: KEY_SET_STATES,
    revocationLogStates: REVOCATION_FEED_STATES,
    tenantsStates: TENANTS_STATES,
    circuitStates: CIRCUIT_STATES,
    build: {
      version: gatewayVersion,
      node: process.version,
      nativeServer: engineLabel(engine),
    },
  }
}
