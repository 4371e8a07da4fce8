/**
 * Finds out in the background that an endpoint has recovered, so that nobody has to wait until the
 * breaker's own time is up, and no request of a client is spent on an endpoint that is still down.
 *
 * Asked only when somebody was turned away, and then at most once in half a second for all threads
 * together, because each failed probe opens the breaker anew.
 */
import type { BreakerPermit, CircuitBreaker } from '../../resilience/circuit-breaker.ts'
import type { Clock } from '../../resilience/clock.ts'

/** From one failed probe, or from the opening, to the next probe. */
const PROBE_AFTER_MS = 500

/**
 * - `alive`: it answers as it should. `failed`: it does not.
 * - `unclear`: what was asked may be at fault; let the requests of clients find out.
 */
export type ProbeVerdict = 'alive' | 'failed' | 'unclear'

type Ask = () => Promise<ProbeVerdict>

export class EndpointProbe {
  readonly #breaker: CircuitBreaker
  readonly #clock: Clock

  constructor(breaker: CircuitBreaker, clock: Clock) {
    this.#breaker = breaker
    this.#clock = clock
  }

  /**
   * Somebody was turned away. Returns at once.
   *
   * @param ask Asks something of no consequence. Never rejects, and takes bounded time.
   */
  wake(ask: Ask): void {
    const nowMs = this.#clock.wallMs()
    const first = this.#breaker.tryAcquireEarly(nowMs, PROBE_AFTER_MS)
    if (first === null) return
    // All of them, so that no request of a client waits for an endpoint that may still be down.
    const others: BreakerPermit[] = []
    for (;;) {
      const other = this.#breaker.tryAcquire(nowMs)
      // Another thread may have closed it meanwhile: then there is leave without end.
      if (other !== first) break
      others.push(other)
    }
    void this.#probe(ask, first, others)
  }

  async #probe(ask: Ask, first: BreakerPermit, others: readonly BreakerPermit[]): Promise<void> {
    const verdict = await ask()
    this.#report(first, verdict)
    if (verdict === 'failed') return
    await Promise.all(
      others.map(async (permit) => {
        this.#report(permit, verdict === 'alive' ? await ask() : verdict)
      }),
    )
  }

  #report(permit: BreakerPermit, verdict: ProbeVerdict): void {
    if (verdict === 'alive') this.#breaker.succeeded(permit)
    else if (verdict === 'failed') this.#breaker.failed(permit, this.#clock.wallMs())
    else this.#breaker.released(permit)
  }
}
