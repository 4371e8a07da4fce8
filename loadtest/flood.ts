/**
 * Entry of the flood test: what is left of the traffic of good, cached tokens beside a flood of bad
 * ones at full speed on other connections.
 *
 *     node build/loadtest/flood.js [--connections 64] [--rounds 3] [--seconds 4]
 *
 * Clients and gateway share the machine, so requests a second say as much about the clients. What
 * counts is how many good requests the gateway answers for a second of its own CPU time: that is
 * their throughput wherever the gateway's processors are the limit.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { runClient } from './child-process.ts'
import { median } from './comparison.ts'
import { cpuTimeMicros } from './cpu-time.ts'
import { prepareCredentials } from './credentials.ts'
import { FLOOD_KINDS, type FloodJob, type FloodKind } from './flood-kinds.ts'
import { runLoad } from './load-job.ts'
import { positiveCount, positiveNumber } from './positive-number.ts'
import { runEntry } from './run-entry.ts'
import { CONNECTIONS, HOT_TOKENS, PROXIED } from './scenario.ts'
import { withGateway } from './with-gateway.ts'

const MICROS_PER_SECOND = 1_000_000
const WARM_UP_SECONDS = 3

interface Turn {
  readonly goodPerCpuSecond: number
  readonly goodPerSecond: number
  readonly badPerSecond: number
}

interface Target {
  readonly port: number
  readonly processId: number
  readonly tokensFile: string
  readonly token: string
}

async function takeTurn(
  { port, processId, tokensFile, token }: Target,
  kind: FloodKind | null,
  connections: number,
  durationSeconds: number,
): Promise<Turn> {
  const before = cpuTimeMicros(processId)
  const [good, bad] = await Promise.all([
    runLoad({
      port,
      errand: PROXIED,
      tokensFile,
      field: 'authorization',
      otherFields: {},
      firstToken: 0,
      tokens: HOT_TOKENS,
      requests: null,
      durationSeconds,
      connections: CONNECTIONS,
      rate: null,
    }),
    kind === null ? 0 : flood({ port, token, kind, connections, durationSeconds }),
  ])
  const cpuSeconds = (cpuTimeMicros(processId) - before) / MICROS_PER_SECOND
  if (good.failures > 0) throw new Error(`${good.failures} good requests failed: run is void`)
  return {
    goodPerCpuSecond: good.responses / cpuSeconds,
    goodPerSecond: good.responses / good.durationSeconds,
    badPerSecond: bad / durationSeconds,
  }
}

async function flood(job: FloodJob): Promise<number> {
  return (await runClient<{ readonly answered: number }>('flood-client', job)).answered
}

async function takeRounds(target: Target, rounds: number, connections: number, seconds: number) {
  const kinds = [null, ...FLOOD_KINDS]
  const turns = new Map<FloodKind | null, Turn[]>(kinds.map((kind) => [kind, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of kinds) {
      turns.get(kind)?.push(await takeTurn(target, kind, connections, seconds))
    }
  }
  return turns
}

function rowOf(kind: FloodKind | null, turns: readonly Turn[], alone: readonly Turn[]): string {
  const middle = (of: readonly Turn[], figure: keyof Turn) => median(of.map((turn) => turn[figure]))
  const share = middle(turns, 'goodPerCpuSecond') / middle(alone, 'goodPerCpuSecond')
  const cells = [
    kind ?? 'none',
    middle(turns, 'goodPerCpuSecond').toFixed(0),
    share.toFixed(2),
    middle(turns, 'goodPerSecond').toFixed(0),
    middle(turns, 'badPerSecond').toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '64' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
    },
  })
  const connections = positiveCount(values.connections, 'connections')
  const rounds = positiveCount(values.rounds, 'rounds')
  const seconds = positiveNumber(values.seconds, 'seconds')
  const credentials = prepareCredentials('RS256', HOT_TOKENS)
  await withGateway(credentials, async (gateway) => {
    const { tokensFile } = credentials
    const [token = ''] = readFileSync(tokensFile, 'latin1').split('\n')
    const { port, processId } = gateway
    const target = { port, processId, tokensFile, token }
    await takeTurn(target, null, connections, WARM_UP_SECONDS)
    const turns = await takeRounds(target, rounds, connections, seconds)
    const alone = turns.get(null) ?? []
    process.stdout.write(
      '| bad tokens | good a CPU second | share | good a second | bad a second |\n',
    )
    process.stdout.write('| --- | ---: | ---: | ---: | ---: |\n')
    for (const [kind, of] of turns) process.stdout.write(`${rowOf(kind, of, alone)}\n`)
  })
}

await runEntry(main)
