/** The connections of one command: one client for all that is reached alike. */
import type { OutboundHttp } from '../resilience/outbound-http.ts'
import type { OutboundPath } from '../resilience/outbound-path.ts'
import { Resources } from '../threads/resources.ts'
import { takeOutboundHttp } from '../threads/take-outbound-http.ts'

export class OutboundClients {
  readonly #connectionsPerOrigin: number
  readonly #lease = new Resources().lease()

  constructor(connectionsPerOrigin: number) {
    this.#connectionsPerOrigin = connectionsPerOrigin
  }

  of(path: OutboundPath): OutboundHttp {
    return takeOutboundHttp(this.#lease, this.#connectionsPerOrigin, path)
  }

  close(): Promise<void> {
    return this.#lease.release()
  }
}
