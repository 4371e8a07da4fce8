/**
 * One run of load in a process of its own, so that the client's CPU time is counted apart: reads a
 * job from its argument and prints the result as one line of JSON.
 *
 * Latency goes into an HDR histogram in microseconds, because autocannon's own counts whole
 * milliseconds.
 */
import { readFileSync } from 'node:fs'
import autocannon, { type Request } from 'autocannon'
import { build } from 'hdr-histogram-js'
import type { LoadJob, LoadResult } from './load-job.ts'
import { PacedLoad, type PacedLoadResult } from './paced-load.ts'
import { CREDENTIAL_PREFIX } from './scenario.ts'

const REQUEST_TIMEOUT_SECONDS = 10
/** Requests that are put together before the first is sent, over all connections. */
const PREPARED_MAX = 64_000
const LATENCY_MICROS_MAX = 60_000_000

/**
 * The tokens of one connection, in its order.
 *
 * With `requests` given no token may be sent twice, so each connection has a share of its own.
 * Otherwise each has all of them, or as many as there is room for, but starts at another place:
 * autocannon would send the same token on all connections at the same time.
 */
function tokensOfConnection(job: LoadJob, tokens: readonly string[], connection: number): string[] {
  const share = Math.floor(tokens.length / job.connections)
  const first = Math.floor((connection * tokens.length) / job.connections)
  if (job.requests !== null) return tokens.slice(first, first + share)
  const ofEach = Math.ceil(PREPARED_MAX / job.connections)
  return [...tokens.slice(first), ...tokens.slice(0, first)].slice(0, ofEach)
}

function toRequest({ errand, field, otherFields }: LoadJob, token: string): Request {
  const headers = { [field]: CREDENTIAL_PREFIX[field] + token, ...otherFields }
  return { method: 'GET', path: errand.path, headers }
}

function readTokens(job: LoadJob): string[] {
  const all = readFileSync(job.tokensFile, 'latin1').split('\n').filter(Boolean)
  const tokens = all.slice(job.firstToken, job.firstToken + job.tokens)
  if (tokens.length < job.tokens) throw new Error('There are fewer tokens than the job needs.')
  return tokens
}

/** Every connection sends its next request when the answer to the last one is there. */
async function runUnpaced(
  job: LoadJob,
  tokens: readonly string[],
  record: (latencyMs: number) => void,
): Promise<PacedLoadResult> {
  let connection = 0
  const startMs = performance.now()
  let lastMs = startMs
  const running = autocannon({
    url: `http://127.0.0.1:${job.port}`,
    connections: job.connections,
    timeout: REQUEST_TIMEOUT_SECONDS,
    expectBody: job.errand.body,
    duration: job.durationSeconds,
    ...(job.requests === null ? {} : { amount: job.requests }),
    setupClient(client) {
      client.setRequests(
        tokensOfConnection(job, tokens, connection).map((token) => toRequest(job, token)),
      )
      connection += 1
    },
  })
  running.on('response', (_client, _status, _bytes, latencyMs) => {
    // autocannon itself notices only once a second that all requests are answered.
    lastMs = performance.now()
    record(latencyMs)
  })
  const result = await running
  return {
    responses: result['2xx'],
    failures: result.non2xx + result.errors + result.timeouts + result.mismatches + result.resets,
    durationSeconds: (lastMs - startMs) / 1_000,
  }
}

function runPaced(
  job: LoadJob,
  rate: number,
  tokens: readonly string[],
  record: (latencyMs: number) => void,
): Promise<PacedLoadResult> {
  const requests = job.requests ?? Math.ceil(rate * job.durationSeconds)
  const options = {
    origin: `http://127.0.0.1:${job.port}`,
    path: job.errand.path,
    field: job.field,
    otherFields: job.otherFields,
    connections: job.connections,
    rate,
    requests,
    // The first second, but never all of a short run.
    unrecorded: Math.min(Math.ceil(rate), Math.floor(requests / 2)),
    expectBody: job.errand.body,
    timeoutMs: REQUEST_TIMEOUT_SECONDS * 1_000,
  }
  const tokenAt = (request: number): string => tokens[request % tokens.length] ?? ''
  return new PacedLoad(options, tokenAt, record).run()
}

async function run(job: LoadJob): Promise<LoadResult> {
  const tokens = readTokens(job)
  const histogram = build({
    bitBucketSize: 64,
    highestTrackableValue: LATENCY_MICROS_MAX,
    numberOfSignificantValueDigits: 3,
  })
  const record = (latencyMs: number): void => {
    histogram.recordValue(Math.min(Math.round(latencyMs * 1_000), LATENCY_MICROS_MAX))
  }
  const result = await (job.rate === null
    ? runUnpaced(job, tokens, record)
    : runPaced(job, job.rate, tokens, record))
  return {
    ...result,
    p50Micros: histogram.getValueAtPercentile(50),
    p99Micros: histogram.getValueAtPercentile(99),
    p999Micros: histogram.getValueAtPercentile(99.9),
  }
}

const job = JSON.parse(process.argv[2] ?? '') as LoadJob
process.stdout.write(`${JSON.stringify(await run(job))}\n`)
