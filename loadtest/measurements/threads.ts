/** What more threads bring: what a request and a signature cost with one, with two, with more. */
import { availableParallelism } from 'node:os'
import type { JwsAlgorithm, SignatureBackendName } from '../../src/protocol/jws-algorithms.ts'
import { loadRustBinding } from '../../src/verifiers/jwt/rust-binding.ts'
import { median } from '../comparison.ts'
import { capacityWith, contentionOf } from '../contention.ts'
import type { Chart, Figures, Table } from '../figures/figures.ts'
import type { Peer } from '../peer.ts'
import { gatewayPeer } from '../peers/gateway.ts'
import { CONNECTIONS } from '../scenario.ts'
import {
  type VerificationTurn,
  verificationWork,
  verifyInThreads,
} from '../verification-threads.ts'
import {
  compareScenarios,
  cpuMicros,
  optionsOf,
  skippedOf,
  type Work,
} from './compare-scenarios.ts'
import type { Effort, Measurement } from './measurement.ts'

/** How large the things are that are measured. */
export interface ThreadsExtent {
  /** Of each gateway in each round. */
  readonly newTokens: number
  /** Threads that check signatures at once; 1 and 2 are among them. */
  readonly verificationThreads: readonly number[]
}

const FULL_EXTENT: ThreadsExtent = { newTokens: 16_000, verificationThreads: [1, 2, 4, 8] }
const EXTRAPOLATED = [4, 8, 16] as const
/** There are many turns, and each is of nothing else. */
const VERIFICATION_SECONDS_MAX = 1
const WORKS: readonly Work[] = [
  { scenario: 'hot-rs256', title: 'requests with hot tokens' },
  { scenario: 'new-rs256', title: 'requests, every token new' },
]
const TWO_THREADS: Peer = {
  ...gatewayPeer,
  name: 'sallyport-2-threads',
  start: (context) => gatewayPeer.start({ ...context, threads: 2 }),
}

interface VerificationCase {
  readonly algorithm: JwsAlgorithm
  readonly backend: SignatureBackendName
  readonly title: string
}

const CASES: readonly VerificationCase[] = (['RS256', 'ES256', 'EdDSA'] as const).flatMap(
  (algorithm) => [
    { algorithm, backend: 'openssl' as const, title: `${algorithm}, node:crypto` },
    { algorithm, backend: 'rust' as const, title: `${algorithm}, Rust binding` },
  ],
)

/** What a unit of work costs, in CPU µs. */
interface Cost {
  readonly title: string
  readonly withOne: number
  readonly withTwo: number
}

interface Verified {
  readonly title: string
  /** By threads, one value a round. */
  readonly turns: ReadonlyMap<number, VerificationTurn[]>
}

function middleOf(
  { turns }: Verified,
  threads: number,
  figure: (turn: VerificationTurn) => number,
): number {
  return median((turns.get(threads) ?? []).map(figure))
}

async function takeVerifications(
  cases: readonly VerificationCase[],
  threadCounts: readonly number[],
  { rounds, turnSeconds }: Effort,
): Promise<readonly Verified[]> {
  const seconds = Math.min(turnSeconds, VERIFICATION_SECONDS_MAX)
  const contestants = cases.map(({ algorithm, backend, title }) => ({
    title,
    work: verificationWork(algorithm, backend),
    turns: new Map<number, VerificationTurn[]>(threadCounts.map((threads) => [threads, []])),
  }))
  for (let round = 0; round < rounds; round += 1) {
    for (const threads of threadCounts) {
      for (const { work, turns } of contestants) {
        turns.get(threads)?.push(await verifyInThreads(work, threads, seconds))
      }
    }
  }
  return contestants
}

function costTable(costs: readonly Cost[]): Table {
  return {
    columns: ['CPU of the gateway for', '1 listener thread, µs', '2 listener threads, µs', 'ratio'],
    rows: costs.map(({ title, withOne, withTwo }) => [
      title,
      withOne.toFixed(1),
      withTwo.toFixed(1),
      (withTwo / withOne).toFixed(2),
    ]),
  }
}

/** With more threads than processors the throughput says nothing, and the title says so. */
function threadsTitle(threads: number): string {
  const processors = availableParallelism()
  const name = threads === 1 ? '1 thread' : `${threads} threads`
  return threads > processors ? `${name} on ${processors} processors (CPU only)` : name
}

