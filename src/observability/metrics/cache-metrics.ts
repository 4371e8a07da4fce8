/** Metrics of the caches of verdicts. */
import type { MetricRow } from './metric-row.ts'
import { ofCaches, oneLabel, twoLabels } from './samples.ts'

export const CACHE_METRICS = {
  cacheLookups: {
    name: 'sallyport_token_cache_lookups_total',
    type: 'counter',
    unit: null,
    labels: ['result'],
    help: 'Lookups in the token cache by result.',
    samples: ({ listeners }) => oneLabel(listeners.cacheLookups, 'result'),
  },
  cacheWrites: {
    name: 'sallyport_cache_writes_total',
    type: 'counter',
    unit: null,
    labels: ['cache', 'result'],
    help:
      'Entries that were to be written to a cache, by what became of them. "too_large" in the ' +
      'token cache: such tokens are verified anew on every request.',
    samples: ({ listeners }) => twoLabels(listeners.caches.writes, 'cache', 'result'),
  },
  cacheEvictions: {
    name: 'sallyport_cache_evictions_total',
    type: 'counter',
    unit: null,
    labels: ['cache'],
    help:
      'Entries that were removed to make room although they had not ended. A token cache that ' +
      'does so all the time is too small: see performance.md.',
    samples: ({ listeners }) => oneLabel(listeners.caches.evictions, 'cache'),
  },
  cacheTornReads: {
    name: 'sallyport_cache_torn_reads_total',
    type: 'counter',
    unit: null,
    labels: ['cache'],
    help: 'Reads that met an entry while another thread wrote it, and counted as misses.',
    samples: ({ listeners }) => oneLabel(listeners.caches.torn, 'cache'),
  },
  cacheEntries: {
    name: 'sallyport_cache_entries',
    type: 'gauge',
    unit: null,
    labels: ['cache'],
    help: 'Entries that have not ended. Beyond 16 MiB estimated from a part of the cache.',
    samples: ({ cacheFills }) => ofCaches(cacheFills, ({ entries }) => entries),
  },
  cacheSlotsUsed: {
    name: 'sallyport_cache_slots_used',
    type: 'gauge',
    unit: null,
    labels: ['cache'],
    help:
      'Slots that hold an entry or a part of one, those that have ended included. Divided by the ' +
      'entries: slots an entry, which for identities of more than some 450 bytes is 2 and more.',
    samples: ({ cacheFills }) => ofCaches(cacheFills, ({ slotsUsed }) => slotsUsed),
  },
  cacheSlots: {
    name: 'sallyport_cache_slots',
    type: 'gauge',
    unit: null,
    labels: ['cache'],
    help: 'Slots that the cache has: its capacity.',
    samples: ({ cacheFills }) => ofCaches(cacheFills, ({ slots }) => slots),
  },
  cacheSize: {
    name: 'sallyport_cache_size_bytes',
    type: 'gauge',
    unit: 'bytes',
    labels: ['cache'],
    help: 'Memory of the cache, in use or not.',
    samples: ({ cacheFills }) => ofCaches(cacheFills, ({ sizeBytes }) => sizeBytes),
  },
} as const satisfies Record<string, MetricRow>
