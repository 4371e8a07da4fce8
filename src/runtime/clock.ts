/** The only door to the wall clock and to the monotonic clock, so that time can be injected. */
import { performance } from 'node:perf_hooks'

/** Time as the rest of the gateway sees it. Tests pass their own. */
export interface Clock {
  /** NumericDate: whole seconds since the epoch (RFC 7519 §2). */
  nowSeconds(): number
  /** Wall clock in milliseconds, for log lines and stored instants only. */
  wallMs(): number
  /** Milliseconds that never go backwards, with a fraction; for durations and deadlines. */
  monotonicMs(): number
  /**
   * As `monotonicMs`, and counted from an instant that all threads of the process share: what one
   * thread has read means the same in another. Their readings may differ by some microseconds.
   */
  processMs(): number
}

export const systemClock: Clock = {
  nowSeconds: () => Math.floor(Date.now() / 1_000),
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  // Node counts from the start of the process in every thread, unlike browsers with their workers;
  // test/concurrency/process-clock.test.ts would notice if it did not.
  processMs: () => performance.now(),
}
