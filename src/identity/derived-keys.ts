/**
 * Keys that every instance derives for itself from one secret, for epochs of the wall clock.
 *
 *     epoch      |    n - 1    |      n      |    n + 1    |
 *     published        ├── aheadMs ──┼─ signs n ───┼─ behindMs ──┤
 *
 * Nothing is remembered that could be wrong: which keys are published and which one signs is a
 * function of the secret and the clock. So a restart changes nothing, a step of the clock rights
 * itself, and instances whose clocks differ by no more than the overlap has room for agree.
 */
import type { Clock } from '../resilience/clock.ts'
import { deriveSigningKey } from './derive-signing-key.ts'
import type { KeyOverlap } from './key-overlap.ts'
import type { KeyPlan, KeyPlanner } from './key-plan.ts'
import type { InternalTokenAlgorithm, SigningKey } from './signing-key.ts'

/** A wall clock may be stepped meanwhile, and tells nobody. */
const REVIEW_MS_MAX = 10_000

export interface DerivedKeysOptions {
  readonly algorithm: InternalTokenAlgorithm
  readonly keyRotationMs: number
  readonly overlap: KeyOverlap
  /** At least KEY_SECRET_BYTES_MIN random bytes. */
  readonly secret: Uint8Array
}

export class DerivedKeys implements KeyPlanner {
  readonly #options: DerivedKeysOptions
  readonly #clock: Clock
  /** Of the epochs that are published now, by number: deriving costs more than remembering. */
  #keys: ReadonlyMap<number, SigningKey> = new Map()

  constructor(options: DerivedKeysOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  async plan(): Promise<KeyPlan> {
    const { keyRotationMs, overlap } = this.#options
    const nowMs = this.#clock.wallMs()
    const epochAt = (wallMs: number) => Math.floor(wallMs / keyRotationMs)
    const oldest = epochAt(nowMs - overlap.behindMs)
    const newest = epochAt(nowMs + overlap.aheadMs)

    const published = new Map<number, SigningKey>()
    for (let epoch = newest; epoch >= oldest; epoch -= 1) published.set(epoch, this.#keyOf(epoch))
    this.#keys = published
    const changesAtMs = [
      (oldest + 1) * keyRotationMs + overlap.behindMs,
      (epochAt(nowMs) + 1) * keyRotationMs,
      (newest + 1) * keyRotationMs - overlap.aheadMs,
    ]
    return {
      ok: true,
      signing: this.#keyOf(epochAt(nowMs)),
      published: [...published.values()],
      reviewInMs: Math.min(REVIEW_MS_MAX, Math.min(...changesAtMs) - nowMs),
      problem: null,
    }
  }

  #keyOf(epoch: number): SigningKey {
    const { algorithm, keyRotationMs, secret } = this.#options
    const known = this.#keys.get(epoch)
    return known ?? deriveSigningKey(secret, { algorithm, keyRotationMs, number: epoch })
  }
}
