/** The connections of one command: one client for all that is reached alike. */
import { OutboundHttp } from '../resilience/outbound-http.ts'
import type { OutboundPath } from '../resilience/outbound-path.ts'
import { Resources } from '../threads/resources.ts'

export class OutboundClients {
  readonly #connectionsPerOrigin: number
  readonly #lease = new Resources().lease()

  constructor(connectionsPerOrigin: number) {
    this.#connectionsPerOrigin = connectionsPerOrigin
  }

  of(path: OutboundPath): OutboundHttp {
    const connectionsPerOrigin = this.#connectionsPerOrigin
    return this.#lease.take(
      'HTTP client',
      { path },
      {
        create: () => new OutboundHttp({ connectionsPerOrigin, path }),
        close: (client) => client.close(),
      },
    )
  }

  close(): Promise<void> {
    return this.#lease.release()
  }
}
