/** Metrics of the tenants in Redis. */
import type { MetricRow } from './metric-row.ts'
import { oneOfStates, single } from './samples.ts'

export const TENANT_METRICS = {
  tenants: {
    name: 'sallyport_tenants',
    type: 'gauge',
    unit: null,
    labels: [],
    help:
      'Tenants of Redis that are known, those among them that cannot be read included. Absent, like ' +
      'the next three, where there are none in Redis.',
    samples: ({ tenants }) => (tenants === null ? [] : single(tenants.size)),
  },
  tenantsState: {
    name: 'sallyport_tenants_state',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help: '1 for the state in which this instance knows the tenants in Redis, 0 for the others.',
    samples: ({ tenants, tenantsStates }) =>
      tenants === null ? [] : oneOfStates(tenantsStates, tenants.state),
  },
  tenantsUnreadable: {
    name: 'sallyport_tenants_unreadable',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Records of tenants in Redis that cannot be understood. Their tenants get 503.',
    samples: ({ tenants }) => (tenants === null ? [] : single(tenants.unreadable)),
  },
  tenantsLeftOut: {
    name: 'sallyport_tenants_left_out',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'At least so many tenants of Redis found no room and are not served. Must be 0.',
    samples: ({ tenants }) => (tenants === null ? [] : single(tenants.leftOut)),
  },
} as const satisfies Record<string, MetricRow>
