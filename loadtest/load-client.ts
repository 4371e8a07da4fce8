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
import { type LoadJob, type LoadResult, PREPARED_BYTES_MAX, PREPARED_MAX } from './load-job.ts'
import { PacedLoad, type PacedLoadResult, type PacedRequest } from './paced-load.ts'
import { bodyOf, CREDENTIAL_PLACES } from './scenario.ts'

const REQUEST_TIMEOUT_SECONDS = 10
const LATENCY_MICROS_MAX = 60_000_000

/** Which token each request of the job carries, counted over all connections. */
function tokenOrder(job: LoadJob): (request: number) => string {
  const all = readFileSync(job.tokensFile, 'latin1').split('\n').filter(Boolean)
  const { hotTokens, newEvery, firstNewToken, requests } = job
  const newTokens = newEvery === 0 || requests === null ? 0 : Math.ceil(requests / newEvery)
  if (all.length < Math.max(hotTokens, firstNewToken + newTokens)) {
    throw new Error('There are fewer tokens than the job needs.')
  }
  return (request) => {
    const isNew = newEvery !== 0 && request % newEvery === 0
    const place = isNew ? firstNewToken + request / newEvery : request % hotTokens
    return all[place] ?? ''
  }
}

function toRequest({ errand, credential, otherFields }: LoadJob, token: string): PacedRequest {
  const { field, prefix } = CREDENTIAL_PLACES[credential]
  const { path, sentBytes } = errand
  return {
    method: sentBytes === 0 ? 'GET' : 'POST',
    path,
    headers: { [field]: prefix + token, ...otherFields },
    body: bodyOf(sentBytes),
  }
}

/**
 * The requests of one connection. Connections take turns in the order of the job, so that they do
 * not all send the same token at the same time.
 */
function requestsOfConnection(
  job: LoadJob,
  tokenAt: (request: number) => string,
  connection: number,
): Request[] {
  const { connections, errand } = job
  const prepared = Math.min(PREPARED_MAX, PREPARED_BYTES_MAX / Math.max(1, errand.sentBytes))
  const perConnection = Math.ceil((job.requests ?? prepared) / connections)
  return Array.from({ length: perConnection }, (_, index) =>
    toRequest(job, tokenAt(index * connections + connection)),
  )
}

/** Every connection sends its next request when the answer to the last one is there. */
async function runUnpaced(
  job: LoadJob,
  tokenAt: (request: number) => string,
  record: (latencyMs: number) => void,
): Promise<PacedLoadResult> {
  let connection = 0
  const startMs = performance.now()
  let lastMs = startMs
  const running = autocannon({
    url: `http://127.0.0.1:${job.port}`,
    connections: job.connections,
    timeout: REQUEST_TIMEOUT_SECONDS,
    expectBody: bodyOf(job.errand.receivedBytes),
    duration: job.durationSeconds,
    ...(job.requests === null ? {} : { amount: job.requests }),
    setupClient(client) {
      client.setRequests(requestsOfConnection(job, tokenAt, connection))
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
  tokenAt: (request: number) => string,
  record: (latencyMs: number) => void,
): Promise<PacedLoadResult> {
  const requests = job.requests ?? Math.ceil(rate * job.durationSeconds)
  const options = {
    origin: `http://127.0.0.1:${job.port}`,
    connections: job.connections,
    rate,
    requests,
    // The first second, but never all of a short run.
    unrecorded: Math.min(Math.ceil(rate), Math.floor(requests / 2)),
    expectBody: bodyOf(job.errand.receivedBytes),
    requestAt: (request: number) => toRequest(job, tokenAt(request)),
    timeoutMs: REQUEST_TIMEOUT_SECONDS * 1_000,
  }
  return new PacedLoad(options, record).run()
}

async function run(job: LoadJob): Promise<LoadResult> {
  const tokenAt = tokenOrder(job)
  const histogram = build({
    bitBucketSize: 64,
    highestTrackableValue: LATENCY_MICROS_MAX,
    numberOfSignificantValueDigits: 3,
  })
  const record = (latencyMs: number): void => {
    histogram.recordValue(Math.min(Math.round(latencyMs * 1_000), LATENCY_MICROS_MAX))
  }
  const result = await (job.rate === null
    ? runUnpaced(job, tokenAt, record)
    : runPaced(job, job.rate, tokenAt, record))
  return {
    ...result,
    p50Micros: histogram.getValueAtPercentile(50),
    p99Micros: histogram.getValueAtPercentile(99),
    p999Micros: histogram.getValueAtPercentile(99.9),
  }
}

const job = JSON.parse(process.argv[2] ?? '') as LoadJob
process.stdout.write(`${JSON.stringify(await run(job))}\n`)
