/**
 * What is served when requests arrive several times as fast as the gateway can serve them, whatever
 * becomes of those before (an open loop).
 *
 * The gateway gets a share of one processor, as in a container with a limit, so that the clients
 * are not what gives out first. Its peak is found with 64 connections that never pause.
 */
import { median } from './comparison.ts'
import { limitCpu } from './cpu-quota.ts'
import { prepareCredentials } from './credentials.ts'
import { type OverloadJob, type OverloadResult, RAMP_SECONDS, runOverload } from './overload-job.ts'
import type { RunningPeer } from './peer.ts'
import { CONNECTIONS, HOT_TOKENS } from './scenario.ts'
import { withGateway } from './with-programs.ts'

export interface OverloadOptions {
  readonly connections: number
  readonly cpuShare: number
  readonly rounds: number
  readonly durationSeconds: number
  readonly everyTokenNew: boolean
}

export interface OverloadTurn {
  readonly duePerSecond: number
  readonly goodPerSecond: number
  readonly refusedPerSecond: number
  readonly cpuMicrosPerGood: number
  readonly result: OverloadResult
}

/** The turns of one load: the peak first, then each factor of it. */
export interface OverloadLoad {
  readonly name: string
  readonly turns: readonly OverloadTurn[]
}

const WARM_UP_SECONDS = 4
const FACTORS = [2, 5] as const
/** New tokens for a second of a whole processor: more than it can verify. */
const NEW_TOKENS_A_SECOND = 20_000

/** @throws On a system without control groups, or without the right to write them. */
export async function takeOverloadRounds(
  options: OverloadOptions,
): Promise<readonly OverloadLoad[]> {
  const { cpuShare, rounds, durationSeconds, everyTokenNew } = options
  const tokensOfTurn = everyTokenNew
    ? Math.ceil(NEW_TOKENS_A_SECOND * cpuShare * (RAMP_SECONDS + durationSeconds))
    : HOT_TOKENS
  const turns = 1 + rounds * (1 + FACTORS.length)
  const tokens = everyTokenNew ? tokensOfTurn * turns : tokensOfTurn
  const credentials = prepareCredentials('RS256', tokens)
  return withGateway(credentials, async (gateway) => {
    const quota = limitCpu(gateway.processId, cpuShare)
    try {
      return await takeRounds(gateway, credentials.tokensFile, tokensOfTurn, options)
    } finally {
      quota.remove()
    }
  })
}

/** The middle of one figure over the turns of a load. */
export function middleOf({ turns }: OverloadLoad, figure: (turn: OverloadTurn) => number): number {
  return median(turns.map(figure))
}

async function takeTurn(job: OverloadJob): Promise<OverloadTurn> {
  const result = await runOverload(job)
  const { 200: good = 0, ...others } = result.answers
  const refused = Object.values(others).reduce((sum, count) => sum + count, 0)
  return {
    duePerSecond: job.rate ?? good / result.durationSeconds,
    goodPerSecond: good / result.durationSeconds,
    refusedPerSecond: refused / result.durationSeconds,
    cpuMicrosPerGood: result.cpuMicros / good,
    result,
  }
}

/** Turns at the peak and at each factor of it, in rounds, so that noise meets all alike. */
async function takeRounds(
  { port, processId }: RunningPeer,
  tokensFile: string,
  tokensOfTurn: number,
  { connections, rounds, durationSeconds, everyTokenNew }: OverloadOptions,
): Promise<readonly OverloadLoad[]> {
  let turnCount = 0
  const turn = (rate: number | null, seconds = durationSeconds) => {
    const firstToken = everyTokenNew ? turnCount * tokensOfTurn : 0
    turnCount += 1
    return takeTurn({
      port,
      processId,
      tokensFile,
      firstToken,
      tokens: tokensOfTurn,
      repeatsTokens: !everyTokenNew,
      connections: rate === null ? CONNECTIONS : connections,
      rate,
      durationSeconds: seconds,
    })
  }
  await turn(null, everyTokenNew ? durationSeconds : WARM_UP_SECONDS)
  const peaks: OverloadTurn[] = []
  const over = FACTORS.map((factor) => ({ factor, turns: [] as OverloadTurn[] }))
  for (let round = 0; round < rounds; round += 1) {
    peaks.push(await turn(null))
    const peak = median(peaks.map(({ goodPerSecond }) => goodPerSecond))
    for (const { factor, turns } of over) turns.push(await turn(peak * factor))
  }
  const others = over.map(({ factor, turns }) => ({ name: `${factor}×`, turns }))
  return [{ name: 'peak', turns: peaks }, ...others]
}
