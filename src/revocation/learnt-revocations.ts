/**
 * Hot path: whether this instance has learnt what others revoked before it was there: one word that
 * all threads share. Set once, by the supervisor, and never taken back.
 */

const LEARNT = 1

export function createLearntRevocationsBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
}

export class LearntRevocations {
  readonly #word: Int32Array
  /** What this thread has seen; saves the atomic load from then on. */
  #areLearnt = false

  /** @param buffer The same one in every thread. */
  constructor(buffer: SharedArrayBuffer) {
    this.#word = new Int32Array(buffer)
  }

  /** Whether a credential that no revocation covers here is not covered elsewhere either. */
  get areLearnt(): boolean {
    if (!this.#areLearnt) this.#areLearnt = Atomics.load(this.#word, 0) === LEARNT
    return this.#areLearnt
  }

  /** After the last of them was published in the index. */
  markLearnt(): void {
    Atomics.store(this.#word, 0, LEARNT)
  }
}
