/** Metrics of rate limits and lock-out, beside the counters of thread-counters.ts. */
import type { MetricRow } from './metric-row.ts'
import { single } from './samples.ts'

export const LIMIT_METRICS = {
  limitKeys: {
    name: 'sallyport_rate_limit_tracked_keys',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help:
      'Addresses, users and others that are counted now. Those that are locked out are told apart. ' +
      'Beyond 262 144 places estimated from a part of them.',
    samples: ({ limitKeys: { used, locked } }) => [
      { labels: { state: 'counted' }, value: used - locked },
      { labels: { state: 'locked' }, value: locked },
    ],
  },
  limitKeysMax: {
    name: 'sallyport_rate_limit_tracked_keys_max',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Places for them.',
    samples: ({ limitKeys }) => single(limitKeys.capacity),
  },
} as const satisfies Record<string, MetricRow>
