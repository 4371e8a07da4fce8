/**
 * Entry of the overload test: what is served when requests arrive several times as fast as the
 * gateway can serve them, whatever becomes of those before (an open loop).
 *
 *     node build/loadtest/overload.js [--connections 512] [--cpu 0.5] [--rounds 3] [--seconds 4]
 *       [--new-tokens]
 *
 * The gateway gets a share of one processor, as in a container with a limit, so that the clients
 * are not what gives out first. Its peak is found with 64 connections that never pause.
 */
import { parseArgs } from 'node:util'
import { median } from './comparison.ts'
import { limitCpu } from './cpu-quota.ts'
import { prepareCredentials } from './credentials.ts'
import { type OverloadJob, type OverloadResult, RAMP_SECONDS, runOverload } from './overload-job.ts'
import type { RunningPeer } from './peer.ts'
import { positiveCount, positiveNumber } from './positive-number.ts'
import { runEntry } from './run-entry.ts'
import { CONNECTIONS, HOT_TOKENS } from './scenario.ts'
import { withGateway } from './with-gateway.ts'

const WARM_UP_SECONDS = 4
const FACTORS = [2, 5] as const
/** New tokens for a second of a whole processor: more than it can verify. */
const NEW_TOKENS_A_SECOND = 20_000

interface Turn {
  readonly duePerSecond: number
  readonly goodPerSecond: number
  readonly refusedPerSecond: number
  readonly cpuMicrosPerGood: number
  readonly result: OverloadResult
}

async function takeTurn(job: OverloadJob): Promise<Turn> {
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

function rowOf(name: string, turns: readonly Turn[], peak: number): string {
  const middle = (of: (turn: Turn) => number) => median(turns.map(of))
  const good = middle((turn) => turn.goodPerSecond)
  const cells = [
    name,
    middle((turn) => turn.duePerSecond).toFixed(0),
    good.toFixed(0),
    (good / peak).toFixed(2),
    middle((turn) => turn.cpuMicrosPerGood).toFixed(1),
    middle((turn) => turn.refusedPerSecond).toFixed(0),
    middle(({ result }) => result.unsent / result.durationSeconds).toFixed(0),
    middle(({ result }) => result.lost).toFixed(0),
    middle(({ result }) => result.open).toFixed(0),
    middle(({ result }) => result.p50Ms).toFixed(1),
    middle(({ result }) => result.p99Ms).toFixed(1),
    middle(({ result }) => result.refusalMsMax).toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

interface Options {
  readonly connections: number
  readonly cpuShare: number
  readonly rounds: number
  readonly durationSeconds: number
  readonly everyTokenNew: boolean
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '512' },
      cpu: { type: 'string', default: '0.5' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      'new-tokens': { type: 'boolean', default: false },
    },
  })
  return {
    connections: positiveCount(values.connections, 'connections'),
    cpuShare: positiveNumber(values.cpu, 'cpu'),
    rounds: positiveCount(values.rounds, 'rounds'),
    durationSeconds: positiveNumber(values.seconds, 'seconds'),
    everyTokenNew: values['new-tokens'],
  }
}

/** Turns at the peak and at each factor of it, in rounds, so that noise meets all alike. */
async function takeRounds(
  { port, processId }: RunningPeer,
  tokensFile: string,
  tokensOfTurn: number,
  { connections, rounds, durationSeconds, everyTokenNew }: Options,
): Promise<void> {
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
  const peaks: Turn[] = []
  const over = new Map<number, Turn[]>(FACTORS.map((factor) => [factor, []]))
  for (let round = 0; round < rounds; round += 1) {
    peaks.push(await turn(null))
    const rate = median(peaks.map(({ goodPerSecond }) => goodPerSecond))
    for (const [factor, turns] of over) turns.push(await turn(rate * factor))
  }
  const peak = median(peaks.map(({ goodPerSecond }) => goodPerSecond))
  process.stdout.write(
    '| load | arrive a second | good a second | of the peak | CPU, µs | refused a second | unsent a second ' +
      '| connections lost | open at the end | p50, ms | p99, ms | slowest refusal, ms |\n',
  )
  process.stdout.write(`|${' ---: |'.repeat(12)}\n`)
  process.stdout.write(`${rowOf('peak', peaks, peak)}\n`)
  for (const [factor, turns] of over) {
    process.stdout.write(`${rowOf(`${factor}×`, turns, peak)}\n`)
  }
}

async function main(): Promise<void> {
  const options = readOptions()
  const { cpuShare, rounds, durationSeconds, everyTokenNew } = options
  const tokensOfTurn = everyTokenNew
    ? Math.ceil(NEW_TOKENS_A_SECOND * cpuShare * (RAMP_SECONDS + durationSeconds))
    : HOT_TOKENS
  const turns = 1 + rounds * (1 + FACTORS.length)
  const credentials = prepareCredentials(
    'RS256',
    everyTokenNew ? tokensOfTurn * turns : tokensOfTurn,
  )
  await withGateway(credentials, async (gateway) => {
    const quota = limitCpu(gateway.processId, cpuShare)
    try {
      await takeRounds(gateway, credentials.tokensFile, tokensOfTurn, options)
    } finally {
      quota.remove()
    }
  })
}

await runEntry(main)
