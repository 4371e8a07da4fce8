/**
 * What is left of the traffic of good, cached tokens beside a flood of bad ones at full speed on
 * other connections.
 *
 * With a share of one processor for the gateway, good requests a second are what counts. Without,
 * clients and gateway share the machine, and what counts is how many good requests the gateway
 * answers for a second of its own CPU time.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { runClient } from './child-process.ts'
import { median } from './comparison.ts'
import { limitCpu } from './cpu-quota.ts'
import { prepareCredentials } from './credentials.ts'
import { FLOOD_KINDS, type FloodJob, type FloodKind } from './flood-kinds.ts'
import { fullSpeedJob, RAMP_SECONDS, runOverload } from './overload-job.ts'
import { CONNECTIONS, HOT_TOKENS } from './scenario.ts'
import { withGateway } from './with-programs.ts'

export interface FloodOptions {
  /** Of the bad tokens; the good ones have {@link CONNECTIONS}. */
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  /** Of one processor; `null`: as much as there is. */
  readonly cpuShare: number | null
}

interface FloodTurn {
  readonly goodPerCpuSecond: number
  readonly goodPerSecond: number
  readonly badPerSecond: number
}

/** Medians of one kind of flood. */
export interface FloodOutcome extends FloodTurn {
  /** `null`: no bad tokens at all. */
  readonly kind: FloodKind | null
}

const MICROS_PER_SECOND = 1_000_000
const WARM_UP_SECONDS = 3
const FLOOD_LEAD_SECONDS = 1
/** For the start of the other client. */
const FLOOD_TAIL_SECONDS = 2

interface Target {
  readonly port: number
  readonly processId: number
  readonly tokensFile: string
  readonly token: string
}

/** The first outcome is the one without a flood. */
export async function takeFloodRounds(options: FloodOptions): Promise<readonly FloodOutcome[]> {
  const credentials = prepareCredentials('RS256', HOT_TOKENS)
  return withGateway(credentials, async ({ port, processId }) => {
    const { tokensFile } = credentials
    const [token = ''] = readFileSync(tokensFile, 'latin1').split('\n')
    const target = { port, processId, tokensFile, token }
    const quota = options.cpuShare === null ? null : limitCpu(processId, options.cpuShare)
    try {
      await takeTurn(target, null, options.connections, WARM_UP_SECONDS)
      return await takeRounds(target, options)
    } finally {
      quota?.remove()
    }
  })
}

async function takeTurn(
  { port, processId, tokensFile, token }: Target,
  kind: FloodKind | null,
  connections: number,
  durationSeconds: number,
): Promise<FloodTurn> {
  // All the time in which good requests come, however long their client takes to begin.
  const floodSeconds = FLOOD_LEAD_SECONDS + RAMP_SECONDS + durationSeconds + FLOOD_TAIL_SECONDS
  const flooding =
    kind === null ? null : flood({ port, token, kind, connections, durationSeconds: floodSeconds })
  if (flooding !== null) await delay(FLOOD_LEAD_SECONDS * 1_000)
  const result = await runOverload(
    fullSpeedJob({ port, processId }, tokensFile, CONNECTIONS, durationSeconds),
  )
  const bad = flooding === null ? 0 : await flooding
  const good = result.answers['200'] ?? 0
  if (good === 0) throw new Error('no good request was answered: run is void')
  if (flooding !== null && bad === 0) throw new Error('no bad token was answered: run is void')
  return {
    goodPerCpuSecond: (good / result.cpuMicros) * MICROS_PER_SECOND,
    goodPerSecond: good / result.durationSeconds,
    badPerSecond: bad / floodSeconds,
  }
}

async function flood(job: FloodJob): Promise<number> {
  return (await runClient<{ readonly answered: number }>('flood-client', job)).answered
}

async function takeRounds(
  target: Target,
  { rounds, connections, seconds }: FloodOptions,
): Promise<readonly FloodOutcome[]> {
  const kinds = [null, ...FLOOD_KINDS].map((kind) => ({ kind, turns: [] as FloodTurn[] }))
  for (let round = 0; round < rounds; round += 1) {
    for (const { kind, turns } of kinds) {
      turns.push(await takeTurn(target, kind, connections, seconds))
    }
  }
  return kinds.map(({ kind, turns }) => ({
    kind,
    goodPerCpuSecond: median(turns.map((turn) => turn.goodPerCpuSecond)),
    goodPerSecond: median(turns.map((turn) => turn.goodPerSecond)),
    badPerSecond: median(turns.map((turn) => turn.badPerSecond)),
  }))
}
