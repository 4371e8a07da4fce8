/** How long callers wait with each kind of credential, at a rate that leaves room. */
import type { PeerOutcome } from '../comparison.ts'
import { barePeer } from '../peers/bare.ts'
import { gatewayPeer } from '../peers/gateway.ts'
import {
  type ComparedWork,
  compareScenarios,
  methodOf,
  optionsOf,
  type Work,
} from './compare-scenarios.ts'
import type { Measurement } from './measurement.ts'

interface PacedWork extends Work {
  readonly rate: number
}

const RATE = 1_000
/** The provider, a program for examples, shares the machine and answers some hundreds a second. */
const PROVIDER_RATE = 100
const WORKS: readonly PacedWork[] = [
  { scenario: 'hot-rs256', title: 'JWT, verified before', rate: RATE },
  { scenario: 'new-rs256', title: 'JWT, new', rate: RATE },
  { scenario: 'opaque', title: 'opaque token, introspected before', rate: RATE },
  { scenario: 'new-opaque', title: 'opaque token, new', rate: PROVIDER_RATE },
  { scenario: 'sessions', title: 'session, from Redis', rate: RATE },
]
const MICROS_PER_MS = 1_000

function ms(micros: number | undefined): string {
  return micros === undefined ? '–' : (micros / MICROS_PER_MS).toFixed(2)
}

function rowOf({ work, outcome }: ComparedWork, rate: number): string[] {
  const found = (name: string): PeerOutcome | undefined =>
    outcome.peers.find((peer) => peer.name === name)
  const own = found(gatewayPeer.name)
  const bare = found(barePeer.name)
  const latencies = [own?.p50Micros, own?.p99Micros, own?.p999Micros]
  const least = [bare?.p50Micros, bare?.p99Micros, bare?.p999Micros]
  return [work.title, String(rate), ...latencies.map(ms), ...least.map(ms)]
}

export const latency: Measurement = {
  name: 'latency',
  title: 'how long callers wait',
  async measure(effort) {
    const rows: string[][] = []
    for (const work of WORKS) {
      const options = { ...optionsOf(effort), rate: work.rate }
      const [compared] = await compareScenarios([work], [gatewayPeer, barePeer], options)
      if (compared !== undefined) rows.push(rowOf(compared, work.rate))
    }
    const percentiles = ['p50', 'p99', 'p99.9']
    return {
      method:
        `${methodOf(optionsOf(effort))}, at a fixed rate, counted from the time at which each ` +
        'request was due',
      programs: [],
      skipped: [],
      tables: [
        {
          columns: [
            'credential',
            'requests a second',
            ...percentiles.map((name) => `Sallyport ${name}, ms`),
            ...percentiles.map((name) => `bare ${name}, ms`),
          ],
          rows,
        },
      ],
      charts: [],
    }
  },
}
