/** Compares programs on several kinds of work, for measurements that differ in which of each. */
import { type ComparisonOptions, compare, type ScenarioOutcome } from '../comparison.ts'
import type { Chart, Table } from '../figures/figures.ts'
import type { Peer } from '../peer.ts'
import { gatewayPeer } from '../peers/gateway.ts'
import { CONNECTIONS, scenarioNamed } from '../scenario.ts'
import type { Effort } from './measurement.ts'

const WARM_UP_SECONDS = 2
const NEW_TOKENS = 16_000

/** One row: a scenario, and what the documents call its work. */
export interface Work {
  readonly scenario: string
  readonly title: string
}

export interface ComparedWork {
  readonly work: Work
  readonly outcome: ScenarioOutcome
}

/** One listener thread each, because the bare pass-through has one event loop. */
export function optionsOf({ rounds, turnSeconds }: Effort): ComparisonOptions {
  return {
    rounds,
    turnSeconds,
    warmUpSeconds: WARM_UP_SECONDS,
    newTokensPerTurn: NEW_TOKENS,
    threads: 1,
    connections: CONNECTIONS,
    rate: null,
  }
}

export async function compareScenarios(
  works: readonly Work[],
  peers: readonly Peer[],
  options: ComparisonOptions,
): Promise<readonly ComparedWork[]> {
  const compared: ComparedWork[] = []
  for (const work of works) {
    process.stderr.write(`  ${work.title} …\n`)
    compared.push({ work, outcome: await compare(scenarioNamed(work.scenario), peers, options) })
  }
  return compared
}

/** What the rounds were, in words. */
export function methodOf({ rounds, turnSeconds, connections, rate }: ComparisonOptions): string {
  const pace = rate === null ? '' : `, ${rate} requests a second`
  return (
    `Medians of ${rounds} interleaved rounds of ${turnSeconds} s, ` +
    `${connections} keep-alive connections${pace}`
  )
}

/** Releases of all programs but Sallyport and Node, which the machine's facts name. */
export function programsOf(compared: readonly ComparedWork[]): readonly string[] {
  const versions = compared.flatMap(({ outcome }) => outcome.peers.map(({ version }) => version))
  const released = versions.filter((version) => !/^(Sallyport|Node)/.test(version))
  return [...new Set(released.map((version) => version.replace(/, Node .*/, '')))]
}

/** Reasons of programs that took part in none of the work: the same one is told once. */
export function skippedOf(compared: readonly ComparedWork[]): readonly string[] {
  const seen = new Set(compared.flatMap(({ outcome }) => outcome.peers.map(({ name }) => name)))
  const reasons = new Set(compared.flatMap(({ outcome }) => outcome.skipped))
  // A reason begins with the name of the program, with which the names of its peers begin.
  const tookPart = (program: string) => [...seen].some((name) => name.startsWith(program))
  return [...reasons].filter((reason) => !tookPart(reason.split(':')[0] ?? ''))
}

/** CPU µs a request; `null` where the program took no part. */
export function cpuMicros({ outcome }: ComparedWork, peer: Peer): number | null {
  const found = outcome.peers.find(({ name }) => name === peer.name)
  return found?.cpuMicrosPerRequest ?? null
}

function number(value: number | null, digits: number): string {
  return value === null ? '–' : value.toFixed(digits)
}

export interface NamedPeer {
  readonly peer: Peer
  /** As the documents call it. */
  readonly title: string
}

/** A row for each kind of work: the gateway, the others, and its ratio to each of them. */
export function cpuTable(compared: readonly ComparedWork[], others: readonly NamedPeer[]): Table {
  return {
    columns: [
      'work',
      'Sallyport, µs',
      ...others.map(({ title }) => `${title}, µs`),
      ...others.map(({ title }) => `÷ ${title}`),
    ],
    rows: compared.map((one) => {
      const own = cpuMicros(one, gatewayPeer)
      const theirs = others.map(({ peer }) => cpuMicros(one, peer))
      const ratios = theirs.map((value) => (own === null || value === null ? null : own / value))
      return [
        one.work.title,
        number(own, 1),
        ...theirs.map((value) => number(value, 1)),
        ...ratios.map((ratio) => number(ratio, 2)),
      ]
    }),
  }
}

/** Bars of CPU µs a request: a group for each kind of work, a bar for each program. */
export function cpuChart(
  name: string,
  title: string,
  compared: readonly ComparedWork[],
  peers: readonly NamedPeer[],
): Chart {
  return {
    name,
    title,
    shape: 'bars',
    categoriesName: '',
    categories: compared.map(({ work }) => work.title),
    series: peers.map(({ peer, title: program }) => ({
      name: program,
      values: compared.map((one) => rounded(cpuMicros(one, peer))),
    })),
  }
}

/** To a tenth: as exact as such figures are. */
export function rounded(value: number | null): number | null {
  return value === null || Number.isNaN(value) ? null : Math.round(value * 10) / 10
}
