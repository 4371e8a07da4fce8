/** Configurations of whole gateways for tests that are about proxying, not about credentials. */

export interface GatewayTextOptions {
  /** Settings of `server`, on top of a free port on loopback. */
  readonly server?: Readonly<Record<string, unknown>>
  /** Settings of the one upstream, on top of its targets. */
  readonly upstream?: Readonly<Record<string, unknown>>
  readonly issuers?: Readonly<Record<string, unknown>>
  /** `authenticate` of the one route; default: nobody is asked. */
  readonly authenticate?: unknown
}

/** A configuration with one route that takes everything to one upstream. JSON is YAML. */
export function gatewayText(targets: readonly string[], options: GatewayTextOptions = {}): string {
  return JSON.stringify({
    server: {
      host: '127.0.0.1',
      port: 0,
      drain: { delay: '0s', timeout: '5s' },
      ...options.server,
    },
    admin: { host: '127.0.0.1', port: 0 },
    issuers: options.issuers ?? {},
    upstreams: { only: { targets, ...options.upstream } },
    routes: [
      {
        name: 'all',
        match: { path: '/*' },
        upstream: 'only',
        authenticate: options.authenticate ?? 'none',
      },
    ],
    logging: { level: 'info', accessLog: { enabled: false } },
  })
}