function verificationTable(verified: readonly Verified[], threadCounts: readonly number[]): Table {
  const titles = threadCounts.map(threadsTitle)
  return {
    columns: [
      'signatures',
      ...titles.map((title) => `${title}: a second`),
      ...titles.map((title) => `${title}: µs`),
    ],
    rows: verified.map((one) => [
      one.title,
      ...threadCounts.map((threads) => middleOf(one, threads, (t) => t.perSecond).toFixed(0)),
      ...threadCounts.map((threads) => middleOf(one, threads, (t) => t.cpuMicros).toFixed(1)),
    ]),
  }
}

function modelTable(costs: readonly Cost[]): Table {
  return {
    columns: [
      'capacity, relative to 1 thread',
      'contention σ',
      '2 threads',
      ...EXTRAPOLATED.map((threads) => `${threads} threads, extrapolated`),
    ],
    rows: costs.map(({ title, withOne, withTwo }) => {
      const sigma = contentionOf(withOne, withTwo)
      const capacities = [2, ...EXTRAPOLATED].map((threads) => capacityWith(threads, sigma))
      return [title, sigma.toFixed(3), ...capacities.map((capacity) => capacity.toFixed(2))]
    }),
  }
}

function verificationChart(verified: readonly Verified[], threadCounts: readonly number[]): Chart {
  const processors = availableParallelism()
  return {
    name: 'threads',
    title: 'Signatures checked a second, in thousands, by threads',
    shape: 'lines',
    categoriesName: `threads at once, on ${processors} processors`,
    categories: threadCounts.map(String),
    series: verified.map((one) => ({
      name: one.title,
      values: threadCounts.map(
        (threads) => Math.round(middleOf(one, threads, (t) => t.perSecond) / 100) / 10,
      ),
    })),
  }
}

/** @throws When a gateway does not start, or a signature or an answer is not good. */
export async function measureThreads(effort: Effort, extent: ThreadsExtent): Promise<Figures> {
  const { verificationThreads } = extent
  const options = {
    ...optionsOf(effort),
    newTokensPerTurn: extent.newTokens,
    // Each of two listener threads has as many as the only one has in other measurements.
    connections: 2 * CONNECTIONS,
  }
  const compared = await compareScenarios(WORKS, [gatewayPeer, TWO_THREADS], options)
  const requests = compared.map((one) => ({
    title: one.work.title,
    withOne: cpuMicros(one, gatewayPeer) ?? Number.NaN,
    withTwo: cpuMicros(one, TWO_THREADS) ?? Number.NaN,
  }))
  process.stderr.write('  signatures alone …\n')
  const loaded = loadRustBinding()
  const cases = CASES.filter(({ backend }) => backend !== 'rust' || loaded.ok)
  const verified = await takeVerifications(cases, verificationThreads, effort)
  const signatures = verified.map((one) => ({
    title: `signatures, ${one.title}`,
    withOne: middleOf(one, 1, (turn) => turn.cpuMicros),
    withTwo: middleOf(one, 2, (turn) => turn.cpuMicros),
  }))
  const seconds = Math.min(effort.turnSeconds, VERIFICATION_SECONDS_MAX)
  return {
    method:
      `Medians of ${effort.rounds} interleaved rounds: requests ${effort.turnSeconds} s with ` +
      `${options.connections} keep-alive connections, beside their clients and the upstream; ` +
      `signatures ${seconds} s, in threads of one process. Threads beyond the number of ` +
      'processors show only what contention costs in CPU time, not what they would serve. ' +
      'Capacity: threads ÷ (1 + σ (threads − 1)), σ from the CPU time with one and two threads, ' +
      'a processor for each thread',
    programs: [],
    skipped: [
      ...skippedOf(compared),
      ...(loaded.ok ? [] : [`Rust binding: ${loaded.reason.replaceAll('_', ' ')}, skipped`]),
    ],
    tables: [
      costTable(requests),
      verificationTable(verified, verificationThreads),
      // Not of requests: their clients are on the same processors, which would count as contention.
      modelTable(signatures),
    ],
    charts: [verificationChart(verified, verificationThreads)],
  }
}

export const threads: Measurement = {
  name: 'threads',
  title: 'what more threads bring',
  measure: (effort) => measureThreads(effort, FULL_EXTENT),
}
