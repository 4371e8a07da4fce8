/** What is said of one metric. */

export interface MetricRow {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Unit of the value; `null` for a plain number. */
  readonly unit: 'seconds' | 'bytes' | null
  /** Every label has a closed set of values: names from the configuration or words of a table. */
  readonly labels: readonly string[]
  readonly help: string
}
