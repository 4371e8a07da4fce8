/**
 * The message between a verification pool and its workers: flat, because cloning it is the cost.
 */
import type { SignatureKey } from './signature-backend.ts'

/** A key with the one algorithm for which this batch uses it. */
export interface BatchKey {
  /** {@link VerificationKey.id}: never used for another key, so a worker caches under it. */
  readonly id: number
  readonly key: SignatureKey
}

/** Tokens to check. `tokens[i]` is checked with `keys[keyIndexes[i]]`. */
export interface SignatureBatch {
  readonly tokens: string[]
  readonly keyIndexes: number[]
  readonly keys: BatchKey[]
}

/** One byte for each token of the batch, in order. Anything but good and bad is undecided. */
export type BatchVerdicts = Uint8Array

export const VERDICT_FAILED = 0
export const VERDICT_BAD = 1
export const VERDICT_GOOD = 2
