/** What is known of upstreams when metrics are read: of one thread, and of all. */

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
}

/** What is now, of all threads. */
export type UpstreamGauges = Readonly<
  Record<'targets' | 'ejected' | 'pending' | 'waiting' | 'connected', number>
>

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
