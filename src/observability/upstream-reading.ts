/** What is known of upstreams when metrics are read: of one thread, and of all. */

/** What one thread has counted of one upstream since it started. */
export interface UpstreamCounts {
  readonly ejections: number
  readonly retries: number
  readonly retriesDenied: number
}

/** One upstream, as one thread sees it. */
export interface UpstreamReading {
  readonly name: string
  readonly targets: number
  /** Requests in work or waiting. */
  readonly pending: number
  /** Of these, how many wait for a connection. */
  readonly waiting: number
  /** Open connections. */
  readonly connected: number
  /** Targets that get no requests now, because they failed. */
  readonly ejected: number
  readonly counts: UpstreamCounts
  /** Attempts that failed since the thread started, by reason. */
  readonly failures: ReadonlyMap<string, number>
}

/** What is now, of all threads. */
export type UpstreamGauges = Readonly<
  Record<'targets' | 'ejected' | 'pending' | 'waiting' | 'connected', number>
>

const NO_COUNTS: UpstreamCounts = { ejections: 0, retries: 0, retriesDenied: 0 }
const NO_GAUGES: UpstreamGauges = { targets: 0, ejected: 0, pending: 0, waiting: 0, connected: 0 }

/** Every thread watches the same targets by itself: adding up would count one target twice. */
export function mergedGauges(
  others: UpstreamGauges = NO_GAUGES,
  one: UpstreamReading,
): UpstreamGauges {
  return {
    targets: Math.max(others.targets, one.targets),
    ejected: Math.max(others.ejected, one.ejected),
    pending: others.pending + one.pending,
    waiting: others.waiting + one.waiting,
    connected: others.connected + one.connected,
  }
}

export function addedCounts(
  some: UpstreamCounts = NO_COUNTS,
  { ejections, retries, retriesDenied }: UpstreamCounts,
): UpstreamCounts {
  return {
    ejections: some.ejections + ejections,
    retries: some.retries + retries,
    retriesDenied: some.retriesDenied + retriesDenied,
  }
}
