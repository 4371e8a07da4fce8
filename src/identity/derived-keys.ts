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
import type { Clock } from '../runtime/clock.ts'
import { deriveSigningKey } from './derive-signing-key.ts'
import type { KeyOverlap } from './key-overlap.ts'
import type { KeyPlan, KeyPlanner } from './key-plan.ts'
import type { InternalTokenAlgorithm, SigningKey } from './signing-key.ts'

/** Longest time between two reviews: a step of the wall clock is noticed only by looking. */
const REVIEW_MS_MAX = 10_000

/** What keys are derived from: another secret, algorithm or rotation makes other keys. */
export interface KeyDerivation {
  readonly algorithm: InternalTokenAlgorithm
  readonly keyRotationMs: number
  /** At least KEY_SECRET_BYTES_MIN random bytes. */
  readonly secret: Uint8Array
}

export interface DerivedKeysOptions extends KeyDerivation {
  readonly overlap: KeyOverlap
  /** Their keys are published and do not sign: other instances sign with them, or soon will. */
  readonly published: readonly KeyDerivation[]
}

export class DerivedKeys implements KeyPlanner {
  readonly #options: DerivedKeysOptions
  readonly #clock: Clock
  /** Of what is published now, by derivation and epoch: deriving costs more than remembering. */
  #keys: ReadonlyMap<string, SigningKey> = new Map()

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

    const known = new Map<string, SigningKey>()
    const signing = this.#publish(known, 0, this.#options, nowMs)
    for (const [index, derivation] of this.#options.published.entries()) {
      this.#publish(known, index + 1, derivation, nowMs)
    }
    this.#keys = known
    // Two derivations may be the same one.
    const published = new Map([...known.values()].map((key) => [key.keyId, key]))
    const changesAtMs = [
      (oldest + 1) * keyRotationMs + overlap.behindMs,
      (epochAt(nowMs) + 1) * keyRotationMs,
      (newest + 1) * keyRotationMs - overlap.aheadMs,
    ]
    return {
      ok: true,
      signing,
      published: [...published.values()],
      reviewInMs: Math.min(REVIEW_MS_MAX, Math.min(...changesAtMs) - nowMs),
      problem: null,
    }
  }

  /**
   * Adds the keys of one derivation, newest first.
   *
   * @returns The one that signs now.
   */
  #publish(
    known: Map<string, SigningKey>,
    index: number,
    { algorithm, keyRotationMs, secret }: KeyDerivation,
    nowMs: number,
  ): SigningKey {
    const keyOf = (epoch: number): SigningKey => {
      const name = `${index} ${epoch}`
      const options = { algorithm, keyRotationMs, number: epoch }
      const key = known.get(name) ?? this.#keys.get(name) ?? deriveSigningKey(secret, options)
      known.set(name, key)
      return key
    }
    const { aheadMs, behindMs } = this.#options.overlap
    const oldest = Math.floor((nowMs - behindMs) / keyRotationMs)
    for (let epoch = Math.floor((nowMs + aheadMs) / keyRotationMs); epoch >= oldest; epoch -= 1) {
      keyOf(epoch)
    }
    return keyOf(Math.floor(nowMs / keyRotationMs))
  }
}
