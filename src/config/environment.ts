/** The environment variables that tune the process: the only reader of `process.env`. */
import type { EgressProxySettings } from '../http/egress-proxy.ts'
import type { SettingProblem } from './config-error.ts'
import { readProxies } from './egress-environment.ts'
import type { Environment } from './interpolate.ts'
import type { MachineLimits } from './machine-limits.ts'

/** Sizes of pools: properties of the machine, so they come from the environment. */
export interface Tuning {
  /** Of the machine, or of the container's share of it. */
  readonly cores: number
  /** Of the container; `null`: as much as the machine has. */
  readonly memoryLimitMiB: number | null
  /** Event-loop threads that accept connections. */
  readonly listenerThreads: number
  /** Signature verification threads of the whole process: at least one per listener. */
  readonly verifyThreads: number
  /** Tokens per hand-over to a verification thread. */
  readonly verifyBatchMax: number
  /** Waiting tokens of the whole process before 503. */
  readonly verifyQueueMax: number
  /** Connections per upstream target, whole process. */
  readonly upstreamConnections: number
  /** Connections per identity-provider origin, whole process. */
  readonly identityProviderConnections: number
  /** Connections to Redis, whole process: kept open, and at most. */
  readonly redisConnectionsMin: number
  readonly redisConnectionsMax: number
  /** Of each client connection, in the kernel; 0: left to the kernel. */
  readonly receiveBufferBytes: number
  /** Of request bodies on their way upstream, whole process. */
  readonly bodyMemoryBytes: number
  /** Run a native server binary whose digest is not on the list. */
  readonly allowUnknownNativeServer: boolean
}

/** Settings of the file that a variable wins over; `null` when it is not set. */
interface FileOverrides {
  readonly cacheSizeMiB: number | null
  readonly jwksCacheTtlMs: number | null
  readonly jwksRefreshIntervalMs: number | null
}

export interface EnvironmentReading {
  readonly tuning: Tuning
  readonly overrides: FileOverrides
  /** Of calls of the gateway's own. */
  readonly proxies: EgressProxySettings
  readonly problems: readonly SettingProblem[]
}

const BYTES_PER_MIB = 1_048_576
const PIECE_MIB = 64
const PIECES_PER_LIMIT = 8
/** For the manual: what {@link fittingMiB} does. */
export const FITTING_MIB =
  `${PIECE_MIB}, or an eighth of the memory limit of the container if that is less` as const

interface VariableRow {
  readonly meaning: string
  /** What is used when the variable is not set; in words where it depends on the machine. */
  readonly fallback: number | string
  readonly minimum: number
  readonly maximum: number
}

/** Every variable with its limits: the manual has one row for each. */
export const ENVIRONMENT_VARIABLES = {
  SALLYPORT_LISTENER_THREADS: {
    meaning: 'Event-loop threads that accept connections.',
    fallback: 'cores − 1, at least 1; of a container, the cores of its quota, rounded up',
    minimum: 1,
    maximum: 256,
  },
  SALLYPORT_VERIFY_THREADS: {
    meaning:
      'Signature verification threads of the whole process. Each listener thread has at least ' +
      'one of its own, so a smaller number is raised to the number of listener threads.',
    fallback: 'max(1, cores / 4), at least one per listener thread',
    minimum: 1,
    maximum: 256,
  },
  SALLYPORT_VERIFY_BATCH_MAX: {
    meaning: 'Most tokens per hand-over to a verification thread.',
    fallback: 32,
    minimum: 1,
    maximum: 1_024,
  },
  SALLYPORT_VERIFY_QUEUE_MAX: {
    meaning: 'Most tokens that wait for verification before the answer is 503.',
    fallback: 8_192,
    minimum: 1,
    maximum: 1_048_576,
  },
  SALLYPORT_CACHE_MIB: {
    meaning:
      'Size of the shared token cache in MiB. Wins over `cache.sizeMiB`. More than half of the ' +
      'memory limit of the container is refused.',
    fallback: FITTING_MIB,
    minimum: 1,
    maximum: 1_024,
  },
  SALLYPORT_UPSTREAM_CONNECTIONS: {
    meaning: 'Connections per upstream target, whole process.',
    fallback: 256,
    minimum: 1,
    maximum: 65_535,
  },
  SALLYPORT_UPSTREAM_PIPELINING: {
    meaning:
      'Requests in flight per upstream connection. Only 1 is taken: pipelining was measured to be ' +
      'slower, and one slow answer would hold up others.',
    fallback: 1,
    minimum: 1,
    maximum: 1,
  },
  SALLYPORT_IDP_CONNECTIONS: {
    meaning: 'Connections per identity-provider origin, whole process.',
    fallback: 100,
    minimum: 1,
    maximum: 65_535,
  },
  SALLYPORT_REDIS_CONNECTIONS_MIN: {
    meaning: 'Connections to Redis that are kept open, whole process. One per listener at least.',
    fallback: 5,
    minimum: 1,
    maximum: 1_024,
  },
  SALLYPORT_REDIS_CONNECTIONS_MAX: {
    meaning: 'Connections to Redis at most, whole process. Not below the minimum.',
    fallback: 50,
    minimum: 1,
    maximum: 65_535,
  },
  SALLYPORT_RECEIVE_BUFFER_KIB: {
    meaning:
      'Receive buffer of each client connection in KiB. An upload gets about one buffer per round ' +
      'trip; from 384 on, clients that upload very fast can cost memory. 0 lets the kernel choose.',
    fallback: 256,
    minimum: 0,
    maximum: 1_048_576,
  },
  SALLYPORT_BODY_MEMORY_MIB: {
    meaning:
      'Memory for request bodies that wait to be taken by an upstream, whole process, in MiB. ' +
      'When three quarters are in use, uploads under way wait and new ones get 503, except ' +
      'small ones, which get it when nothing is left. Each listener thread has at least one MiB.',
    fallback: FITTING_MIB,
    minimum: 1,
    maximum: 65_536,
  },
  JWKS_CACHE_TTL: {
    meaning: 'Seconds for which key sets are fresh. Wins over `jwks.cacheTtl` of every issuer.',
    fallback: 300,
    minimum: 1,
    maximum: 86_400,
  },
  JWKS_REFRESH_INTERVAL: {
    meaning:
      'Seconds between refreshes of key sets. Wins over `jwks.refreshInterval` of every issuer.',
    fallback: 60,
    minimum: 1,
    maximum: 86_400,
  },
} as const satisfies Record<string, VariableRow>

