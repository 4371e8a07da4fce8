/** What is said of one metric, and where its samples come from. */
import type { MetricsReading } from './metrics-reading.ts'
import type { Sample } from './samples.ts'

export interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Unit of the value; `null` for a plain number. */
  readonly unit: 'seconds' | 'bytes' | null
  /** Every label has a closed set of values: names from the configuration or words of a table. */
  readonly labels: readonly string[]
  readonly help: string
  samples(reading: MetricsReading): readonly Sample[]
}
