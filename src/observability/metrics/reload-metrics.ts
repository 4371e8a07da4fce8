/** Metrics of the configuration, and of loading it anew. */
import type { MetricRow } from './metric-row.ts'
import { single } from './samples.ts'

export const RELOAD_METRICS = {
  configurationRevision: {
    name: 'sallyport_configuration_revision',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Number of the configuration in use: 1 since the start, and one more with each reload.',
    samples: ({ reloads }) => single(reloads.revision),
  },
  configurationRevisionsInUse: {
    name: 'sallyport_configuration_revisions_in_use',
    type: 'gauge',
    unit: null,
    labels: [],
    help:
      'Configurations that the listener thread holds which holds most: the one in use, one that is ' +
      'prepared, and those under which requests began that still run. Normally 1.',
    samples: ({ listeners }) => single(listeners.revisions),
  },
  configurationReloads: {
    name: 'sallyport_configuration_reloads_total',
    type: 'counter',
    unit: null,
    labels: ['outcome'],
    help: 'Attempts to load the configuration anew, by outcome.',
    samples: ({ reloads: { outcomes } }) =>
      Object.entries(outcomes).map(([outcome, value]) => ({ labels: { outcome }, value })),
  },
  configurationLastReload: {
    name: 'sallyport_configuration_last_reload_successful',
    type: 'gauge',
    unit: null,
    labels: [],
    help:
      '1 as long as the last attempt to load the configuration anew was not refused, 0 after one ' +
      'that was: the file is not what is in use.',
    samples: ({ reloads }) => single(reloads.isLastSuccessful ? 1 : 0),
  },
  configurationLoaded: {
    name: 'sallyport_configuration_last_reload_success_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'When the configuration in use was last found to be that of the file. Since the epoch.',
    samples: ({ reloads }) => single(reloads.succeededAtSeconds),
  },
} as const satisfies Record<string, MetricRow>
