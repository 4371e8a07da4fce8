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
/** Turns are so many times as long as others, for the sake of the rare and slow. */
const TURN_FACTOR = 5
/** A percentile of fewer slower requests than this is chance. */
const SLOWER_MIN = 5
const PERCENTILES = [
  { name: 'p50', share: 0.5 },
  { name: 'p99', share: 0.99 },
  { name: 'p99.9', share: 0.999 },
] as const

function ms(micros: number | undefined, share: number, requests: number): string {
  if (micros === undefined || requests * (1 - share) < SLOWER_MIN) return '–'
  return (micros / MICROS_PER_MS).toFixed(2)
}

/** @param requests In a turn, of which the first second is not recorded. */
function rowOf({ work, outcome }: ComparedWork, rate: number, requests: number): string[] {
  const found = (name: string): PeerOutcome | undefined =>
    outcome.peers.find((peer) => peer.name === name)
  const own = found(gatewayPeer.name)
  const bare = found(barePeer.name)
  const cells = [own, bare].flatMap((peer) =>
    [peer?.p50Micros, peer?.p99Micros, peer?.p999Micros].map((micros, index) =>
      ms(micros, PERCENTILES[index]?.share ?? 1, requests - rate),
    ),
  )
  return [work.title, String(rate), ...cells]
}

export const latency: Measurement = {
  name: 'latency',
  title: 'how long callers wait',
  async measure({ turnSeconds, ...rest }) {
    const effort = { ...rest, turnSeconds: turnSeconds * TURN_FACTOR }
    const rows: string[][] = []
    for (const work of WORKS) {
      const options = { ...optionsOf(effort), rate: work.rate }
      const [compared] = await compareScenarios([work], [gatewayPeer, barePeer], options)
      if (compared !== undefined)
        rows.push(rowOf(compared, work.rate, work.rate * effort.turnSeconds))
    }
    const percentiles = PERCENTILES.map(({ name }) => name)
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
