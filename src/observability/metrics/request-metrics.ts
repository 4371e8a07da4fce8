/** Metrics of requests and the answers of the gateway. */
import type { MetricRow } from './metric-row.ts'
import { LATENCY_PHASES } from './metric-words.ts'
import { histogram, twoLabels, withCode } from './samples.ts'

const REQUEST_DURATION = 'sallyport_request_duration_seconds'

export const REQUEST_METRICS = {
  requests: {
    name: 'sallyport_requests_total',
    type: 'counter',
    unit: null,
    labels: ['route', 'outcome'],
    help: 'Finished requests by route and outcome. Route "none": no route matched.',
    samples: ({ listeners }) => twoLabels(listeners.requests, 'route', 'outcome'),
  },
  refusals: {
    name: 'sallyport_refusals_total',
    type: 'counter',
    unit: null,
    labels: ['code', 'reason', 'issuer'],
    help:
      'Answers of the gateway itself by error code, reason and issuer. Issuer "none": not known. ' +
      'The code follows from the reason.',
    samples: ({ listeners }) => twoLabels(listeners.refusals, 'reason', 'issuer').map(withCode),
  },
  shadowRefusals: {
    name: 'sallyport_shadow_refusals_total',
    type: 'counter',
    unit: null,
    labels: ['route', 'code'],
    help:
      'Requests that a route in shadow let pass although it would have refused them, by error ' +
      'code. Not part of the refusals.',
    samples: ({ listeners }) => twoLabels(listeners.shadowRefusals, 'route', 'code'),
  },
  requestDuration: {
    name: REQUEST_DURATION,
    type: 'histogram',
    unit: 'seconds',
    labels: ['phase'],
    help:
      'Time per request. Phase "total": request head read until answer handed over; ' +
      '"authenticate": verification of credentials that were not in the cache; ' +
      '"upstream": dispatch until the head of the answer.',
    samples: ({ listeners }) =>
      LATENCY_PHASES.flatMap((phase) =>
        histogram(REQUEST_DURATION, listeners.latencies[phase], phase),
      ),
  },
} as const satisfies Record<string, MetricRow>
