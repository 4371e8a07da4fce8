/** What a request costs beside how many others that are under way. */
import { median } from '../comparison.ts'
import { prepareCredentials } from '../credentials.ts'
import type { Table } from '../figures/figures.ts'
import { fullSpeedJob, runOverload } from '../overload-job.ts'
import { barePeer } from '../peers/bare.ts'
import { gatewayPeer } from '../peers/gateway.ts'
import { haproxyPlainPeer } from '../peers/haproxy.ts'
import { HOT_TOKENS } from '../scenario.ts'
import { type RunningProgram, withPrograms } from '../with-programs.ts'
import { type NamedPeer, rounded } from './compare-scenarios.ts'
import type { Effort, Measurement } from './measurement.ts'

const CONNECTIONS = [16, 64, 256, 512, 1_000, 2_000] as const
const PROGRAMS: readonly NamedPeer[] = [
  { peer: gatewayPeer, title: 'Sallyport' },
  { peer: barePeer, title: 'bare pass-through' },
  { peer: haproxyPlainPeer, title: 'HAProxy, no authentication' },
]

interface Measured {
  readonly program: RunningProgram
  /** CPU µs a request by connections, one value a round. */
  readonly micros: ReadonlyMap<number, number[]>
}

async function takeRounds(
  programs: readonly RunningProgram[],
  tokensFile: string,
  { rounds, turnSeconds }: Effort,
): Promise<readonly Measured[]> {
  const measured = programs.map((program) => ({
    program,
    micros: new Map<number, number[]>(CONNECTIONS.map((connections) => [connections, []])),
  }))
  // The first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const connections of CONNECTIONS) {
      for (const { program, micros } of measured) {
        const result = await runOverload(
          fullSpeedJob(program.running, tokensFile, connections, turnSeconds),
        )
        const { 200: good = 0, ...others } = result.answers
        const refused = Object.keys(others)
        if (good === 0 || refused.length > 0 || result.lost > 0) {
          throw new Error(
            `${program.peer.name}, ${connections} connections: ${good} good answers, ` +
              `${refused.join(', ')}, ${result.lost} connections lost: run is void`,
          )
        }
        if (round > 0) micros.get(connections)?.push(result.cpuMicros / good)
      }
    }
  }
  return measured
}

function medianOf({ micros }: Measured, connections: number): number {
  return median(micros.get(connections) ?? [])
}

function tableOf(measured: readonly Measured[], titles: readonly string[]): Table {
  const rows = CONNECTIONS.map((connections) => {
    const cells = measured.map((one) => medianOf(one, connections))
    const growth = measured.map((one) => medianOf(one, connections) / medianOf(one, 64))
    return [
      String(connections),
      ...cells.map((value) => value.toFixed(1)),
      ...growth.map((value) => value.toFixed(2)),
    ]
  })
  const growth = titles.map((title) => `${title} ÷ at 64`)
  return { columns: ['connections', ...titles.map((title) => `${title}, µs`), ...growth], rows }
}

export const connections: Measurement = {
  name: 'connections',
  title: 'many connections',
  async measure(effort) {
    const credentials = prepareCredentials('RS256', HOT_TOKENS)
    const peers = PROGRAMS.map(({ peer }) => peer)
    const { result: measured, skipped } = await withPrograms(peers, credentials, (programs) =>
      takeRounds(programs, credentials.tokensFile, effort),
    )
    const titles = measured.map(
      ({ program }) => PROGRAMS.find(({ peer }) => peer === program.peer)?.title ?? '',
    )
    const versions = measured.map(({ program }) => program.running.version)
    return {
      method:
        `Medians of ${effort.rounds} interleaved rounds of ${effort.turnSeconds} s at full speed, ` +
        'hot RS256 tokens',
      programs: versions.filter((version) => version.startsWith('HAProxy')),
      skipped,
      tables: [tableOf(measured, titles)],
      charts: [
        {
          name: 'connections',
          title: 'CPU a request, µs, by connections',
          shape: 'lines',
          categoriesName: 'connections, each with one request under way',
          categories: CONNECTIONS.map(String),
          series: measured.map((one, index) => ({
            name: titles[index] ?? '',
            values: CONNECTIONS.map((count) => rounded(medianOf(one, count))),
          })),
        },
      ],
    }
  },
}
