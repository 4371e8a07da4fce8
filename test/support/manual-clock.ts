/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/runtime/clock.ts'

export class ManualClock implements Clock {
  #elapsedMs = 0
  readonly #startWallMs: number

  constructor(startWallMs = 1_700_000_000_000) {
    this.#startWallMs = startWallMs
  }

  advanceMs(durationMs: number): void {
    this.#elapsedMs += durationMs
  }

  nowSeconds(): number {
    return Math.floor(this.wallMs() / 1_000)
  }

  wallMs(): number {
    return this.#startWallMs + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }
  processMs(): number {
    return this.#elapsedMs
  }
}
