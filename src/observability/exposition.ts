/**
 * Renders merged metrics as Prometheus text. The only door to prom-client.
 *
 * Nothing is counted here: the threads have counted, and a scrape writes down what they have.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import type { MetricRow } from './metrics/metric-row.ts'
import { METRICS } from './metrics/metrics.ts'
import type { MetricsReading } from './metrics/metrics-reading.ts'
import type { Sample } from './metrics/samples.ts'

/** A metric whose samples are computed when it is scraped; the shape that the registry expects. */
class ComputedMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly #samples: () => readonly Sample[]

  constructor(row: MetricRow, samples: () => readonly Sample[]) {
    this.name = row.name
    this.help = row.help
    this.type = row.type
    this.#samples = samples
  }

  get(): object {
    const { name, help, type } = this
    return { name, help, type, values: this.#samples(), aggregator: 'sum' }
  }
}

/** Gauges under names of counters. The same without the ending tells them by type. */
const MISNAMED_METRICS = ['handles', 'requests', 'resources'].map(
  (what) => `nodejs_active_${what}_total`,
)

export class Exposition {
  readonly #registry = new Registry()
  #reading: MetricsReading | null = null

  /** @param withProcessMetrics Also memory, CPU time and garbage collection of the process. */
  constructor(withProcessMetrics: boolean) {
    if (withProcessMetrics) {
      collectDefaultMetrics({ register: this.#registry })
      for (const name of MISNAMED_METRICS) this.#registry.removeSingleMetric(name)
    }
    for (const row of METRICS) {
      const samples = (): readonly Sample[] =>
        this.#reading === null ? [] : row.samples(this.#reading)
      // The declared type describes prom-client's own classes; its registry asks for less.
      const metric = new ComputedMetric(row, samples) as unknown as Metric<string>
      this.#registry.registerMetric(metric)
    }
  }

  /** `Content-Type` of what `render` returns. */
  get contentType(): string {
    return this.#registry.contentType
  }

  render(reading: MetricsReading): Promise<string> {
    this.#reading = reading
    return this.#registry.metrics()
  }
}
