/** Takes the readings of what the gateway holds in memory and takes to start. */
import { readFileSync } from 'node:fs'
import { metricSample } from '../test/support/metric-sample.ts'
import { cpuTimeMicros } from './cpu-time.ts'
import { prepareCredentials } from './credentials.ts'
import { IdleConnections } from './idle-connections.ts'
import { type LoadJob, runLoad } from './load-job.ts'
import type { RunningGateway } from './peers/gateway.ts'
import { settledKib } from './resident-memory.ts'
import { CONNECTIONS, PROXIED } from './scenario.ts'
import { withGateway } from './with-programs.ts'

const BYTES_PER_KIB = 1_024
/** Few, so that a load with them fills no cache. */
const HOT_TOKENS = CONNECTIONS
const LOAD_SECONDS_MAX = 60
const CONNECTION_ATTEMPTS = 3

export interface TokenReading {
  /** Bytes of the token cache for one token: its slots, with their share of the headers of sets. */
  readonly cachedBytes: number
  /** Growth of resident memory for one token, in bytes, while the cache fills from empty. */
  readonly residentBytes: number
  /** The same over as many requests with known tokens: growth within it is noise. */
  readonly noiseBytes: number
  /** Share of the cache's slots that were in use at the end, 0 to 1. */
  readonly filled: number
}

/**
 * What one token costs that was verified and is kept.
 *
 * @param tokens At least 64 different ones; rounded up to a multiple of that.
 */
export function readTokens(tokens: number): Promise<TokenReading> {
  const requests = wholeTurns(tokens)
  const credentials = prepareCredentials('RS256', HOT_TOKENS + requests)
  return withGateway(credentials, async (gateway) => {
    const { processId } = gateway
    const known = knownTokensJob(gateway, credentials.tokensFile, requests)
    await loadWell(known)
    const atFirst = await settledKib(processId)
    await loadWell(known)
    const before = await settledKib(processId)
    await loadWell({ ...known, hotTokens: 0, newEvery: 1 })
    const after = await settledKib(processId)
    const fill = await readFill(gateway)
    return {
      cachedBytes: (fill.used * (fill.sizeBytes / fill.slots)) / fill.entries,
      residentBytes: ((after - before) * BYTES_PER_KIB) / requests,
      noiseBytes: (Math.abs(before - atFirst) * BYTES_PER_KIB) / requests,
      filled: fill.used / fill.slots,
    }
  })
}

/** So many requests that every connection has as many as the others. */
function wholeTurns(requests: number): number {
  return Math.ceil(requests / CONNECTIONS) * CONNECTIONS
}

/** Counted, not timed: a machine that is busy takes longer, and the gateway has done the same. */
function knownTokensJob({ port }: RunningGateway, tokensFile: string, requests: number): LoadJob {
  return {
    port,
    errand: PROXIED,
    tokensFile,
    credential: 'jwt',
    otherFields: {},
    hotTokens: HOT_TOKENS,
    newEvery: 0,
    firstNewToken: HOT_TOKENS,
    requests: wholeTurns(requests),
    durationSeconds: LOAD_SECONDS_MAX,
    connections: CONNECTIONS,
    rate: null,
  }
}

async function loadWell(job: LoadJob): Promise<void> {
  const { responses, failures } = await runLoad(job)
  if (failures > 0 || responses === 0) throw new Error(`${failures} requests failed: run is void`)
}

interface CacheFill {
  readonly entries: number
  readonly used: number
  readonly slots: number
  readonly sizeBytes: number
}

async function readFill({ adminPort }: RunningGateway): Promise<CacheFill> {
  const sample = (name: string): Promise<number> =>
    metricSample(`http://127.0.0.1:${adminPort}`, `sallyport_cache_${name}`, { cache: 'token' })
  const fill = {
    entries: await sample('entries'),
    used: await sample('slots_used'),
    slots: await sample('slots'),
    sizeBytes: await sample('size_bytes'),
  }
  if (fill.entries === 0) throw new Error('The token cache is empty: run is void')
  return fill
}

/** Resident memory, in KiB, with so many of something. */
export interface MemoryPoint {
  readonly count: number
  readonly kib: number
}

/** Bytes that one more takes, between the first and the last point. */
export function bytesEach(points: readonly MemoryPoint[]): number {
  const [first, last] = [points.at(0), points.at(-1)]
  if (first === undefined || last === undefined || first.count === last.count) return Number.NaN
  return ((last.kib - first.kib) * BYTES_PER_KIB) / (last.count - first.count)
}

/**
 * @param counts Of idle connections, growing.
 * @returns A point for each, up to the first that was not reached: where the machine is so busy
 *   that connections are closed sooner than others are opened and memory is read.
 */
export function readConnections(
  counts: readonly number[],
  warmUpRequests: number,
): Promise<readonly MemoryPoint[]> {
  const credentials = prepareCredentials('RS256', HOT_TOKENS)
  const [token] = readFileSync(credentials.tokensFile, 'latin1').split('\n', 1)
  return withGateway(credentials, async (gateway) => {
    // Reaches the memory that any load takes: for young objects, connections to the upstream.
    await loadWell(knownTokensJob(gateway, credentials.tokensFile, warmUpRequests))
    await settledKib(gateway.processId)
    const idle = new IdleConnections(gateway.port, token ?? '')
    try {
      const points: MemoryPoint[] = []
      for (const count of counts) {
        const kib = await readWith(idle, count, gateway.processId)
        if (kib === null) break
        points.push({ count, kib })
      }
      return points
    } finally {
      idle.end()
    }
  })
}

/** Settled KiB while so many connections are open; `null`: some were closed each time. */
async function readWith(
  idle: IdleConnections,
  count: number,
  processId: number,
): Promise<number | null> {
  for (let attempt = 0; attempt < CONNECTION_ATTEMPTS; attempt += 1) {
    await idle.growTo(count)
    const kib = await settledKib(processId)
    if (idle.open === count) return kib
  }
  return null
}

export interface ThreadReading {
  /** Before the first request. */
  readonly started: MemoryPoint
  /** Idle again after a load. */
  readonly loaded: MemoryPoint
}

/** A gateway with so many listener threads. */
export function readThreads(threads: number, warmUpRequests: number): Promise<ThreadReading> {
  const credentials = prepareCredentials('RS256', HOT_TOKENS)
  return withGateway(
    credentials,
    async (gateway) => {
      const startedKib = await settledKib(gateway.processId)
      await loadWell(knownTokensJob(gateway, credentials.tokensFile, warmUpRequests))
      const loadedKib = await settledKib(gateway.processId)
      return {
        started: { count: threads, kib: startedKib },
        loaded: { count: threads, kib: loadedKib },
      }
    },
    threads,
  )
}

export interface StartReading {
  readonly readyAfterMs: number
  /** That all threads of the gateway had used by then. */
  readonly cpuMs: number
}

/** One start of a gateway with one listener thread. */
export function readStart(): Promise<StartReading> {
  return withGateway(prepareCredentials('RS256', HOT_TOKENS), ({ processId, readyAfterMs }) =>
    Promise.resolve({ readyAfterMs, cpuMs: cpuTimeMicros(processId) / 1_000 }),
  )
}
