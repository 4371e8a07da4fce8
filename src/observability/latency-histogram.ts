/**
 * Latencies as HDR histograms: counted by each listener thread, and added up in the supervisor
 * without loss.
 *
 * Hot path: {@link LatencyHistogram.record}, which counts in a plain array with the ranges that an
 * HDR histogram of two digits has:
 *
 *     0 … 255                one count for each value
 *     2^e … 2^(e+1) − 1      128 counts for each e from 8 on
 *
 * Values are exact to one per cent. Counts are doubles: a busy gateway overflows 32 bits in a day.
 */
import { addByPlace } from './placed-counts.ts'

/** Longer latencies count as this one: ten minutes. */
export const LATENCY_MICROS_MAX = 600_000_000

/** What one thread has counted since it started. Survives structured cloning. */
export interface LatencyReading {
  /** One for each range, in the order of the values. */
  readonly counts: Float64Array
  /** Exact, where a sum over the ranges would be rounded. */
  readonly sumMicros: number
}

/** Values below this have a count each. */
const LINEAR_COUNTS = 256
const LINEAR_EXPONENT = 8
/** Counts for each power of two above. */
const COUNTS_PER_OCTAVE = LINEAR_COUNTS / 2
const OCTAVE_SHIFT = 7
const OCTAVES = 32 - Math.clz32(LATENCY_MICROS_MAX) - LINEAR_EXPONENT
const COUNTS = LINEAR_COUNTS + OCTAVES * COUNTS_PER_OCTAVE

export class LatencyHistogram {
  readonly #counts = new Float64Array(COUNTS)
  #sumMicros = 0

  /** Hot path. Fractions are cut off; anything below 0 (or not a number) counts as 0. */
  record(latencyMicros: number): void {
    const bounded = latencyMicros > 0 ? Math.min(latencyMicros, LATENCY_MICROS_MAX) : 0
    const place = placeOf(bounded | 0)
    this.#counts[place] = (this.#counts[place] as number) + 1
    this.#sumMicros += bounded
  }

  /** A copy of 24 KiB: for {@link percentilesOf}, or on its way to the supervisor. */
  counts(): Float64Array {
    return this.#counts.slice()
  }

  read(): LatencyReading {
    return { counts: this.counts(), sumMicros: this.#sumMicros }
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

/** The histograms of several threads in one, for reading. */
export class MergedLatency {
  readonly #counts = new Float64Array(COUNTS)
  #sumMicros = 0

  add({ counts, sumMicros }: LatencyReading): void {
    addByPlace(this.#counts, counts)
    this.#sumMicros += sumMicros
  }

  addMerged(other: MergedLatency): void {
    this.add({ counts: other.#counts, sumMicros: other.#sumMicros })
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0)
  }

  get sumMicros(): number {
    return this.#sumMicros
  }

  /**
   * How many values are at most as large as each bound. A value within one per cent of a bound may
   * fall on either side of it.
   *
   * @param boundsMicros Ascending.
   */
  cumulativeCounts(boundsMicros: readonly number[]): number[] {
    let place = 0
    let total = 0
    return boundsMicros.map((bound) => {
      while (place < COUNTS && middleAt(place) <= bound) {
        total += this.#counts[place] as number
        place += 1
      }
      return total
    })
  }
}
