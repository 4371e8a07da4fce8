/** The measurements that set the gateway beside two other programs, with a row for each work. */
import { barePeer } from '../peers/bare.ts'
import { decisionPeer, gatewayPeer, nodeGatewayPeer } from '../peers/gateway.ts'
import { go200Peer } from '../peers/go-200.ts'
import { haproxyPeer } from '../peers/haproxy.ts'
import { nginxPlainPeer } from '../peers/nginx.ts'
import {
  compareScenarios,
  cpuChart,
  cpuTable,
  methodOf,
  type NamedPeer,
  optionsOf,
  programsOf,
  skippedOf,
  type Work,
} from './compare-scenarios.ts'
import type { Measurement } from './measurement.ts'

interface ComparedMeasurement {
  readonly name: string
  readonly title: string
  readonly works: readonly Work[]
  readonly others: readonly NamedPeer[]
  /** Requests a second; `null`: as fast as the answers come. */
  readonly rate: number | null
  readonly hasChart: boolean
}

const BARE = { peer: barePeer, title: 'bare pass-through' }

const COMPARED: readonly ComparedMeasurement[] = [
  {
    name: 'credentials',
    title: 'what each kind of credential costs',
    works: [
      { scenario: 'hot-rs256', title: 'hot tokens, RS256' },
      { scenario: 'hot-es256', title: 'hot tokens, ES256' },
      { scenario: 'hot-browser', title: 'hot tokens, with the twelve fields of a browser' },
      { scenario: 'limits', title: 'hot tokens, with rate limits (Sallyport alone)' },
      { scenario: 'mixed', title: 'one token in twenty new, RS256' },
      { scenario: 'new-rs256', title: 'every token new, RS256' },
      { scenario: 'new-es256', title: 'every token new, ES256' },
      { scenario: 'sessions', title: 'sessions from Redis, one question each' },
      { scenario: 'opaque', title: 'opaque tokens, introspected before' },
    ],
    others: [BARE, { peer: haproxyPeer, title: 'HAProxy jwt_verify' }],
    rate: null,
    hasChart: true,
  },
  {
    name: 'engines',
    title: 'the two engines',
    works: [
      { scenario: 'hot-rs256', title: 'hot tokens' },
      { scenario: 'hot-browser', title: 'with the fields of a browser' },
    ],
    others: [{ peer: nodeGatewayPeer, title: 'engine: node' }, BARE],
    rate: null,
    hasChart: false,
  },
  {
    name: 'decision',
    title: 'a decision without proxying',
    works: [{ scenario: 'hot-rs256', title: 'hot tokens' }],
    others: [
      { peer: decisionPeer, title: 'a decision' },
      { peer: go200Peer, title: 'a server in Go that decides nothing' },
    ],
    // At full speed answers without a body close their connection now and then, which the driver
    // does not expect.
    rate: 4_000,
    hasChart: false,
  },
  {
    name: 'bodies',
    title: 'what bodies cost',
    works: [
      { scenario: 'send-1-kib', title: '1 KiB sent' },
      { scenario: 'send-100-kib', title: '100 KiB sent' },
      { scenario: 'receive-1-kib', title: '1 KiB received' },
      { scenario: 'receive-100-kib', title: '100 KiB received' },
      { scenario: 'receive-stream', title: '1 MiB received in chunks of 16 KiB' },
    ],
    others: [BARE, { peer: nginxPlainPeer, title: 'nginx, no authentication' }],
    rate: null,
    hasChart: false,
  },
]

function measurementOf(compared: ComparedMeasurement): Measurement {
  const { name, title, works, others, rate, hasChart } = compared
  return {
    name,
    title,
    async measure(effort) {
      const options = { ...optionsOf(effort), rate }
      const peers = [gatewayPeer, ...others.map(({ peer }) => peer)]
      const outcomes = await compareScenarios(works, peers, options)
      const programs = [{ peer: gatewayPeer, title: 'Sallyport' }, ...others]
      return {
        method: methodOf(options),
        programs: programsOf(outcomes),
        skipped: skippedOf(outcomes),
        tables: [cpuTable(outcomes, others)],
        charts: hasChart ? [cpuChart(name, 'CPU a request, µs', outcomes, programs)] : [],
      }
    },
  }
}

export const COMPARED_MEASUREMENTS = COMPARED.map(measurementOf)
