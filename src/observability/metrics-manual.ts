/** Writes docs/metrics.md from the table of metrics. */
import { ACCESS_KINDS } from './access-log.ts'
import { CACHE_WRITES, CACHES } from './cache-reading.ts'
import { LOG_STREAMS } from './log-buffer.ts'
import type { MetricRow } from './metrics/metric-row.ts'
import {
  CACHE_RESULTS,
  INTROSPECTION_RESULTS,
  LATENCY_PHASES,
  NO_NAME,
  OUTCOMES,
} from './metrics/metric-words.ts'
import { METRICS } from './metrics/metrics.ts'
import { WRITE_FAILURES } from './standard-output.ts'

const PREFACE = `# Metrics

<!-- Generated from src/observability/metrics/ by "npm run docs". Do not edit. -->

\`GET /metrics\` on the admin listener answers in the Prometheus text format. Figures are sums over
all listener threads; a thread that was replaced keeps its share. Label values are names from the
configuration or words of the lists below, so their number is bounded. Metrics of the process
itself (\`process_*\`, \`nodejs_*\`) come on top.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
`

function wordList(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ')
}

function tableRow({ name, type, labels, help }: MetricRow): string {
  return `| \`${name}\` | ${type} | ${wordList(labels) || '–'} | ${help} |`
}

/** The whole document as Markdown. */
export function metricsManual(): string {
  return `${PREFACE}${METRICS.map(tableRow).join('\n')}

## Label values

- \`outcome\`: ${wordList(OUTCOMES)}. \`forwarded_\` and the class of the status that the upstream gave;
  \`refused\`: the gateway answered by itself; \`upstream_failed\`: 502 or 504; \`client_gone\`: the client
  closed the connection before it had the whole answer; \`body_too_slow\` and \`reader_stalled\`: the
  gateway closed it within the answer, because of \`server.timeouts\`.
- \`result\` of a lookup: ${wordList(CACHE_RESULTS)}. \`dead_key\`: the key that verified the token is gone;
  \`refusal\`: a refusal that was cached.
- \`cache\`: ${wordList(CACHES)}. \`token\`: verdicts, and older answers of introspection endpoints;
  \`refusal\`: credentials that were refused a moment ago.
- \`result\` of a write: ${wordList(CACHE_WRITES)}. \`conflict\`: another thread was writing beside
  it; \`ended\`: it was over before it was written.
- \`result\` of a request to an introspection endpoint: ${wordList(INTROSPECTION_RESULTS)}.
  \`client_rejected\`: 401 or 407, such as for a wrong client secret; \`request_refused\`: another
  status from 400 to 499, which the token may have brought about; \`wrong_endpoint\`: 404, 405, 410 or
  421; \`malformed\`: 200, but no answer of RFC 7662.
- \`kind\`: ${wordList(ACCESS_KINDS)}. \`answered\`: by an upstream, below 500; \`refused\`: by the gateway,
  below 500; \`failed\`: the rest.
- \`event\`: the security events in [logs.md](logs.md).
- \`result\` of an event for the webhook: \`delivered\`; \`dropped_queue_full\`: it found no room;
  \`dropped_refused\`: the webhook answered 400, 413, 415 or 422; \`dropped_given_up\`: it was sent ten
  times in vain, or the process ended. Of a batch: \`delivered\`, \`refused\`, \`failed\`.
- \`statistic\`: \`p50\`, \`p99\`, \`max\`.
- \`phase\`: ${wordList(LATENCY_PHASES)}.
- \`stream\`: ${wordList(LOG_STREAMS)}.
- \`error\`: ${wordList(WRITE_FAILURES)}. \`reader_gone\`: the pipe or socket has no reader any more;
  \`no_space\`: the disk or a quota is full; \`closed\`: there is no standard output.
- \`code\`, \`reason\` of refusals and of failures of an upstream: the codes and reasons in [errors.md](errors.md).
- \`cause\` of failures of an upstream: as in [errors.md](errors.md#causes).
- \`${NO_NAME}\` stands for a route or an issuer that is not known.

Latencies are recorded in HDR histograms that are exact to one per cent: a value that close to the
bound of a bucket may be counted on either side of it.
`
}
