/**
 * Sessions: every request asks the store, so that a session which was ended is refused on the very
 * next one. Nothing is cached, and no two requests share a look-up.
 */
import type { Trace } from '../../protocol/trace.ts'
import type { Anonymous, Identity, Verification } from '../../protocol/verification.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Authenticator, EstablishedIdentity, Verdict } from '../authenticator.ts'

/** Looks a session up by the value of its cookie. Anonymous: one without a user. */
export interface SessionLookup {
  verify(
    cookieValue: string,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<Verification | Anonymous>
}

export class SessionAuthenticator implements Authenticator {
  readonly #sessions: SessionLookup
  readonly #clock: Clock
  /** So that an identity whose record has not changed is rendered once. */
  readonly #latest = new WeakMap<Identity, EstablishedIdentity>()

  constructor(sessions: SessionLookup, clock: Clock) {
    this.#sessions = sessions
    this.#clock = clock
  }

  recall(): null {
    return null
  }

  peek(): null {
    return null
  }

  async establish(cookieValue: string, trace: Trace | null = null): Promise<Verdict> {
    const nowSeconds = this.#clock.nowSeconds()
    const verification = await this.#sessions.verify(cookieValue, nowSeconds, trace)
    if (verification.kind !== 'verified') return verification
    const { identity } = verification
    const derived = this.#latest.get(identity)?.derived ?? null
    const established: EstablishedIdentity = {
      kind: 'established',
      verified: verification,
      terms: null,
      derived,
    }
    this.#latest.set(identity, established)
    return established
  }
}
