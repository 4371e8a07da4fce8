/**
 * Latencies as HDR histograms: recorded by each listener thread, sent to the supervisor encoded,
 * and merged there without loss. The only door to hdr-histogram-js.
 *
 * Hot path: {@link LatencyHistogram.record}. The WebAssembly variant takes about 20 ns a value, the
 * JavaScript one about 90 ns (4 million mixed values, 2 shared cores, Node 20.20), at 4 KiB each.
 * Counts have 64 bits: a busy gateway overflows 32 within a day.
 */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
  initWebAssemblySync,
  JsHistogram,
} from 'hdr-histogram-js'

/** Longer latencies count as this one: ten minutes. */
export const LATENCY_MICROS_MAX = 600_000_000
/** Values are exact to two digits, so to one per cent. */
const SIGNIFICANT_DIGITS = 2
const COUNT_BITS = 64

/** A histogram on its way to the supervisor. */
export interface EncodedLatency {
  /** HDR V2 compressed, Base64: any HDR tool reads it. */
  readonly encoded: string
  /** Exact, where the histogram's own sum would be rounded. */
  readonly sumMicros: number
}

let webAssemblyIsReady = false

export class LatencyHistogram {
  readonly #histogram: Histogram
  #sumMicros = 0

  constructor() {
    // Here and not when the module loads: commands that record nothing need not pay 12 ms.
    if (!webAssemblyIsReady) initWebAssemblySync()
    webAssemblyIsReady = true
    this.#histogram = build({
      bitBucketSize: COUNT_BITS,
      highestTrackableValue: LATENCY_MICROS_MAX,
      numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
      useWebAssembly: true,
    })
  }

  /** Hot path. Fractions are cut off; anything below 0 (or not a number) counts as 0. */
  record(latencyMicros: number): void {
    // The native code fails on what it cannot hold, so nothing else may reach it.
    const bounded = latencyMicros > 0 ? Math.min(latencyMicros, LATENCY_MICROS_MAX) : 0
    this.#histogram.recordValue(Math.trunc(bounded))
    this.#sumMicros += bounded
  }

  encode(): EncodedLatency {
    const encoded = encodeIntoCompressedBase64(this.#histogram)
    return { encoded, sumMicros: this.#sumMicros }
  }
}

/** The histograms of several threads in one, for reading. */
export class MergedLatency {
  readonly #histogram: JsHistogram
  #sumMicros = 0

  constructor() {
    const histogram = build({
      bitBucketSize: COUNT_BITS,
      highestTrackableValue: LATENCY_MICROS_MAX,
      numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
    })
    this.#histogram = readable(histogram)
  }

  /** @throws When the text is not an encoded histogram. */
  add(latency: EncodedLatency): void {
    this.#histogram.add(readable(decodeFromCompressedBase64(latency.encoded, COUNT_BITS, false)))
    this.#sumMicros += latency.sumMicros
  }

  addMerged(other: MergedLatency): void {
    this.#histogram.add(other.#histogram)
    this.#sumMicros += other.#sumMicros
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  get sumMicros(): number {
    return this.#sumMicros
  }

  /** @param percentile 0 to 100. @returns 0 when nothing was recorded. */
  percentileMicros(percentile: number): number {
    return this.count === 0 ? 0 : this.#histogram.getValueAtPercentile(percentile)
  }

  /**
   * How many values are at most as large as each bound. A value within one per cent of a bound may
   * fall on either side of it.
   *
   * @param boundsMicros Ascending.
   */
  cumulativeCounts(boundsMicros: readonly number[]): number[] {
    const counts = boundsMicros.map(() => 0)
    const values = this.#histogram.recordedValuesIterator
    values.reset()
    while (values.hasNext()) {
      const { valueIteratedTo, countAtValueIteratedTo } = values.next()
      // The iterator names a value by the upper end of its range; its middle decides the bucket.
      const middle = this.#histogram.medianEquivalentValue(valueIteratedTo)
      const first = boundsMicros.findIndex((bound) => middle <= bound)
      if (first !== -1) counts[first] = (counts[first] ?? 0) + countAtValueIteratedTo
    }
    let total = 0
    return counts.map((count) => {
      total += count
      return total
    })
  }
}

/** Only the JavaScript variant can list what it holds. */
function readable(histogram: Histogram): JsHistogram {
  if (histogram instanceof JsHistogram) return histogram
  throw new TypeError('The histogram cannot be read.')
}
