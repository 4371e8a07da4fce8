/** Asks the endpoint of an issuer about a token, and shows what it calls active to the watch. */
import type { IntrospectionAnswerPolicy } from '../../protocol/introspection-response.ts'
import type { Trace } from '../../protocol/trace.ts'
import type { ClaimPathObserver } from '../claim-path-watch.ts'
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
  readonly #claimPaths: ClaimPathObserver

  /** @param clients By the name of the issuer. */
  constructor(clients: ReadonlyMap<string, IntrospectionClient>, claimPaths: ClaimPathObserver) {
    this.#clients = clients
    this.#claimPaths = claimPaths
  }

  /** Never rejects, and settles within twice the time that the endpoint has. */
  async introspect(
    token: IntrospectedToken,
    policy: IntrospectionPolicy,
    nowSeconds: number,
    trace: Trace | null = null,
  ): Promise<IntrospectionOutcome> {
    const client = this.#clients.get(policy.name)
    if (client === undefined) return OVERLOADED
    const outcome = await client.introspect(token, policy, nowSeconds, trace)
    if (outcome.kind === 'active' && trace === null) {
      this.#claimPaths.notice(policy.name, outcome.claims)
    }
    return outcome
  }
}
