/**
 * Latencies as HDR histograms: counted by each listener thread, sent to the supervisor encoded, and
 * merged there without loss. The only door to hdr-histogram-js.
 *
 * Hot path: {@link LatencyHistogram.record}, which counts in a plain array with the same ranges
 * that an HDR histogram of two digits has, and becomes one when it is encoded:
 *
 *     0 … 255                one count for each value
 *     2^e … 2^(e+1) − 1      128 counts for each e from 8 on
 *
 * Counts are doubles: a busy gateway overflows 32 bits within a day.
 */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
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

/** Values below this have a count each. */
const LINEAR_COUNTS = 256
const LINEAR_EXPONENT = 8
/** Counts for each power of two above. */
const COUNTS_PER_OCTAVE = LINEAR_COUNTS / 2
const OCTAVE_SHIFT = 7
const OCTAVES = 32 - Math.clz32(LATENCY_MICROS_MAX) - LINEAR_EXPONENT

export class LatencyHistogram {
  readonly #counts = new Float64Array(LINEAR_COUNTS + OCTAVES * COUNTS_PER_OCTAVE)
  #sumMicros = 0

  /** Hot path. Fractions are cut off; anything below 0 (or not a number) counts as 0. */
  record(latencyMicros: number): void {
    const bounded = latencyMicros > 0 ? Math.min(latencyMicros, LATENCY_MICROS_MAX) : 0
    const place = placeOf(bounded | 0)
    this.#counts[place] = (this.#counts[place] as number) + 1
    this.#sumMicros += bounded
  }

  /** A copy of the counts, for {@link percentilesOf}; far cheaper than to encode them. */
  counts(): Float64Array {
    return this.#counts.slice()
  }

  encode(): EncodedLatency {
    const histogram = emptyHistogram()
    this.#counts.forEach((count, place) => {
      if (count > 0) histogram.recordValueWithCount(lowestAt(place), count)
    })
    const encoded = encodeIntoCompressedBase64(histogram)
    return { encoded, sumMicros: this.#sumMicros }
  }
}

function placeOf(value: number): number {
  if (value < LINEAR_COUNTS) return value
  const exponent = 31 - Math.clz32(value)
  const octave = exponent - LINEAR_EXPONENT
  const within = (value >>> (exponent - OCTAVE_SHIFT)) - COUNTS_PER_OCTAVE
  return LINEAR_COUNTS + octave * COUNTS_PER_OCTAVE + within
}

/** The smallest value that is counted at this place. */
function lowestAt(place: number): number {
  if (place < LINEAR_COUNTS) return place
  const octave = Math.floor((place - LINEAR_COUNTS) / COUNTS_PER_OCTAVE)
  const within = (place - LINEAR_COUNTS) % COUNTS_PER_OCTAVE
  return (COUNTS_PER_OCTAVE + within) * 2 ** (octave + LINEAR_EXPONENT - OCTAVE_SHIFT)
}

/**
 * Nearest-rank percentiles of counts as {@link LatencyHistogram.counts} gives them, or of what was
 * added to them.
 *
 * @param percentiles 0 to 100, ascending.
 * @returns Microseconds, exact to one per cent; `null` when nothing was counted.
 */
export function percentilesOf(
  counts: Float64Array,
  percentiles: readonly number[],
): number[] | null {
  let total = 0
  for (const count of counts) total += count
  if (total === 0) return null
  let place = 0
  let seen = counts[0] ?? 0
  return percentiles.map((percentile) => {
    const rank = Math.max(1, Math.ceil((percentile / 100) * total))
    while (seen < rank && place < counts.length - 1) {
      place += 1
      seen += counts[place] ?? 0
    }
    return middleAt(place)
  })
}

/** In the middle of the values that are counted at this place. */
function middleAt(place: number): number {
  const lowest = lowestAt(place)
  return lowest + Math.floor((lowestAt(place + 1) - lowest) / 2)
}

function emptyHistogram(): Histogram {
  return build({
    bitBucketSize: COUNT_BITS,
    highestTrackableValue: LATENCY_MICROS_MAX,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
  })
}

/** The histograms of several threads in one, for reading. */
export class MergedLatency {
  readonly #histogram: JsHistogram
  #sumMicros = 0

  constructor() {
    this.#histogram = readable(emptyHistogram())
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
