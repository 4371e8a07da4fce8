/** Every metric that the gateway exports: the one table. docs/metrics.md is generated from it. */
import { CACHE_METRICS } from './cache-metrics.ts'
import { LIMIT_METRICS } from './limit-metrics.ts'
import type { MetricRow } from './metric-row.ts'
import { PROCESS_METRICS } from './process-metrics.ts'
import { RELOAD_METRICS } from './reload-metrics.ts'
import { REQUEST_METRICS } from './request-metrics.ts'
import { REVOCATION_METRICS } from './revocation-metrics.ts'
import { single } from './samples.ts'
import { STORE_METRICS } from './store-metrics.ts'
import { TENANT_METRICS } from './tenant-metrics.ts'
import { THREAD_COUNTER_NAMES, THREAD_COUNTERS } from './thread-counters.ts'
import { UPSTREAM_METRICS } from './upstream-metrics.ts'
import { VERIFICATION_METRICS } from './verification-metrics.ts'

const THREAD_METRICS: readonly MetricRow[] = THREAD_COUNTER_NAMES.map((counter) => ({
  ...THREAD_COUNTERS[counter],
  type: 'counter',
  unit: null,
  labels: [],
  samples: ({ listeners }) => single(listeners.counts[counter]),
}))

export const METRICS: readonly MetricRow[] = [
  ...[REQUEST_METRICS, CACHE_METRICS, VERIFICATION_METRICS, STORE_METRICS].flatMap(rowsOf),
  ...THREAD_METRICS,
  ...[UPSTREAM_METRICS, LIMIT_METRICS, REVOCATION_METRICS, TENANT_METRICS].flatMap(rowsOf),
  ...[RELOAD_METRICS, PROCESS_METRICS].flatMap(rowsOf),
]

function rowsOf(group: Readonly<Record<string, MetricRow>>): readonly MetricRow[] {
  return Object.values(group)
}
