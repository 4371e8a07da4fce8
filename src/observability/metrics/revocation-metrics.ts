/** Metrics of revocations. */
import type { MetricRow } from './metric-row.ts'
import { oneOfStates, single } from './samples.ts'

export const REVOCATION_METRICS = {
  revocations: {
    name: 'sallyport_revocations',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Revocations in memory, with some that have ended within the last minute.',
    samples: ({ revocations }) => single(revocations.size),
  },
  revocationCapacity: {
    name: 'sallyport_revocation_capacity',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Revocations that can be in memory. When there are as many, new ones are refused.',
    samples: ({ revocations }) => single(revocations.capacity),
  },
  revocationsOfIssuer: {
    name: 'sallyport_revocations_of_issuer',
    type: 'gauge',
    unit: null,
    labels: ['issuer'],
    help:
      'Revocations in memory that count towards the share of the issuer; `none` are sessions and ' +
      'API keys.',
    samples: ({ revocations }) =>
      revocations.issuers.map(({ issuer, count }) => ({ labels: { issuer }, value: count })),
  },
  revocationsRefused: {
    name: 'sallyport_revocations_refused_total',
    type: 'counter',
    unit: null,
    labels: ['issuer'],
    help: 'Revocations and logouts that were refused because the share of the issuer is full.',
    samples: ({ revocations }) =>
      revocations.issuers.map(({ issuer, refused }) => ({ labels: { issuer }, value: refused })),
  },
  revocationsLeftOut: {
    name: 'sallyport_revocations_left_out',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Revocations that found no room and are not in force in this instance. Must be 0.',
    samples: ({ revocations }) => single(revocations.log?.leftOut ?? 0),
  },
  revocationLogState: {
    name: 'sallyport_revocation_log_state',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help: '1 for the state in which this instance reads what others revoke, 0 for the others.',
    samples: ({ revocations: { log }, revocationLogStates }) =>
      log === null ? [] : oneOfStates(revocationLogStates, log.state),
  },
  revocationLogLag: {
    name: 'sallyport_revocation_log_lag_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'Time since all that others revoked was last known here. Absent before the first time.',
    samples: ({ revocations }) => {
      const lagSeconds = revocations.log?.lagSeconds ?? null
      return lagSeconds === null ? [] : single(lagSeconds)
    },
  },
  revocationsPending: {
    name: 'sallyport_revocations_pending',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Revocations known here that Redis has yet to take, or to take again.',
    samples: ({ revocations }) => single(revocations.log?.pending ?? 0),
  },
  revocationAppendFailures: {
    name: 'sallyport_revocation_append_failures_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Attempts to send revocations to Redis that failed. They are tried again.',
    samples: ({ revocations }) => single(revocations.log?.appendFailures ?? 0),
  },
  revocationsUnreadable: {
    name: 'sallyport_revocation_records_unreadable_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Records of revocations in Redis that were none, and were skipped.',
    samples: ({ revocations }) => single(revocations.log?.unreadable ?? 0),
  },
} as const satisfies Record<string, MetricRow>
