/**
 * Compares programs on one scenario in one interleaved run (A B C A B C …), so that what else the
 * machine does meets all of them alike, and takes medians over the rounds.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuTimeMicros } from './cpu-time.ts'
import { type Credentials, prepareCredentials } from './credentials.ts'
import { type LoadJob, type LoadResult, runLoad } from './load-job.ts'
import type { Peer, RunningPeer } from './peer.ts'
import { HOT_TOKENS, type Scenario } from './scenario.ts'
import { startSessions } from './sessions.ts'
import { startUpstream } from './upstream-process.ts'

export interface ComparisonOptions {
  readonly rounds: number
  /** Length of one program's turn in a scenario with hot tokens. */
  readonly turnSeconds: number
  /** Load before the first round that is not counted. */
  readonly warmUpSeconds: number
  /** Requests of one turn in a scenario where every token is new. */
  readonly newTokensPerTurn: number
  readonly threads: number
  /** Keep-alive connections, each with one request in flight. */
  readonly connections: number
  /** Requests a second over all connections; `null`: as fast as the answers come. */
  readonly rate: number | null
}

export interface Turn extends LoadResult {
  readonly cpuMicrosPerRequest: number
}

export interface PeerOutcome {
  readonly name: string
  readonly work: string
  readonly version: string
  readonly turns: readonly Turn[]
  readonly cpuMicrosPerRequest: number
  readonly requestsPerSecond: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly p999Micros: number
}

export interface ScenarioOutcome {
  readonly scenario: Scenario
  readonly peers: readonly PeerOutcome[]
  readonly skipped: readonly string[]
}

/** A turn that takes longer than this has hung. Only a bound: turns of new tokens end by count. */
const NEW_TOKENS_TURN_SECONDS_MAX = 60

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** @param turn 0 is the warm-up, so that its tokens are not met again either. */
function jobOfTurn(
  scenario: Scenario,
  options: ComparisonOptions,
  credentials: Credentials,
  { port }: RunningPeer,
  { errand }: Peer,
  turn: number,
): LoadJob {
  const { tokensFile } = credentials
  const { field, otherFields } = scenario
  const { rate, connections } = options
  if (scenario.everyTokenNew) {
    const requests = options.newTokensPerTurn
    return {
      port,
      errand,
      tokensFile,
      field,
      otherFields,
      firstToken: turn * requests,
      tokens: requests,
      requests,
      durationSeconds: NEW_TOKENS_TURN_SECONDS_MAX,
      connections,
      rate,
    }
  }
  const durationSeconds = turn === 0 ? options.warmUpSeconds : options.turnSeconds
  return {
    port,
    errand,
    tokensFile,
    field,
    otherFields,
    firstToken: 0,
    tokens: HOT_TOKENS,
    requests: null,
    durationSeconds,
    connections,
    rate,
  }
}

/** @throws When a response was anything but a 2xx with the right body: such a run says nothing. */
async function takeTurn(peer: Peer, running: RunningPeer, job: LoadJob): Promise<Turn> {
  const before = cpuTimeMicros(running.processId)
  const result = await runLoad(job)
  const spent = cpuTimeMicros(running.processId) - before
  if (result.failures > 0 || result.responses === 0) {
    throw new Error(
      `${peer.name}: ${result.failures} failed and ${result.responses} good responses: run is void`,
    )
  }
  return { ...result, cpuMicrosPerRequest: spent / result.responses }
}

function summarise(peer: Peer, running: RunningPeer, turns: readonly Turn[]): PeerOutcome {
  return {
    name: peer.name,
    work: peer.work,
    version: running.version,
    turns,
    cpuMicrosPerRequest: median(turns.map((turn) => turn.cpuMicrosPerRequest)),
    requestsPerSecond: median(turns.map((turn) => turn.responses / turn.durationSeconds)),
    p50Micros: median(turns.map((turn) => turn.p50Micros)),
    p99Micros: median(turns.map((turn) => turn.p99Micros)),
    p999Micros: median(turns.map((turn) => turn.p999Micros)),
  }
}

interface Contestant {
  readonly peer: Peer
  readonly running: RunningPeer
  readonly turns: Turn[]
}

async function takeRounds(
  contestants: readonly Contestant[],
  scenario: Scenario,
  options: ComparisonOptions,
  credentials: Credentials,
): Promise<void> {
  for (let turn = 0; turn <= options.rounds; turn += 1) {
    for (const { peer, running, turns } of contestants) {
      const job = jobOfTurn(scenario, options, credentials, running, peer, turn)
      const taken = await takeTurn(peer, running, job)
      if (turn > 0) turns.push(taken)
    }
  }
}

/**
 * Runs one scenario against all programs that are installed.
 *
 * @throws When a program does not start or answers wrongly; everything started is ended first.
 */
export async function compare(
  scenario: Scenario,
  peers: readonly Peer[],
  options: ComparisonOptions,
): Promise<ScenarioOutcome> {
  const { connections } = options
  const perTurn = Math.ceil(options.newTokensPerTurn / connections) * connections
  const evened = { ...options, newTokensPerTurn: perTurn }
  const tokens = scenario.everyTokenNew ? perTurn * (options.rounds + 1) : HOT_TOKENS
  const minted = prepareCredentials(scenario.algorithm, tokens)
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-loadtest-'))
  const sessions = scenario.field === 'cookie' ? await startSessions(folder, tokens) : null
  const credentials = sessions === null ? minted : { ...minted, tokensFile: sessions.idsFile }
  const upstream = await startUpstream()
  const contestants: Contestant[] = []
  const skipped: string[] = []
  try {
    const { threads } = options
    for (const peer of peers) {
      const redisPort = sessions?.port ?? null
      const context = { credentials, upstreamPort: upstream.port, redisPort, threads, folder }
      const running = await peer.start(context)
      if (running.status === 'skipped') skipped.push(running.reason)
      else contestants.push({ peer, running, turns: [] })
    }
    await takeRounds(contestants, scenario, evened, credentials)
  } finally {
    for (const { running } of contestants) await running.stop()
    await upstream.stop()
    await sessions?.stop()
    rmSync(folder, { recursive: true })
  }
  const outcomes = contestants.map(({ peer, running, turns }) => summarise(peer, running, turns))
  return { scenario, peers: outcomes, skipped }
}
