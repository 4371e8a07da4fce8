/** Metrics of Redis, and the keys of issuers. */
import type { MetricRow } from './metric-row.ts'
import { oneOfStates } from './samples.ts'

export const STORE_METRICS = {
  redisConnections: {
    name: 'sallyport_redis_connections',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help: 'Connections of the listener threads to Redis: all of them (open), and those in use.',
    samples: ({ listeners: { redis } }) => [
      { labels: { state: 'open' }, value: redis.open },
      { labels: { state: 'ready' }, value: redis.ready },
    ],
  },
  jwksKeyAge: {
    name: 'sallyport_jwks_key_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['issuer'],
    help: 'Time since the keys of the issuer were last fetched. Absent before the first fetch.',
    samples: ({ issuers }) =>
      issuers.flatMap(({ issuer, keyAgeSeconds }) =>
        keyAgeSeconds === null ? [] : [{ labels: { issuer }, value: keyAgeSeconds }],
      ),
  },
  jwksRefreshFailures: {
    name: 'sallyport_jwks_refresh_failures_total',
    type: 'counter',
    unit: null,
    labels: ['issuer'],
    help: 'Failed fetches of the keys of the issuer.',
    samples: ({ issuers }) =>
      issuers.map(({ issuer, refreshFailures }) => ({
        labels: { issuer },
        value: refreshFailures,
      })),
  },
  jwksKeysWithoutPlace: {
    name: 'sallyport_jwks_keys_without_place',
    type: 'gauge',
    unit: null,
    labels: ['issuer'],
    help: 'Published keys of the issuer that are not used, because there is no room. Normally 0.',
    samples: ({ issuers }) =>
      issuers.map(({ issuer, keysWithoutPlace }) => ({
        labels: { issuer },
        value: keysWithoutPlace,
      })),
  },
  jwksState: {
    name: 'sallyport_jwks_state',
    type: 'gauge',
    unit: null,
    labels: ['issuer', 'state'],
    help: '1 for the state that the keys of the issuer are in, 0 for the others.',
    samples: ({ issuers, issuerStates }) =>
      issuers.flatMap(({ issuer, state }) => oneOfStates(issuerStates, state, { issuer })),
  },
} as const satisfies Record<string, MetricRow>
