/**
 * Entry of the load test: compares the gateway's CPU time per request with its peers' and reports.
 *
 *     node build/loadtest/harness.js [--scenarios hot-rs256,…] [--peers sallyport,bare,…]
 *       [--rounds 5] [--seconds 4] [--warm-up 2] [--new-tokens 16000]
 *       [--connections 64] [--rate 2000] [--json file]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type ComparisonOptions, compare, type ScenarioOutcome } from './comparison.ts'
import { machineFacts } from './machine-facts.ts'
import type { Peer } from './peer.ts'
import { barePeer } from './peers/bare.ts'
import { envoyJwtPeer, envoyPlainPeer } from './peers/envoy.ts'
import { fastifyPeer } from './peers/fastify.ts'
import { decisionPeer, gatewayPeer, nodeGatewayPeer } from './peers/gateway.ts'
import { go200Peer } from './peers/go-200.ts'
import { haproxyPeer, haproxyPlainPeer, haproxySignatureOnlyPeer } from './peers/haproxy.ts'
import { nginxPlainPeer } from './peers/nginx.ts'
import { positiveCount, positiveNumber } from './positive-number.ts'
import { PROJECT_ROOT } from './project-root.ts'
import { renderMarkdown } from './report.ts'
import { runEntry } from './run-entry.ts'
import { CONNECTIONS, SCENARIOS } from './scenario.ts'

const PEERS: readonly Peer[] = [
  gatewayPeer,
  nodeGatewayPeer,
  barePeer,
  haproxyPeer,
  haproxySignatureOnlyPeer,
  haproxyPlainPeer,
  nginxPlainPeer,
  envoyPlainPeer,
  envoyJwtPeer,
  fastifyPeer,
  decisionPeer,
  go200Peer,
]
/** The bare pass-through has one event loop, so everything else is given one too. */
const LISTENER_THREADS = 1

/** @throws When a name is not among those that exist. */
function selectByName<T extends { readonly name: string }>(all: readonly T[], names: string): T[] {
  return names.split(',').map((name) => {
    const found = all.find((one) => one.name === name)
    if (found !== undefined) return found
    throw new Error(`${name} is not one of ${all.map((one) => one.name).join(', ')}.`)
  })
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      scenarios: { type: 'string', default: SCENARIOS.map(({ name }) => name).join(',') },
      peers: { type: 'string', default: 'sallyport,bare,haproxy' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      'warm-up': { type: 'string', default: '2' },
      'new-tokens': { type: 'string', default: '16000' },
      connections: { type: 'string', default: String(CONNECTIONS) },
      rate: { type: 'string' },
      json: { type: 'string', default: join(PROJECT_ROOT, 'build', 'loadtest-report.json') },
    },
  })
  const options: ComparisonOptions = {
    rounds: positiveCount(values.rounds, 'rounds'),
    turnSeconds: positiveNumber(values.seconds, 'seconds'),
    warmUpSeconds: positiveNumber(values['warm-up'], 'warm-up'),
    newTokensPerTurn: positiveCount(values['new-tokens'], 'new-tokens'),
    threads: LISTENER_THREADS,
    connections: positiveCount(values.connections, 'connections'),
    rate: values.rate === undefined ? null : positiveNumber(values.rate, 'rate'),
  }
  return {
    scenarios: selectByName(SCENARIOS, values.scenarios),
    peers: selectByName(PEERS, values.peers),
    jsonFile: values.json,
    options,
  }
}

async function main(): Promise<void> {
  const { scenarios, peers, jsonFile, options } = readArguments()
  const machine = machineFacts()
  const outcomes: ScenarioOutcome[] = []
  for (const scenario of scenarios) {
    process.stderr.write(`${scenario.name} …\n`)
    outcomes.push(await compare(scenario, peers, options))
  }
  const report = { machine, options, scenarios: outcomes }
  process.stdout.write(`${renderMarkdown(report)}\n`)
  mkdirSync(dirname(jsonFile), { recursive: true })
  writeFileSync(jsonFile, `${JSON.stringify(report, null, 2)}\n`)
  process.stderr.write(`The same as JSON: ${jsonFile}\n`)
}

await runEntry(main)
