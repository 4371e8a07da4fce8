/**
 * Keys that one process makes for itself and forgets when it ends.
 *
 * Time is that of the monotonic clock: a step of the wall clock neither skips nor repeats a key. A
 * key signs only after *this process* has published it for long enough, so that a process that was
 * suspended for hours rotates late rather than with a key that no upstream has seen.
 */
import type { Clock } from '../runtime/clock.ts'
import type { KeyOverlap } from './key-overlap.ts'
import type { KeyPlan, KeyPlanner } from './key-plan.ts'
import { generateSigningKey, type InternalTokenAlgorithm, type SigningKey } from './signing-key.ts'

export interface GeneratedKeysOptions {
  readonly algorithm: InternalTokenAlgorithm
  readonly keyRotationMs: number
  readonly overlap: KeyOverlap
}

interface Held {
  readonly key: SigningKey
  readonly publishedAtMs: number
  /** Last instant at which it signed, or was yet to sign. */
  neededAtMs: number
}

export class GeneratedKeys implements KeyPlanner {
  readonly #options: GeneratedKeysOptions
  readonly #clock: Clock
  /** Oldest first. Bounded: one is added a rotation, and none is kept beyond the overlap. */
  #held: readonly Held[] = []
  #signing: Held

  /** Makes the first key, which signs at once: there is no other. */
  constructor(options: GeneratedKeysOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    const nowMs = clock.monotonicMs()
    this.#signing = this.#make(nowMs - options.overlap.aheadMs, nowMs)
    this.#held = [this.#signing]
  }

  async plan(): Promise<KeyPlan> {
    const { keyRotationMs, overlap } = this.#options
    const nowMs = this.#clock.monotonicMs()
    const newest = this.#held.at(-1) ?? this.#signing
    if (nowMs >= newest.publishedAtMs + keyRotationMs) {
      this.#held = [...this.#held, this.#make(nowMs, nowMs)]
    }
    // Including the one that signed until this very moment.
    const signedUntilNow = this.#held.indexOf(this.#signing)
    for (const held of this.#held.slice(signedUntilNow)) held.neededAtMs = nowMs

    const isRipe = (held: Held) => nowMs >= held.publishedAtMs + overlap.aheadMs
    this.#signing = this.#held.findLast(isRipe) ?? this.#signing
    const signsNow = this.#held.indexOf(this.#signing)
    this.#held = this.#held.filter(
      ({ neededAtMs }, index) => index >= signsNow || nowMs < neededAtMs + overlap.behindMs,
    )
    return {
      ok: true,
      signing: this.#signing.key,
      published: this.#held.map(({ key }) => key).reverse(),
      reviewInMs: this.#nextChangeMs(nowMs) - nowMs,
      problem: null,
    }
  }

  #make(publishedAtMs: number, nowMs: number): Held {
    return {
      key: generateSigningKey(this.#options.algorithm),
      publishedAtMs,
      neededAtMs: nowMs,
    }
  }

  #nextChangeMs(nowMs: number): number {
    const { keyRotationMs, overlap } = this.#options
    const signs = this.#held.indexOf(this.#signing)
    const instants = this.#held.flatMap(({ publishedAtMs, neededAtMs }, index) =>
      index < signs
        ? [neededAtMs + overlap.behindMs]
        : [publishedAtMs + overlap.aheadMs, publishedAtMs + keyRotationMs],
    )
    return Math.min(...instants.filter((instantMs) => instantMs > nowMs))
  }
}
