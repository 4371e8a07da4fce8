/** Finds the endpoint that a token is to be asked about, and bounds how many wait for answers. */
import type { IntrospectionAnswerPolicy } from '../../protocol/introspection-response.ts'
import type { IntrospectionClient, IntrospectionOutcome } from './introspection-client.ts'

/** What tokens of one issuer must be like. */
export interface IntrospectionPolicy extends IntrospectionAnswerPolicy {
  /** Name in the configuration: the endpoint is found under it. */
  readonly name: string
}

export type IntrospectionResult = IntrospectionOutcome | { readonly kind: 'overloaded' }

/** Tokens of one thread that wait for an answer at once: each is a request that waits. */
const WAITING_MAX = 4_096

const OVERLOADED: IntrospectionResult = Object.freeze({ kind: 'overloaded' })

/** One for each listener thread. Does not cache, and knows nothing of outage policies. */
export class IntrospectionVerifier {
  readonly #clients: ReadonlyMap<string, IntrospectionClient>
  #waiting = 0

  /** @param clients By the name of the issuer. */
  constructor(clients: ReadonlyMap<string, IntrospectionClient>) {
    this.#clients = clients
  }

  /** Never rejects, and settles within the deadline of the endpoint. */
  async introspect(
    token: string,
    policy: IntrospectionPolicy,
    nowSeconds: number,
  ): Promise<IntrospectionResult> {
    const client = this.#clients.get(policy.name)
    if (client === undefined || this.#waiting >= WAITING_MAX) return OVERLOADED
    this.#waiting += 1
    try {
      return await client.introspect(token, policy, nowSeconds)
    } finally {
      this.#waiting -= 1
    }
  }
}
