/** Metrics of connections, threads, the log and the process. */
import type { MetricRow } from './metric-row.ts'
import { eventLoopDelays, oneLabel, single } from './samples.ts'

export const PROCESS_METRICS = {
  openConnections: {
    name: 'sallyport_open_connections',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Client connections that are open.',
    samples: ({ listeners }) => single(listeners.openConnections),
  },
  eventLoopDelay: {
    name: 'sallyport_event_loop_delay_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['thread', 'statistic'],
    help: 'Delay of the event loop of a listener thread since the last scrape.',
    samples: ({ listeners }) => listeners.threads.flatMap(eventLoopDelays),
  },
  eventLoopUtilization: {
    name: 'sallyport_event_loop_utilization',
    type: 'gauge',
    unit: null,
    labels: ['thread'],
    help: 'Share of the time since the last scrape in which the event loop was busy, 0 to 1.',
    samples: ({ listeners }) =>
      listeners.threads.map(({ threadIndex, eventLoop }) => ({
        labels: { thread: String(threadIndex) },
        value: eventLoop.utilization,
      })),
  },
  listenerThreads: {
    name: 'sallyport_listener_threads',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Listener threads that answered this scrape.',
    samples: ({ listeners }) => single(listeners.threads.length),
  },
  listenerRestarts: {
    name: 'sallyport_listener_restarts_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Listener threads that ended unexpectedly and were replaced.',
    samples: ({ listenerRestarts }) => single(listenerRestarts),
  },
  logLinesDropped: {
    name: 'sallyport_log_lines_dropped_total',
    type: 'counter',
    unit: null,
    labels: ['stream'],
    help: 'Log lines that were dropped because their buffer was full, by stream.',
    samples: ({ log }) => oneLabel(log.dropped, 'stream'),
  },
  logWriteFailures: {
    name: 'sallyport_log_write_failures_total',
    type: 'counter',
    unit: null,
    labels: ['error'],
    help:
      'Failed attempts to write the log, by error. They are repeated until one succeeds, and lines ' +
      'wait in the buffer meanwhile.',
    samples: ({ log }) => oneLabel(log.failures, 'error'),
  },
  certificateExpires: {
    name: 'sallyport_tls_certificate_expires_timestamp_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help:
      'When the certificate expires that new connections get (notAfter). Since the epoch. Absent ' +
      'without `server.tls`.',
    samples: ({ certificateExpiresAtSeconds }) =>
      certificateExpiresAtSeconds === null ? [] : single(certificateExpiresAtSeconds),
  },
  accessLinesLeftOut: {
    name: 'sallyport_access_lines_left_out_total',
    type: 'counter',
    unit: null,
    labels: ['kind'],
    help:
      'Access lines that were due and left out, because `logging.accessLog.linesPerSecondMax` of ' +
      'their kind were written in that second.',
    samples: ({ listeners }) => oneLabel(listeners.accessLinesLeftOut, 'kind'),
  },
  securityEvents: {
    name: 'sallyport_security_events_total',
    type: 'counter',
    unit: null,
    labels: ['event'],
    help: 'Security events by name, those included that were too many to be written.',
    samples: ({ securityEvents }) => oneLabel(securityEvents, 'event'),
  },
  webhookEvents: {
    name: 'sallyport_webhook_events_total',
    type: 'counter',
    unit: null,
    labels: ['result'],
    help:
      'Security events that were to be sent to the webhook, by what became of them. Absent, like ' +
      'the next two, without one.',
    samples: ({ webhook }) => (webhook === null ? [] : oneLabel(webhook.events, 'result')),
  },
  webhookAttempts: {
    name: 'sallyport_webhook_attempts_total',
    type: 'counter',
    unit: null,
    labels: ['result'],
    help: 'Batches sent to the webhook, by how that ended.',
    samples: ({ webhook }) => (webhook === null ? [] : oneLabel(webhook.attempts, 'result')),
  },
  webhookQueue: {
    name: 'sallyport_webhook_queued_events',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Security events that wait for the webhook.',
    samples: ({ webhook }) => (webhook === null ? [] : single(webhook.queued)),
  },
  ready: {
    name: 'sallyport_ready',
    type: 'gauge',
    unit: null,
    labels: [],
    help: '1 while the instance is ready for traffic, 0 otherwise.',
    samples: ({ ready }) => single(ready ? 1 : 0),
  },
  build: {
    name: 'sallyport_build_info',
    type: 'gauge',
    unit: null,
    labels: ['version', 'node', 'native_server'],
    help: 'Always 1. The labels say what runs.',
    samples: ({ build: { version, node, nativeServer } }) => [
      { labels: { version, node, native_server: nativeServer }, value: 1 },
    ],
  },
} as const satisfies Record<string, MetricRow>
