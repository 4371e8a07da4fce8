/** Configurations of whole gateways for tests: what a test does not care about is filled in. */
import { RedisServer } from './redis-server.ts'
import { testEngine } from './test-engine.ts'

type Settings = Readonly<Record<string, unknown>>

/** Sections that are taken as they are. */
type Section =
  | 'admin'
  | 'apiKeys'
  | 'cache'
  | 'decision'
  | 'health'
  | 'identity'
  | 'issuers'
  | 'logging'
  | 'rateLimits'
  | 'resourceMetadata'
  | 'revocation'
  | 'sessions'
  | 'tenants'

export interface GatewayPlan extends Readonly<Partial<Record<Section, Settings>>> {
  /** Origins, or settings, of the upstream that gets what no other one gets. */
  readonly upstream?: string | readonly string[] | Settings
  /** More upstreams by name: unless `routes` says otherwise, `x` gets what is below `/x/`. */
  readonly upstreams?: Readonly<Record<string, Settings>>
  /** Settings by path; a route is named after its path. Default: one for all, open to anybody. */
  readonly routes?: Readonly<Record<string, Settings>>
  /** Of the routes that do not say. */
  readonly authenticate?: unknown
  /** On top of a free port of loopback and a short drain. */
  readonly server?: Settings
  /** A server of the test, which may take its time to answer; or settings. */
  readonly redis?: RedisServer | Settings
  /** Share of requests in the access log, all refusals, and debug lines. Default: none of that. */
  readonly accessLog?: number
}

/** The upstream of all that goes to no other one. */
const UPSTREAM = 'only'

/** A configuration on free ports of loopback, as JSON, which is YAML. */
export function gatewayText(plan: GatewayPlan): string {
  const { upstream, upstreams, server, redis, accessLog, ...sections } = plan
  const { routes: _routes, authenticate: _authenticate, ...rest } = sections
  return JSON.stringify({
    server: {
      host: '127.0.0.1',
      port: 0,
      engine: testEngine,
      drain: { delay: '0s', timeout: '200ms' },
      ...server,
    },
    admin: { host: '127.0.0.1', port: 0 },
    upstreams: { ...upstreams, [UPSTREAM]: upstreamSettings(upstream ?? []) },
    logging: loggingSettings(accessLog),
    ...(redis !== undefined && {
      redis: redis instanceof RedisServer ? redis.patientSettings : redis,
    }),
    ...rest,
    routes: routeList(plan),
  })
}

function upstreamSettings(upstream: NonNullable<GatewayPlan['upstream']>): unknown {
  if (typeof upstream === 'string') return { targets: [upstream] }
  return Array.isArray(upstream) ? { targets: upstream } : upstream
}

function loggingSettings(sampling: number | undefined): unknown {
  if (sampling === undefined) return { level: 'info', accessLog: { enabled: false } }
  const accessLog = {
    enabled: true,
    sampling,
    refusalSampling: sampling,
    failureSampling: 1,
    linesPerSecondMax: 1_000_000,
  }
  return { level: 'debug', accessLog }
}

function routeList({ routes, upstreams = {}, authenticate }: GatewayPlan): readonly unknown[] {
  const byName = Object.keys(upstreams).map((name) => [`/${name}/*`, { upstream: name }] as const)
  const all = routes ?? { ...Object.fromEntries(byName), '/*': {} }
  const usual = authenticate ?? (routes === undefined ? 'none' : undefined)
  return Object.entries(all).map(([path, settings]) => ({
    name: `at${path.replace(/[^a-z]/g, '')}`,
    match: { path },
    upstream: UPSTREAM,
    authenticate: usual,
    ...settings,
  }))
}
