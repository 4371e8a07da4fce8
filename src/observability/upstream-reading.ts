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
  /** Of each target whether it is one of them. */
  readonly ejectedByTarget: Readonly<Record<string, boolean>>
}

/** What is now, of all threads. */
export type UpstreamGauges = Omit<UpstreamReading, 'name'>

const NO_GAUGES: UpstreamGauges = {
  targets: 0,
  pending: 0,
  waiting: 0,
  connected: 0,
  ejected: 0,
  ejectedByTarget: {},
}

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
    ejectedByTarget: mergedTargets(others.ejectedByTarget, one.ejectedByTarget),
  }
}

/** Ejected is what one of them has ejected. */
function mergedTargets(
  others: UpstreamReading['ejectedByTarget'],
  one: UpstreamReading['ejectedByTarget'],
): UpstreamReading['ejectedByTarget'] {
  const merged = { ...others }
  for (const [target, isEjected] of Object.entries(one)) {
    merged[target] = isEjected || merged[target] === true
  }
  return merged
}
