/** How Redis is reached, and what that means for the client library: nothing queues or lingers. */

export interface RedisNode {
  readonly host: string
  readonly port: number
}

export interface RedisTls {
  /** PEM of the authorities to trust instead of the system's; `null` for the system's. */
  readonly ca: string | null
  /** The name in the certificate, where it is not the host's; `null` where it is. */
  readonly serverName: string | null
}

export interface RedisClientOptions {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  /** The server, the sentinels, or some nodes of the cluster. Standalone uses the first. */
  readonly nodes: readonly RedisNode[]
  /** What the sentinels call the group. Only for the mode `sentinel`. */
  readonly masterName: string
  readonly username: string | null
  /** Of the servers. */
  readonly password: string | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: string | null
  /** Not for a cluster, which has only 0. */
  readonly database: number
  /** `null` for no TLS. The certificate is always verified. Sentinels are asked in the same way. */
  readonly tls: RedisTls | null
  /** Until TCP, and TLS, are there; and once more until the server has said that it is ready. */
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** Of a value that `get` or `getex` reads. */
  readonly recordBytesMax: number
  /** In a cluster, one of these is a connection to each node. */
  readonly connectionsMin: number
  readonly connectionsMax: number
  readonly idleMs: number
  /**
   * `get` asks replicas, which may lag behind. Not `getex`, which writes.
   * Standalone has none.
   */
  readonly readFromReplicas: boolean
}

const RETRY_STEP_MS = 100
const RETRY_MAX_MS = 1_000
const SLOTS_REFRESH_MS = 2_000
/** A cluster that sends us on more often than this is being rebuilt. */
const REDIRECTIONS_MAX = 4
/** A connection that we give up is not waited for. */
const DISCONNECT_MS = 50
const KEEP_ALIVE_MS = 30_000
/** Between questions whether a server has loaded its data; the library would wait up to 10 s. */
const LOADING_RETRY_MS = 100

/** Milliseconds before the attempt with this number, from 1: never at once, never all at once. */
export function retryDelayMs(attempt: number, random: () => number): number {
  const fullMs = Math.min(RETRY_STEP_MS * attempt, RETRY_MAX_MS)
  return Math.round(fullMs * (0.5 + 0.5 * random()))
}

/** For a connection to one server, found directly or through sentinels. */
export function serverOptions(
  options: RedisClientOptions,
  role: 'master' | 'slave',
  retryDelay: (attempt: number) => number,
) {
  const { nodes, connectTimeoutMs } = options
  const tls = tlsOptions(options.tls)
  const way =
    options.mode === 'sentinel'
      ? {
          sentinels: [...nodes],
          name: options.masterName ?? '',
          role,
          sentinelCommandTimeout: connectTimeoutMs,
          // One round of the sentinels an attempt: further ones wait as long as any other.
          sentinelRetryStrategy: () => null,
          ...(options.sentinelUsername === null
            ? {}
            : { sentinelUsername: options.sentinelUsername }),
          ...(options.sentinelPassword === null
            ? {}
            : { sentinelPassword: options.sentinelPassword }),
          enableTLSForSentinelMode: tls !== null,
          ...(tls === null ? {} : { sentinelTLS: tls }),
        }
      : { host: nodes[0]?.host ?? '', port: nodes[0]?.port ?? 0 }
  return {
    ...commonOptions(options),
    ...way,
    db: options.database,
    enableOfflineQueue: false,
    retryStrategy: retryDelay,
  }
}

/** For the connections to all nodes of a cluster. */
export function clusterOptions(
  options: RedisClientOptions,
  retryDelay: (attempt: number) => number,
) {
  return {
    enableOfflineQueue: false,
    scaleReads: options.readFromReplicas ? ('slave' as const) : ('master' as const),
    maxRedirections: REDIRECTIONS_MAX,
    // Commands to a node that is gone fail at once; the next ones find its successor.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: SLOTS_REFRESH_MS,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    clusterRetryStrategy: retryDelay,
    // Names are resolved when connecting, so that a certificate is checked against the name.
    dnsLookup: (name: string, found: (error: null, address: string) => void) => found(null, name),
    redisOptions: {
      ...commonOptions(options),
      // Only tidies up: callers have had their answer after `commandTimeoutMs`.
      commandTimeout: Math.max(options.commandTimeoutMs, options.connectTimeoutMs),
    },
  }
}

function commonOptions(options: RedisClientOptions) {
  const tls = tlsOptions(options.tls)
  return {
    ...(options.username === null ? {} : { username: options.username }),
    ...(options.password === null ? {} : { password: options.password }),
    ...(tls === null ? {} : { tls }),
    connectTimeout: options.connectTimeoutMs,
    disconnectTimeout: DISCONNECT_MS,
    keepAlive: KEEP_ALIVE_MS,
    enableReadyCheck: true,
    maxLoadingRetryTime: LOADING_RETRY_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // Two commands less before a connection is ready.
    disableClientInfo: true,
  }
}

function tlsOptions(tls: RedisTls | null) {
  if (tls === null) return null
  return {
    // Also when NODE_TLS_REJECT_UNAUTHORIZED says otherwise.
    rejectUnauthorized: true,
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(tls.serverName === null ? {} : { servername: tls.serverName }),
  }
}
