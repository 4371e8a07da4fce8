/** Writes the outcome of a run for people (Markdown) and for programs (JSON). */
import type { ComparisonOptions, PeerOutcome, ScenarioOutcome } from './comparison.ts'
import type { MachineFacts } from './machine-facts.ts'
import { HOT_TOKENS, TOKEN_LENGTH } from './scenario.ts'

export interface Report {
  readonly machine: MachineFacts
  readonly options: ComparisonOptions
  readonly scenarios: readonly ScenarioOutcome[]
}

/** The program whose ratio to the others is of interest. */
const SUBJECT = 'sallyport'

function spread(outcome: PeerOutcome): string {
  const values = outcome.turns.map((turn) => turn.cpuMicrosPerRequest)
  return `${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)}`
}

function scenarioTable({ scenario, peers, skipped }: ScenarioOutcome): string {
  const subject = peers.find((peer) => peer.name === SUBJECT)
  const rows = peers.map((peer) => {
    const ratio =
      subject === undefined || subject === peer
        ? '–'
        : (subject.cpuMicrosPerRequest / peer.cpuMicrosPerRequest).toFixed(2)
    const cells = [
      peer.name,
      peer.cpuMicrosPerRequest.toFixed(1),
      spread(peer),
      ratio,
      Math.round(peer.requestsPerSecond),
      Math.round(peer.p50Micros),
      Math.round(peer.p99Micros),
      Math.round(peer.p999Micros),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    `## ${scenario.name}`,
    '',
    `| program | CPU µs/request | least–most | ${SUBJECT} ÷ it | requests/s | p50 µs | p99 µs | p99.9 µs |`,
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    ...skipped.flatMap((reason) => ['', reason]),
    '',
  ].join('\n')
}

function programs(scenarios: readonly ScenarioOutcome[]): string[] {
  const all = new Map(scenarios.flatMap(({ peers }) => peers.map((peer) => [peer.name, peer])))
  return [...all.values()].map(({ name, version, work }) => `- **${name}** (${version}): ${work}`)
}

/** The whole report as Markdown. */
export function renderMarkdown({ machine, options, scenarios }: Report): string {
  const { processor, cores, memoryGiB, kernel, node, loadBefore } = machine
  const pace =
    options.rate === null
      ? 'the next request as soon as the answer is there'
      : `${options.rate} requests/s on schedule, latency counted from the scheduled time`
  return [
    '# Load test',
    '',
    `Machine: ${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, ` +
      `load average before the run ${loadBefore.toFixed(2)}.`,
    '',
    'CPU time is user plus system of all threads of the program (`/proc/<pid>/stat`), divided by ' +
      'its good responses; the client and the upstream are processes of their own and not counted. ' +
      `${options.connections} keep-alive connections, ${pace}, tokens of about ${TOKEN_LENGTH} ` +
      `characters: ${HOT_TOKENS} of them in rotation (hot), or each sent once (new). ` +
      `${options.rounds} interleaved rounds after a warm-up; all figures are medians over the ` +
      `rounds. Every program has ${options.threads} listener thread(s). A run with a failed ` +
      'response is void.',
    '',
    ...programs(scenarios),
    '',
    ...scenarios.map(scenarioTable),
  ].join('\n')
}
