/** JWKS clients with short times, that write down what they are told to tell. */
import type { DiskCache } from '../../src/keys/disk-cache.ts'
import { JwksClient, type JwksClientOptions } from '../../src/keys/jwks-client.ts'
import type { JwksEvent } from '../../src/keys/jwks-event.ts'
import { type JwksSource, uriSource } from '../../src/keys/jwks-source.ts'
import { KeyRing } from '../../src/keys/key-ring.ts'
import type { KeySet } from '../../src/keys/key-set.ts'
import { OutboundHttp } from '../../src/resilience/outbound-http.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { KeyGenerations } from '../../src/shared-memory/key-generations.ts'
import { createGenerations, type Generations } from './generations.ts'

/** Times in which nothing happens by itself during a test, except quick retries. */
const OPTIONS: JwksClientOptions = {
  issuerName: 'main',
  sourceId: 'main',
  algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'],
  cacheTtlMs: 300_000,
  refreshIntervalMs: 60_000,
  unknownKidCooldownMs: 30_000,
  staleMaxAgeMs: 3_600_000,
  timeoutMs: 10_000,
  retry: { initialMs: 20, maxMs: 40 },
}

export interface WatchedClient {
  readonly client: JwksClient
  readonly keySets: KeySet[]
  readonly events: JwksEvent[]
  readonly table: KeyGenerations
  readonly eventTypes: () => readonly string[]
  /** `kid`s of the set in use. */
  readonly keyIds: () => readonly (string | null)[]
}

/** Makes clients of one test file, and takes all of them down again. */
export class JwksClients {
  readonly http = new OutboundHttp({ connectionsPerOrigin: 4 })
  readonly access = { http: this.http, fields: [] }
  readonly #clients: JwksClient[] = []

  create(
    source: JwksSource | string,
    options: Partial<JwksClientOptions> = {},
    diskCache: DiskCache | null = null,
    generations: Generations = createGenerations(),
  ): WatchedClient {
    const { allocator, table } = generations
    const keySets: KeySet[] = []
    const events: JwksEvent[] = []
    const client = new JwksClient(
      { ...OPTIONS, ...options },
      {
        source:
          typeof source === 'string'
            ? uriSource({ uri: source, allowInsecureHttp: false }, this.access)
            : source,
        diskCache,
        generations: allocator,
        clock: systemClock,
        random: () => 0.5,
        onKeySet: (keySet) => keySets.push(keySet),
        onEvent: (event) => events.push(event),
      },
    )
    this.#clients.push(client)
    return {
      client,
      keySets,
      events,
      table,
      eventTypes: () => events.map((event) => event.type),
      keyIds: () => client.keySet().keys.map((key) => key.keyId),
    }
  }

  async stopAll(): Promise<void> {
    for (const client of this.#clients) client.stop()
    await this.http.close()
  }
}

export interface Listener {
  readonly ring: KeyRing
  /** How many questions left the listener. */
  readonly counts: { questions: number }
}

/** A listener's view of a client, which hears of a new set with the answer to its question. */
export function listenTo({ client }: WatchedClient): Listener {
  const counts = { questions: 0 }
  const ring = new KeyRing(
    { keySets: [], askTimeoutMs: 2_000 },
    async (_sourceId, keyId) => {
      counts.questions += 1
      const answer = await client.resolveUnknownKey(keyId)
      ring.update(client.keySet())
      return answer
    },
    systemClock,
  )
  return { ring, counts }
}
