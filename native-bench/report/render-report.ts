/** Writes the results of all benches for people, as Markdown. */
import type { MachineFacts } from '../../loadtest/machine-facts.ts'
import { type BenchResult, type CaseResult, microsText } from '../bench.ts'
import { type AlgorithmRow, renderAlgorithmTable } from './algorithm-table.ts'
import type { BenchOutcome } from './measure-bench.ts'
import type { Version } from './versions.ts'

export interface NativeBenchReport {
  readonly machine: MachineFacts
  readonly versions: readonly Version[]
  /** Turns of each case: the least of its rounds. */
  readonly rounds: number
  /** Why the Rust binding checks no signatures on this machine; `null`: it does. */
  readonly bindingFault: string | null
  /** Empty when signatures were not measured. */
  readonly algorithms: readonly AlgorithmRow[]
  readonly benches: readonly BenchOutcome[]
}

/** The whole report; a bench that failed is named in front of all figures. */
export function renderReport(report: NativeBenchReport): string {
  const { processor, cores, memoryGiB, kernel, loadBefore } = report.machine
  return [
    '# Native benches',
    '',
    `Machine: ${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, ` +
      `load average before the run ${loadBefore.toFixed(2)}.`,
    '',
    `Versions: ${report.versions.map(({ name, version }) => `${name} ${version}`).join(', ')}.`,
    '',
    'Figures are microseconds of CPU for one call: user plus system, of all threads of the process. ' +
      'Each bench has a process of its own. After a round that warms up, its cases take turns ' +
      `(${report.rounds} of each), with up to ten rounds in one where a round is over quickly. A ` +
      'round is the mean of its calls, and the percentiles are over rounds: they tell how steady a ' +
      'figure is, not what the slowest call costs. Of less than a hundred rounds p99 is the dearest. ' +
      'Compare figures of one run, best within one table.',
    '',
    ...failures(report.benches),
    ...algorithmSection(report),
    ...report.benches.flatMap((bench) =>
      bench.kind === 'measured' ? [benchSection(bench.name, bench.result)] : [],
    ),
  ].join('\n')
}

function failures(benches: readonly BenchOutcome[]): readonly string[] {
  const failed = benches.flatMap((bench) => (bench.kind === 'failed' ? [bench] : []))
  if (failed.length === 0) return []
  return ['## Failed', '', ...failed.map(({ name, reason }) => `- \`${name}\`: ${reason}`), '']
}

function algorithmSection({ algorithms, bindingFault }: NativeBenchReport): readonly string[] {
  if (algorithms.length === 0) return []
  const fault = bindingFault === null ? [] : ['', `The Rust binding is not used: ${bindingFault}.`]
  return [
    '## Signature algorithms',
    '',
    'The median of verifying one signature. Which backend the gateway uses is what it finds on this ' +
      'machine when it starts; one that is cheaper here alone is no reason to change that.',
    ...fault,
    '',
    renderAlgorithmTable(algorithms),
    '',
  ]
}

function benchSection(name: string, { title, cases, note }: BenchResult): string {
  return [
    `## ${name}`,
    '',
    `${title}.`,
    '',
    '| case | least µs | p50 µs | p90 µs | p99 µs | rounds | calls a round |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...cases.map(caseRow),
    ...(note === '' ? [] : ['', `${note}.`]),
    '',
  ].join('\n')
}

function caseRow(one: CaseResult): string {
  const micros = [one.leastMicros, one.p50Micros, one.p90Micros, one.p99Micros].map(microsText)
  return `| ${[one.name, ...micros, one.rounds, one.timesPerRound].join(' | ')} |`
}
