/** A revocation feed over a log in memory, with time in the hands of the test. */
import { RevocationFeed, type RevocationFeedState } from '../../src/revocation/revocation-feed.ts'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { revocationKeysOf } from '../../src/revocation/revocation-key.ts'
import type { RevocationLog } from '../../src/revocation/revocation-log.ts'
import { RevocationReader } from '../../src/revocation/revocation-reader.ts'
import type { ManualClock } from './manual-clock.ts'
import { ManualTimers } from './manual-timers.ts'
import { identityOf } from './revocations.ts'

export const POLL_MS = 200

export class FeedRig {
  readonly timers = new ManualTimers()
  readonly states: RevocationFeedState[] = []
  losses = 0
  readonly index: RevocationIndex
  readonly feed: RevocationFeed
  readonly #reader: RevocationReader
  readonly #clock: ManualClock

  constructor(log: RevocationLog, clock: ManualClock, { capacity = 300, callTimeoutMs = 5_000 }) {
    const buffer = createRevocationBuffer(capacity)
    this.index = new RevocationIndex(buffer)
    this.#reader = new RevocationReader(buffer)
    this.#clock = clock
    this.feed = new RevocationFeed(
      {
        pollIntervalMs: POLL_MS,
        callTimeoutMs,
        retry: { initialMs: 100, maxMs: 1_000 },
        confirmWithinMs: 50,
        spreadMs: 0,
      },
      {
        index: this.index,
        log,
        clock,
        random: () => 1,
        later: this.timers.later,
        onState: (state) => this.states.push(state),
        onLogLost: () => {
          this.losses += 1
        },
      },
    )
  }

  /** Whether the token with this number is revoked in this instance. */
  isRevoked(number: number): boolean {
    return this.#reader.isRevoked(revocationKeysOf(identityOf(number)), this.#clock.nowSeconds())
  }
}

/** Until all that a log in memory can answer without a timer has been answered. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
