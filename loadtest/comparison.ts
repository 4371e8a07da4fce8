/**
 * Compares programs on one scenario in one interleaved run (A B C A B C …), so that what else the
 * machine does meets all of them alike, and takes medians over the rounds.
 */
import { cpuTimeMicros } from './cpu-time.ts'
import { prepareCredentials } from './credentials.ts'
import { type LoadJob, type LoadResult, PREPARED_MAX, runLoad } from './load-job.ts'
import { startOpaqueTokens } from './opaque-tokens.ts'
import type { Introspection, Peer, RunningPeer } from './peer.ts'
import { DECIDED, HOT_TOKENS, type Scenario } from './scenario.ts'
import { startSessions } from './sessions.ts'
import { startUpstream } from './upstream-process.ts'
import { workingFolder } from './working-folder.ts'

export interface ComparisonOptions {
  readonly rounds: number
  /** Length of one program's turn in a scenario with hot tokens. */
  readonly turnSeconds: number
  /** Load before the first round that is not counted. */
  readonly warmUpSeconds: number
  /** New tokens of one turn at most, in a scenario that has any. */
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
const COUNTED_TURN_SECONDS_MAX = 60

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** How many requests a turn has, and how many of their credentials are new. */
interface TurnSize {
  /** `null`: as many as fit into the time. */
  readonly requests: number | null
  readonly newTokens: number
}

function turnSize({ newEvery }: Scenario, options: ComparisonOptions): TurnSize {
  if (newEvery === 0) return { requests: null, newTokens: 0 }
  const { rate, turnSeconds, newTokensPerTurn, connections } = options
  const wanted =
    rate === null
      ? Math.min(newTokensPerTurn * newEvery, PREPARED_MAX)
      : Math.ceil(rate * turnSeconds)
  const requests = Math.ceil(wanted / connections) * connections
  return { requests, newTokens: Math.ceil(requests / newEvery) }
}

/** Tokens that are sent again and again: none where each is new. */
function hotTokensOf({ newEvery }: Scenario): number {
  return newEvery === 1 ? 0 : HOT_TOKENS
}

/** @param turn 0 is the warm-up, so that its tokens are not met again either. */
function jobOfTurn(
  scenario: Scenario,
  options: ComparisonOptions,
  tokensFile: string,
  { port }: RunningPeer,
  { decides }: Peer,
  turn: number,
): LoadJob {
  const { credential, otherFields, newEvery, errand } = scenario
  const { rate, connections, warmUpSeconds, turnSeconds } = options
  const { requests, newTokens } = turnSize(scenario, options)
  const hotTokens = hotTokensOf(scenario)
  const seconds = turn === 0 ? warmUpSeconds : turnSeconds
  return {
    port,
    errand: decides ? DECIDED : errand,
    tokensFile,
    credential,
    otherFields,
    hotTokens,
    newEvery,
    firstNewToken: hotTokens + turn * newTokens,
    requests,
    durationSeconds: requests === null ? seconds : COUNTED_TURN_SECONDS_MAX,
    connections,
    // As fast as it can, so that code is warm; a decision ends connections now and then.
    rate: turn === 0 && requests === null && !decides ? null : rate,
  }
}

/** @throws When a response was anything but a 2xx with the right body: such a run says nothing. */
async function takeTurn(peer: Peer, running: RunningPeer, job: LoadJob): Promise<Turn> {
  const before = cpuTimeMicros(running.processId)
  const result = await runLoad(job)
  const spent = cpuTimeMicros(running.processId) - before
  const { failures, responses } = result
  if (failures > 0 || responses === 0 || (job.requests !== null && responses !== job.requests)) {
    throw new Error(`${peer.name}: ${failures} failed and ${responses} good responses: run is void`)
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
  tokensFile: string,
): Promise<void> {
  for (let turn = 0; turn <= options.rounds; turn += 1) {
    for (const { peer, running, turns } of contestants) {
      const job = jobOfTurn(scenario, options, tokensFile, running, peer, turn)
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
  const { newTokens } = turnSize(scenario, options)
  const tokens = hotTokensOf(scenario) + newTokens * (options.rounds + 1)
  const minted = scenario.credential === 'jwt' ? tokens : 1
  const credentials = prepareCredentials(scenario.algorithm, minted)
  const folder = workingFolder('loadtest')
  const stops: (() => Promise<void>)[] = []
  try {
    const others = await startOthers(scenario, folder.path, tokens, stops)
    const upstream = await startUpstream()
    stops.push(() => upstream.stop())
    const { credential, hasLimits } = scenario
    const { redisPort, introspection } = others
    const upstreamPort = upstream.port
    const { threads } = options
    const shared = { credentials, credential, hasLimits, introspection, redisPort }
    const contestants: Contestant[] = []
    const skipped: string[] = []
    for (const peer of peers) {
      const running = await peer.start({ ...shared, upstreamPort, threads, folder: folder.path })
      if (running.status === 'skipped') skipped.push(running.reason)
      else {
        stops.push(() => running.stop())
        contestants.push({ peer, running, turns: [] })
      }
    }
    const tokensFile = others.tokensFile ?? credentials.tokensFile
    await takeRounds(contestants, scenario, options, tokensFile)
    const outcomes = contestants.map(({ peer, running, turns }) => summarise(peer, running, turns))
    return { scenario, peers: outcomes, skipped }
  } finally {
    for (const stop of stops.reverse()) await stop()
    folder.remove()
  }
}

/** Who else knows the credentials: a Redis with sessions, or a provider with opaque tokens. */
interface Others {
  readonly redisPort: number | null
  readonly introspection: Introspection | null
  /** `null`: the credentials are JWTs. */
  readonly tokensFile: string | null
}

async function startOthers(
  { credential }: Scenario,
  folder: string,
  tokens: number,
  stops: (() => Promise<void>)[],
): Promise<Others> {
  if (credential === 'session') {
    const sessions = await startSessions(folder, tokens)
    stops.push(() => sessions.stop())
    const { port: redisPort, idsFile: tokensFile } = sessions
    return { redisPort, introspection: null, tokensFile }
  }
  if (credential === 'opaque') {
    const issued = await startOpaqueTokens(folder, tokens)
    stops.push(() => issued.stop())
    const { introspection, tokensFile } = issued
    return { redisPort: null, introspection, tokensFile }
  }
  return { redisPort: null, introspection: null, tokensFile: null }
}
