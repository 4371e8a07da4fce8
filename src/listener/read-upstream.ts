/** What one thread tells of one upstream when its metrics are read. */
import type { UpstreamReading } from '../observability/upstream-reading.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'

export function readUpstream({ name, stats }: UpstreamPool): UpstreamReading {
  const { targets } = stats
  const sum = (member: 'pending' | 'waiting' | 'connected') =>
    targets.reduce((total, target) => total + target[member], 0)
  return {
    name,
    targets: targets.length,
    pending: sum('pending'),
    waiting: sum('waiting'),
    connected: sum('connected'),
    ejected: targets.filter(({ ejected }) => ejected).length,
    ejectedByTarget: Object.fromEntries(targets.map(({ origin, ejected }) => [origin, ejected])),
  }
}

/** What it has counted. */
export function upstreamCounts({ stats }: UpstreamPool): ReadonlyMap<string, number> {
  const { ejections, retries, retriesDenied } = stats
  return new Map(Object.entries({ ejections, retries, retriesDenied }))
}
