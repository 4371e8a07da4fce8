/**
 * Finds out in the background that an endpoint has recovered, so that no client has to wait until
 * the breaker's own time is up, and no request of a client is spent on an endpoint that is still
 * down.
 *
 * Asked only when somebody was turned away, and as seldom as early-probes.ts says. The breaker is
 * not touched until the endpoint has answered as often as it must.
 */
import type { CircuitBreaker, Opening } from '../../resilience/circuit-breaker.ts'
import type { EarlyProbes } from '../../resilience/early-probes.ts'
import type { Clock } from '../../runtime/clock.ts'

/**
 * - `alive`: it answers as it should. `failed`: it does not.
 * - `unclear`: what was asked may be at fault; let the requests of clients find out.
 */
export type ProbeVerdict = 'alive' | 'failed' | 'unclear'

type Ask = () => Promise<ProbeVerdict>

export interface EndpointProbeParts {
  readonly breaker: CircuitBreaker
  readonly probes: EarlyProbes
  readonly clock: Clock
  /** Answers that it takes to close the breaker. One after the other. */
  readonly answers: number
  /** Longest that one takes. */
  readonly answerMsMax: number
}

export class EndpointProbe {
  readonly #parts: EndpointProbeParts

  constructor(parts: EndpointProbeParts) {
    this.#parts = parts
  }

  /**
   * Somebody was turned away. Returns at once.
   *
   * @param ask Asks something of no consequence. Never rejects, and takes bounded time.
   */
  wake(ask: Ask): void {
    const { breaker, probes, clock, answers, answerMsMax } = this.#parts
    const nowMs = clock.wallMs()
    const opening = breaker.opening(nowMs)
    if (opening === null || !probes.begin(opening, nowMs, answers * answerMsMax)) return
    void this.#probe(ask, opening, nowMs)
  }

  async #probe(ask: Ask, { permit }: Opening, beganAtMs: number): Promise<void> {
    const { breaker, probes, clock, answers } = this.#parts
    let verdict: ProbeVerdict = 'alive'
    for (let answer = 0; answer < answers && verdict === 'alive'; answer += 1) verdict = await ask()
    if (verdict === 'failed') probes.failed(beganAtMs)
    else if (breaker.endEarly(permit, verdict === 'alive', clock.wallMs())) {
      probes.ended(clock.wallMs())
    }
  }
}
