/** Finds in a PromQL expression what the table of metrics, and the words of labels, do not know. */

import { KEY_SET_STATES } from '../../src/keys/key-set.ts'
import { ACCESS_KINDS } from '../../src/observability/access-log.ts'
import { CACHE_WRITES, CACHES } from '../../src/observability/cache-reading.ts'
import { LOG_STREAMS } from '../../src/observability/log-buffer.ts'
import {
  CACHE_RESULTS,
  INTROSPECTION_RESULTS,
  LATENCY_PHASES,
  OUTCOMES,
} from '../../src/observability/metrics/metric-words.ts'
import { METRICS } from '../../src/observability/metrics/metrics.ts'
import { SECURITY_EVENTS } from '../../src/observability/security-event-table.ts'
import { AUTH_ERROR_CODES } from '../../src/protocol/auth-error.ts'
import { REFUSAL_REASON_NAMES } from '../../src/protocol/refusal-reason.ts'
import { CIRCUIT_STATES } from '../../src/resilience/circuit-breaker.ts'
import { REVOCATION_FEED_STATES } from '../../src/revocation/revocation-feed.ts'
import { TENANTS_STATES } from '../../src/tenants/tenant-watcher.ts'

/** What Prometheus itself adds to every sample. */
const TARGET_LABELS = ['instance', 'job']
/** Of the client library, for every Node process. */
const PROCESS_METRICS = ['process_resident_memory_bytes', 'process_cpu_seconds_total']
const FUNCTIONS = new Set([
  ...['absent', 'and', 'by', 'histogram_quantile', 'increase', 'label_values', 'max'],
  ...['max_over_time', 'on', 'or', 'rate', 'sum', 'time', 'topk', 'unless'],
])
const WEBHOOK_RESULTS = [
  ...['delivered', 'dropped_queue_full', 'dropped_refused', 'dropped_given_up'],
  ...['refused', 'failed'],
]

/** Every word that a label of this name may have. Names of the operator's are not here. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  cache: CACHES,
  code: AUTH_ERROR_CODES,
  event: Object.keys(SECURITY_EVENTS),
  kind: ACCESS_KINDS,
  outcome: OUTCOMES,
  phase: LATENCY_PHASES,
  reason: REFUSAL_REASON_NAMES,
  result: [...CACHE_RESULTS, ...CACHE_WRITES, ...INTROSPECTION_RESULTS, ...WEBHOOK_RESULTS],
  state: [
    ...[...KEY_SET_STATES, ...CIRCUIT_STATES, ...REVOCATION_FEED_STATES, ...TENANTS_STATES],
    ...['works', 'counted', 'locked', 'open', 'ready'],
  ],
  statistic: ['p50', 'p99', 'max'],
  stream: LOG_STREAMS,
}

const LABELS: ReadonlyMap<string, readonly string[]> = new Map([
  ...PROCESS_METRICS.map((name) => [name, []] as const),
  ...METRICS.flatMap(({ name, labels, type }) =>
    type === 'histogram'
      ? ['_bucket', '_sum', '_count'].map(
          (part) => [name + part, part === '_bucket' ? [...labels, 'le'] : labels] as const,
        )
      : [[name, labels] as const],
  ),
])

const SELECTOR = /([a-z_][a-z0-9_]*)\s*\{([^}]*)\}/g
const MATCHER = /([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g
const GROUPING = /\b(?:by|on)\s*\(([^)]*)\)/g
const NAME = /[a-zA-Z_][a-zA-Z0-9_]*/g
const DURATION = /\[[^\]]*\]/g

/** @returns Each thing that does not exist; empty for an expression that can match. */
export function strangersIn(expression: string): readonly string[] {
  const problems: string[] = []
  const plain = expression
    .replace(SELECTOR, (_all, name: string, matchers: string) => {
      problems.push(...problemsOfMatchers(name, matchers))
      return ` ${name} `
    })
    .replace(DURATION, '')
  const named = [...plain.replace(GROUPING, '').matchAll(NAME)].map(([name]) => name)
  const metrics = named.filter((name) => !FUNCTIONS.has(name) && name !== 'instance')
  problems.push(...metrics.filter((name) => !LABELS.has(name)))
  const labels = new Set([...TARGET_LABELS, ...metrics.flatMap((name) => LABELS.get(name) ?? [])])
  for (const [, list = ''] of plain.matchAll(GROUPING)) {
    const grouped = list.split(',').map((label) => label.trim())
    problems.push(...grouped.filter((label) => !labels.has(label)).map((label) => `by ${label}`))
  }
  if (metrics.length === 0) problems.push('no metric')
  return problems
}

function problemsOfMatchers(metric: string, matchers: string): readonly string[] {
  const labels = [...TARGET_LABELS, ...(LABELS.get(metric) ?? [])]
  return [...matchers.matchAll(MATCHER)].flatMap(([, label = '', operator = '', value = '']) => {
    if (!labels.includes(label)) return [`${metric}{${label}}`]
    const words = WORDS[label]
    if (words === undefined) return []
    const isMatch = operator.endsWith('~')
    // Each part of a choice must match something.
    const parts = isMatch ? value.split('|') : [value]
    const isWord = (part: string) =>
      isMatch ? words.some((word) => new RegExp(`^(?:${part})$`).test(word)) : words.includes(part)
    return parts.filter((part) => !isWord(part)).map((part) => `${metric}{${label}=${part}}`)
  })
}
