/** Metrics of upstreams. */
import type { MetricRow } from './metric-row.ts'
import { byUpstream, type Sample, twoLabels } from './samples.ts'

/** The pool counts under both words at once (proxy/upstream-pool.ts). */
function withReasonAndCause({ labels, value }: Sample): Sample {
  const [reason = '', cause = ''] = (labels['words'] ?? '').split(' ')
  return { labels: { upstream: labels['upstream'] ?? '', reason, cause }, value }
}

export const UPSTREAM_METRICS = {
  upstreamPending: {
    name: 'sallyport_upstream_pending',
    type: 'gauge',
    unit: null,
    labels: ['upstream'],
    help: 'Requests sent or waiting to be sent to the upstream and not answered yet.',
    samples: ({ listeners }) => byUpstream(listeners.upstreams, ({ pending }) => pending),
  },
  upstreamWaiting: {
    name: 'sallyport_upstream_waiting',
    type: 'gauge',
    unit: null,
    labels: ['upstream'],
    help: 'Of these, requests that wait for a connection. Longer than 5 s: 503 `overloaded`.',
    samples: ({ listeners }) => byUpstream(listeners.upstreams, ({ waiting }) => waiting),
  },
  upstreamConnections: {
    name: 'sallyport_upstream_connections',
    type: 'gauge',
    unit: null,
    labels: ['upstream'],
    help: 'Open connections to the targets of the upstream, in use or idle.',
    samples: ({ listeners }) => byUpstream(listeners.upstreams, ({ connected }) => connected),
  },
  upstreamTargets: {
    name: 'sallyport_upstream_targets',
    type: 'gauge',
    unit: null,
    labels: ['upstream'],
    help: 'Targets that the upstream has.',
    samples: ({ listeners }) => byUpstream(listeners.upstreams, ({ targets }) => targets),
  },
  upstreamEjected: {
    name: 'sallyport_upstream_ejected',
    type: 'gauge',
    unit: null,
    labels: ['upstream'],
    help: 'Targets of the upstream that are ejected, as seen by the listener that sees most.',
    samples: ({ listeners }) => byUpstream(listeners.upstreams, ({ ejected }) => ejected),
  },
  upstreamTargetEjected: {
    name: 'sallyport_upstream_target_ejected',
    type: 'gauge',
    unit: null,
    labels: ['upstream', 'target'],
    help: '1 when a listener thread has ejected this target, else 0.',
    samples: ({ listeners }) =>
      [...listeners.upstreams].flatMap(([upstream, { ejectedByTarget }]) =>
        Object.entries(ejectedByTarget).map(([target, isEjected]) => ({
          labels: { upstream, target },
          value: isEjected ? 1 : 0,
        })),
      ),
  },
  upstreamEjections: {
    name: 'sallyport_upstream_ejections_total',
    type: 'counter',
    unit: null,
    labels: ['upstream'],
    help: 'How often a listener thread ejected a target. Each thread watches by itself.',
    samples: ({ listeners }) =>
      byUpstream(listeners.upstreamCounts, (counts) => counts.get('ejections') ?? 0),
  },
  upstreamFailures: {
    name: 'sallyport_upstream_failures_total',
    type: 'counter',
    unit: null,
    labels: ['upstream', 'reason', 'cause'],
    help: 'Attempts at the upstream that failed, by reason and cause; repeated ones included.',
    samples: ({ listeners }) =>
      twoLabels(listeners.upstreamFailures, 'upstream', 'words').map(withReasonAndCause),
  },
  upstreamRetries: {
    name: 'sallyport_upstream_retries_total',
    type: 'counter',
    unit: null,
    labels: ['upstream'],
    help: 'Attempts that were repeated.',
    samples: ({ listeners }) =>
      byUpstream(listeners.upstreamCounts, (counts) => counts.get('retries') ?? 0),
  },
  upstreamRetriesDenied: {
    name: 'sallyport_upstream_retries_denied_total',
    type: 'counter',
    unit: null,
    labels: ['upstream'],
    help: 'Attempts that were not repeated, because `retryBudget` was used up.',
    samples: ({ listeners }) =>
      byUpstream(listeners.upstreamCounts, (counts) => counts.get('retriesDenied') ?? 0),
  },
} as const satisfies Record<string, MetricRow>
