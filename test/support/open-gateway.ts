/** Configurations of whole gateways for tests that are about proxying, not about credentials. */

type Settings = Readonly<Record<string, unknown>>

export interface GatewayTextOptions {
  /** Settings of `server`, on top of a free port on loopback. */
  readonly server?: Settings
  /** Settings of the upstream that gets everything, on top of its targets. */
  readonly upstream?: Settings
  /** More upstreams: one of the name `x` gets what is below `/x/`. */
  readonly upstreams?: Readonly<Record<string, Settings>>
  readonly issuers?: Settings
  /** `authenticate` of all routes; default: nobody is asked. */
  readonly authenticate?: unknown
}

/** A configuration with one route for all that goes to these targets. JSON is YAML. */
export function gatewayText(targets: readonly string[], options: GatewayTextOptions = {}): string {
  const authenticate = options.authenticate ?? 'none'
  const upstreams = options.upstreams ?? {}
  return JSON.stringify({
    server: {
      host: '127.0.0.1',
      port: 0,
      drain: { delay: '0s', timeout: '1s' },
      ...options.server,
    },
    admin: { host: '127.0.0.1', port: 0 },
    issuers: options.issuers ?? {},
    upstreams: { ...upstreams, rest: { targets, ...options.upstream } },
    routes: [
      ...Object.keys(upstreams).map((name) => ({
        name,
        match: { path: `/${name}/*` },
        upstream: name,
        authenticate,
      })),
      { name: 'rest', match: { path: '/*' }, upstream: 'rest', authenticate },
    ],
    logging: { level: 'info', accessLog: { enabled: false } },
  })
}
