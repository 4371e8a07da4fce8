/** What settings towards upstreams are when they are left out, resolved. */

export const UPSTREAM_DEFAULTS = {
  host: { kind: 'client' },
  basePath: null,
  connectTimeoutMs: 2_000,
  responseTimeoutMs: 30_000,
  bodyTimeoutMs: 60_000,
  idleTimeoutMs: 4_000,
  bodyBytes: null,
  responseHeaderBytes: 16_384,
  tls: { ca: null, certificate: null, key: null },
} as const

const NO_EDITS = { set: {}, add: {}, remove: [] }

/** Which requests a route is for that names nothing but their path. */
export const MATCH_DEFAULTS = {
  host: null,
  methods: [],
  encodedSlash: 'refuse',
  emptySegments: 'refuse',
}

export const ROUTE_DEFAULTS = {
  stripPrefix: null,
  addPrefix: null,
  rewrite: null,
  isMoved: false,
  responseTimeoutMs: null,
  bodyTimeoutMs: null,
  bodyBytes: null,
  headers: { request: NO_EDITS, response: NO_EDITS },
} as const
