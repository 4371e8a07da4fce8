/** Finds the endpoint that a token is to be asked about. */
import type { IntrospectionAnswerPolicy } from '../../protocol/introspection-response.ts'
import type { Trace } from '../../protocol/trace.ts'
import type {
  IntrospectedToken,
  IntrospectionClient,
  IntrospectionOutcome,
} from './introspection-client.ts'

/** What tokens of one issuer must be like. */
export interface IntrospectionPolicy extends IntrospectionAnswerPolicy {
  /** Name in the configuration: the endpoint is found under it. */
  readonly name: string
}

const OVERLOADED: IntrospectionOutcome = Object.freeze({ kind: 'overloaded' })

/** One for each listener thread. Does not cache, and knows nothing of outage policies. */
export class IntrospectionVerifier {
  readonly #clients: ReadonlyMap<string, IntrospectionClient>

  /** @param clients By the name of the issuer. */
  constructor(clients: ReadonlyMap<string, IntrospectionClient>) {
    this.#clients = clients
  }

  /** Never rejects, and settles within twice the time that the endpoint has. */
  introspect(
    token: IntrospectedToken,
    policy: IntrospectionPolicy,
    nowSeconds: number,
    trace: Trace | null = null,
  ): Promise<IntrospectionOutcome> {
    const client = this.#clients.get(policy.name)
    if (client === undefined) return Promise.resolve(OVERLOADED)
    return client.introspect(token, policy, nowSeconds, trace)
  }
}
