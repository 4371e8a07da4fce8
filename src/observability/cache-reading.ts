/**
 * What is counted about the caches of verdicts that all threads share: what each thread did, and,
 * by the supervisor, how full they are.
 */

/** `token`: verdicts and what goes with them. `refusal`: credentials that were refused. */
export const CACHES = ['token', 'refusal'] as const

export type CacheName = (typeof CACHES)[number]

/**
 * What became of an entry that was to be written. `conflict`: another thread was writing in the
 * same set; `too_large`: the identity takes more than a whole set; `ended`: it was over already.
 */
export const CACHE_WRITES = ['stored', 'conflict', 'too_large', 'ended'] as const

/** What one thread did since it started. */
export interface CacheCounts {
  readonly puts: number
  readonly putsSkipped: number
  readonly putsTooLarge: number
  readonly putsEnded: number
  /** Live entries that were removed to make room. */
  readonly evictions: number
  /** Reads that met an entry while it was written. */
  readonly torn: number
}

export type CountsOfCaches = Readonly<Record<CacheName, CacheCounts>>

/** How full a cache is. */
export interface CacheFill {
  /** That have not ended. */
  readonly entries: number
  readonly slotsUsed: number
  readonly slots: number
  readonly sizeBytes: number
}

/** Sums over threads, by cache. */
export class CacheTotals {
  /** By cache, then what became of it. */
  readonly writes: ReadonlyMap<CacheName, Map<string, number>>
  readonly evictions: Map<CacheName, number>
  readonly torn: Map<CacheName, number>

  constructor() {
    const zero = () => new Map<string, number>(CACHE_WRITES.map((result) => [result, 0]))
    this.writes = new Map(CACHES.map((cache) => [cache, zero()]))
    this.evictions = new Map(CACHES.map((cache) => [cache, 0]))
    this.torn = new Map(CACHES.map((cache) => [cache, 0]))
  }

  add(counts: CountsOfCaches): void {
    for (const cache of CACHES) {
      const { puts, putsSkipped, putsTooLarge, putsEnded, evictions, torn } = counts[cache]
      const byResult = [puts, putsSkipped, putsTooLarge, putsEnded]
      const writes = this.writes.get(cache)
      CACHE_WRITES.forEach((result, place) => {
        increase(writes, result, byResult[place] ?? 0)
      })
      increase(this.evictions, cache, evictions)
      increase(this.torn, cache, torn)
    }
  }

  addTotals(other: CacheTotals): void {
    for (const [cache, row] of other.writes) {
      for (const [result, count] of row) increase(this.writes.get(cache), result, count)
    }
    for (const [cache, count] of other.evictions) increase(this.evictions, cache, count)
    for (const [cache, count] of other.torn) increase(this.torn, cache, count)
  }
}

function increase<Name>(counts: Map<Name, number> | undefined, name: Name, by: number): void {
  counts?.set(name, (counts.get(name) ?? 0) + by)
}
