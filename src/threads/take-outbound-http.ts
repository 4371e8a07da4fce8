/** One HTTP client for all that is reached alike: by the same proxy, under the same authorities. */
import { OutboundHttp } from '../resilience/outbound-http.ts'
import type { OutboundPath } from '../resilience/outbound-path.ts'
import type { ResourceLease } from './resources.ts'

/** Closed when the last lease that took it is released. */
export function takeOutboundHttp(
  lease: ResourceLease,
  connectionsPerOrigin: number,
  path: OutboundPath,
): OutboundHttp {
  return lease.take(
    'outbound HTTP client',
    { connectionsPerOrigin, path },
    {
      create: () => new OutboundHttp({ connectionsPerOrigin, path }),
      close: (client) => client.close(),
    },
  )
}
