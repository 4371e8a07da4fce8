/** Sallyport beside other proxies, with and without authentication. */
import type { Peer } from '../peer.ts'
import { barePeer } from '../peers/bare.ts'
import { envoyJwtPeer, envoyPlainPeer } from '../peers/envoy.ts'
import { fastifyPeer } from '../peers/fastify.ts'
import { gatewayPeer } from '../peers/gateway.ts'
import { haproxyPeer, haproxyPlainPeer } from '../peers/haproxy.ts'
import { nginxPlainPeer } from '../peers/nginx.ts'
import {
  type ComparedWork,
  compareScenarios,
  cpuMicros,
  methodOf,
  type NamedPeer,
  optionsOf,
  programsOf,
  rounded,
  skippedOf,
  type Work,
} from './compare-scenarios.ts'
import type { Measurement } from './measurement.ts'

const WORKS: readonly Work[] = [
  { scenario: 'hot-rs256', title: 'hot tokens' },
  { scenario: 'hot-browser', title: 'with the fields of a browser' },
]
const PROGRAMS: readonly NamedPeer[] = [
  { peer: gatewayPeer, title: 'Sallyport' },
  { peer: barePeer, title: 'bare pass-through' },
  { peer: haproxyPeer, title: 'HAProxy `jwt_verify`' },
  { peer: haproxyPlainPeer, title: 'HAProxy, no authentication' },
  { peer: nginxPlainPeer, title: 'nginx, no authentication' },
  { peer: envoyPlainPeer, title: 'Envoy, no authentication' },
  { peer: envoyJwtPeer, title: 'Envoy `jwt_authn`, its cache on' },
  { peer: fastifyPeer, title: 'Fastify, `@fastify/jwt`, its cache on' },
]

/** A row for each program that took part. */
function rowsOf(compared: readonly ComparedWork[]): string[][] {
  const own = compared.map((one) => cpuMicros(one, gatewayPeer))
  return PROGRAMS.flatMap(({ peer, title }) => {
    const values = compared.map((one) => cpuMicros(one, peer))
    if (values.every((value) => value === null)) return []
    const cells = values.flatMap((value, index) => [
      value === null ? '–' : value.toFixed(1),
      value === null || peer === gatewayPeer ? '–' : ((own[index] ?? 0) / value).toFixed(2),
    ])
    return [[title, ...cells]]
  })
}

function isMeasured(compared: readonly ComparedWork[], peer: Peer): boolean {
  return compared.some((one) => cpuMicros(one, peer) !== null)
}

export const proxies: Measurement = {
  name: 'proxies',
  title: 'beside other proxies',
  async measure(effort) {
    const options = optionsOf(effort)
    const peers = PROGRAMS.map(({ peer }) => peer)
    const compared = await compareScenarios(WORKS, peers, options)
    const measured = PROGRAMS.filter(({ peer }) => isMeasured(compared, peer))
    const works = WORKS.flatMap(({ title }) => [`${title}, µs`, 'Sallyport ÷ it'])
    return {
      method: methodOf(options),
      programs: programsOf(compared),
      skipped: skippedOf(compared),
      tables: [{ columns: ['program', ...works], rows: rowsOf(compared) }],
      charts: [
        {
          name: 'proxies',
          title: 'CPU a request, µs',
          shape: 'bars',
          categoriesName: '',
          categories: measured.map(({ title }) => title.replaceAll('`', '')),
          series: compared.map((one) => ({
            name: one.work.title,
            values: measured.map(({ peer }) => rounded(cpuMicros(one, peer))),
          })),
        },
      ],
    }
  },
}