type Variables = typeof ENVIRONMENT_VARIABLES
type NumericVariable = keyof Variables
/** Those whose fallback is the same on every machine. */
type FixedVariable = {
  [Name in NumericVariable]: Variables[Name]['fallback'] extends number ? Name : never
}[NumericVariable]

/** The one variable that is a switch: its row in the manual. */
export const NATIVE_SERVER_VARIABLE = {
  name: 'SALLYPORT_ALLOW_UNKNOWN_NATIVE_SERVER',
  meaning: 'Run a native server binary whose digest is not on the list of known ones.',
  defaultText: 'false',
} as const

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env
}

/** Reads every variable; a bad one is a problem that names it, and counts as not set. */
export function readEnvironment(
  environment: Environment,
  { cores, memoryBytes }: MachineLimits,
): EnvironmentReading {
  const problems: SettingProblem[] = []

  const number = (name: NumericVariable): number | null => {
    const text = environment[name]
    if (text === undefined || text === '') return null
    const { minimum, maximum } = ENVIRONMENT_VARIABLES[name]
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= minimum && value <= maximum) return value
    problems.push({
      path: [name],
      message:
        minimum === maximum
          ? `must be ${minimum}`
          : `must be a whole number from ${minimum} to ${maximum}`,
    })
    return null
  }
  const numberOrFallback = (name: FixedVariable): number => {
    return number(name) ?? ENVIRONMENT_VARIABLES[name].fallback
  }
  const milliseconds = (name: NumericVariable): number | null => {
    const seconds = number(name)
    return seconds === null ? null : seconds * 1_000
  }

  // Nothing to tune, but a wish that is not granted must not look granted.
  number('SALLYPORT_UPSTREAM_PIPELINING')
  const listenerThreads = number('SALLYPORT_LISTENER_THREADS') ?? Math.max(1, cores - 1)
  const verifyThreads = number('SALLYPORT_VERIFY_THREADS') ?? Math.max(1, Math.floor(cores / 4))
  const redisConnectionsMin = numberOrFallback('SALLYPORT_REDIS_CONNECTIONS_MIN')
  const redisConnectionsMax = numberOrFallback('SALLYPORT_REDIS_CONNECTIONS_MAX')
  const memoryLimitMiB = memoryBytes === null ? null : Math.floor(memoryBytes / BYTES_PER_MIB)
  const bodyMiB = number('SALLYPORT_BODY_MEMORY_MIB') ?? fittingMiB(memoryLimitMiB)
  const tuning: Tuning = {
    cores,
    memoryLimitMiB,
    listenerThreads,
    verifyThreads: Math.max(verifyThreads, listenerThreads),
    verifyBatchMax: numberOrFallback('SALLYPORT_VERIFY_BATCH_MAX'),
    verifyQueueMax: numberOrFallback('SALLYPORT_VERIFY_QUEUE_MAX'),
    upstreamConnections: numberOrFallback('SALLYPORT_UPSTREAM_CONNECTIONS'),
    identityProviderConnections: numberOrFallback('SALLYPORT_IDP_CONNECTIONS'),
    redisConnectionsMin,
    redisConnectionsMax: Math.max(redisConnectionsMin, redisConnectionsMax),
    receiveBufferBytes: numberOrFallback('SALLYPORT_RECEIVE_BUFFER_KIB') * 1_024,
    bodyMemoryBytes: bodyMiB * BYTES_PER_MIB,
    allowUnknownNativeServer: readSwitch(environment, problems),
  }
  const overrides: FileOverrides = {
    cacheSizeMiB: number('SALLYPORT_CACHE_MIB'),
    jwksCacheTtlMs: milliseconds('JWKS_CACHE_TTL'),
    jwksRefreshIntervalMs: milliseconds('JWKS_REFRESH_INTERVAL'),
  }
  const proxies = readProxies(environment, problems)
  return { tuning, overrides, proxies, problems }
}

/** The default of each large piece of memory: it leaves most of a container to everything else. */
export function fittingMiB(memoryLimitMiB: number | null): number {
  if (memoryLimitMiB === null) return PIECE_MIB
  return Math.max(1, Math.min(PIECE_MIB, Math.floor(memoryLimitMiB / PIECES_PER_LIMIT)))
}

function readSwitch(environment: Environment, problems: SettingProblem[]): boolean {
  const { name } = NATIVE_SERVER_VARIABLE
  const text = environment[name] ?? ''
  if (text === '1' || text === 'true') return true
  if (text !== '' && text !== '0' && text !== 'false') {
    problems.push({ path: [name], message: 'must be true or false' })
  }
  return false
}
