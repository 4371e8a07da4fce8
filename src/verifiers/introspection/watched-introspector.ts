/** Tells who watches claims of each token that an introspection endpoint calls active. */
import type { Trace } from '../../protocol/trace.ts'
import type { ClaimPathObserver } from '../claim-path-watch.ts'
import type { IntrospectedToken, IntrospectionOutcome } from './introspection-client.ts'
import type { IntrospectionPolicy, IntrospectionVerifier } from './introspection-verifier.ts'

export class WatchedIntrospector {
  readonly #introspector: Pick<IntrospectionVerifier, 'introspect'>
  readonly #claimPaths: ClaimPathObserver

  constructor(
    introspector: Pick<IntrospectionVerifier, 'introspect'>,
    claimPaths: ClaimPathObserver,
  ) {
    this.#introspector = introspector
    this.#claimPaths = claimPaths
  }

  async introspect(
    token: IntrospectedToken,
    policy: IntrospectionPolicy,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<IntrospectionOutcome> {
    const outcome = await this.#introspector.introspect(token, policy, nowSeconds, trace)
    if (outcome.kind === 'active' && trace === null) this.#claimPaths.notice(policy, outcome.claims)
    return outcome
  }
}
