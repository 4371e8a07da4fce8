/** The alerts that deploy/prometheus holds, and whether one holds on what was scraped. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { samplesIn } from './metric-sample.ts'

export const ALERTS = 'deploy/prometheus/alerts.yaml'

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const { groups } = parse(readFileSync(ALERTS, 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly AlertRule[] }[]
}

export const ALERT_RULES: readonly AlertRule[] = groups.flatMap((group) => group.rules)

/** `name{label="value"} > 1`, or the same around `increase(…[10m])`. */
const COMPARISON = /^(increase\()?([a-z_]+)(?:\{([a-z_]+)="([^"]*)"\})?(?:\[\w+\]\))? (==|>) (\d+)$/

/**
 * Whether the expression of an alert has a result. Only comparisons of one metric, or of its
 * increase, with a number are understood; `for` is not looked at.
 *
 * @param before What was scraped where the range of an increase begins.
 * @param now What was scraped at its end.
 */
export function alertHolds(name: string, before: string, now: string): boolean {
  const expression = ALERT_RULES.find(({ alert }) => alert === name)?.expr ?? ''
  const parts = COMPARISON.exec(expression)
  assert.ok(parts !== null, `${name} compares one metric with a number: ${expression}`)
  const [, isIncrease, metric = '', label, word, operator, bound] = parts
  const pair = label === undefined ? '' : `${label}="${word}"`
  const earlier = samplesOf(before, metric, pair)
  const later = samplesOf(now, metric, pair)
  assert.ok(later.size > 0, `${metric} was scraped`)
  return [...later].some(([series, value]) => {
    const compared = isIncrease === undefined ? value : value - (earlier.get(series) ?? value)
    return operator === '>' ? compared > Number(bound) : compared === Number(bound)
  })
}

function samplesOf(text: string, metric: string, pair: string): ReadonlyMap<string, number> {
  return new Map([...samplesIn(text, metric)].filter(([series]) => series.includes(pair)))
}
