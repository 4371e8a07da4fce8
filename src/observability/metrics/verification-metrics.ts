/** Metrics of the verification threads and introspection endpoints. */
import type { MetricRow } from './metric-row.ts'
import { oneOfStates, single, twoLabels } from './samples.ts'

export const VERIFICATION_METRICS = {
  verificationQueueDepth: {
    name: 'sallyport_verification_queue_depth',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Tokens that wait for a verification thread.',
    samples: ({ listeners }) => single(listeners.verificationQueueDepth),
  },
  signatureBinding: {
    name: 'sallyport_signature_binding_state',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help:
      '1 for the state of the Rust binding that checks signatures, 0 for the others. In every ' +
      'state but "works" OpenSSL checks all of them.',
    samples: ({ signatureBinding: { state, states } }) => oneOfStates(states, state),
  },
  introspectionCircuit: {
    name: 'sallyport_introspection_circuit_state',
    type: 'gauge',
    unit: null,
    labels: ['issuer', 'callers', 'state'],
    help:
      '1 for the state of a circuit breaker of the introspection endpoint, 0 for the others. ' +
      'Callers "all": the one for every token; "known": the one that tokens use, while the ' +
      'first is open, which the endpoint has called active within the last hour.',
    samples: ({ introspection, circuitStates }) =>
      introspection.flatMap(({ issuer, circuits }) =>
        circuits.flatMap(({ callers, state }) =>
          oneOfStates(circuitStates, state, { issuer, callers }),
        ),
      ),
  },
  introspectionCircuitOpened: {
    name: 'sallyport_introspection_circuit_opened_total',
    type: 'counter',
    unit: null,
    labels: ['issuer', 'callers'],
    help: 'How often the breaker has opened, after a failed probe included.',
    samples: ({ introspection }) =>
      introspection.flatMap(({ issuer, circuits }) =>
        circuits.map(({ callers, opened }) => ({ labels: { issuer, callers }, value: opened })),
      ),
  },
  introspectionRequests: {
    name: 'sallyport_introspection_requests_total',
    type: 'counter',
    unit: null,
    labels: ['issuer', 'result'],
    help:
      'Requests to the introspection endpoint by what became of them. "client_rejected": it does ' +
      'not take the client secret.',
    samples: ({ listeners }) => twoLabels(listeners.introspection, 'issuer', 'result'),
  },
  introspectionPause: {
    name: 'sallyport_introspection_pause_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['issuer', 'callers'],
    help:
      'Time left in which the introspection endpoint is not asked, because it has answered 429 ' +
      'with Retry-After. 0: it may be asked. Callers "all": about no token; "unknown": about none ' +
      'but those that it has called active within the last hour.',
    samples: ({ introspection }) =>
      introspection.flatMap(({ issuer, pauses }) =>
        pauses.map(({ callers, seconds }) => ({ labels: { issuer, callers }, value: seconds })),
      ),
  },
  introspectionPauses: {
    name: 'sallyport_introspection_pauses_total',
    type: 'counter',
    unit: null,
    labels: ['issuer', 'callers'],
    help:
      'Pauses that the introspection endpoint has asked for. Callers: as for ' +
      '`sallyport_introspection_pause_seconds`.',
    samples: ({ introspection }) =>
      introspection.flatMap(({ issuer, pauses }) =>
        pauses.map(({ callers, begun }) => ({ labels: { issuer, callers }, value: begun })),
      ),
  },
} as const satisfies Record<string, MetricRow>
