/**
 * Hot path: says of every cached verdict whether what it rests on still stands.
 *
 *     | slot 0: never dies | slot 1 | slot 2 | ... | slot n |     one 32-bit generation each
 *
 * A verification key is given a slot and the generation that the slot holds at that moment; both
 * travel with each verdict that the key produces. When the key goes, the generation is counted up
 * and every such verdict is dead in all threads at once: a hit compares, nothing is swept.
 * Any other cause may take a slot too: that of "this issuer's key set as it is now" is renewed
 * whenever a key comes or goes.
 *
 * There is a slot for every key that the configured issuers may have at once, and one for each set,
 * so that no issuer takes the place of another's keys. A slot is used again under its next
 * generation.
 *
 * Written by the supervisor (atomic increment), read by all (one aligned word, which no processor
 * tears). A generation comes round again after 2^32 deaths of one slot.
 */
import { assertInvariant } from '../runtime/assert-invariant.ts'

/** Slot and generation for a verdict that rests on no key: never dies. */
export const NO_KEY = Object.freeze({ slot: 0, generation: 0 })

const FIRST_GENERATION = 1

export interface KeyPlace {
  readonly slot: number
  readonly generation: number
}

/**
 * The table that all threads share; made once by the supervisor, which owns its allocator.
 *
 * @param keysMax Keys that are alive at once, at most: 4 bytes each.
 */
export function createKeyGenerationsBuffer(keysMax: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer((1 + keysMax) * Int32Array.BYTES_PER_ELEMENT)
  // From 1: an all-zero record names no living key except through NO_KEY.
  new Int32Array(buffer).fill(FIRST_GENERATION, NO_KEY.slot + 1)
  return buffer
}

/** Every thread's view. */
export class KeyGenerations {
  readonly #generations: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    this.#generations = new Int32Array(buffer)
  }

  /** Whether the key that was given this place is still good. A slot out of range is not. */
  isAlive(slot: number, generation: number): boolean {
    // Also false for NaN and fractions.
    if (slot >>> 0 !== slot || slot >= this.#generations.length) return false
    // Not `Atomics.load`, which is a call and costs ten times as much: the order of this read and
    // others does not matter, and each call reads the word anew.
    return this.#generations[slot] === generation
  }
}

/** The supervisor's half: one object in the process. */
export class KeyGenerationAllocator {
  readonly #generations: Int32Array
  /** A ring: first in, first out, so that a slot rests as long as possible before its next use. */
  readonly #free: Uint32Array
  #firstFree = 0
  #freeCount: number
  readonly #isTaken: Uint8Array

  constructor(buffer: SharedArrayBuffer) {
    this.#generations = new Int32Array(buffer)
    this.#isTaken = new Uint8Array(this.#generations.length)
    this.#freeCount = this.#generations.length - 1
    this.#free = new Uint32Array(this.#freeCount)
    for (let place = 0; place < this.#freeCount; place += 1) {
      this.#free[place] = NO_KEY.slot + 1 + place
    }
  }

  /** A place for a new key, or `null` when every slot is taken by a key that is alive. */
  allocate(): KeyPlace | null {
    if (this.#freeCount === 0) return null
    const slot = this.#free[this.#firstFree] as number
    this.#firstFree = (this.#firstFree + 1) % this.#free.length
    this.#freeCount -= 1
    this.#isTaken[slot] = 1
    return { slot, generation: Atomics.load(this.#generations, slot) }
  }

  /** Ends every verdict that rests on this place, in all threads; it stays taken. */
  renew(slot: number): KeyPlace {
    assertInvariant(this.#isTaken[slot] === 1, 'only a place that is taken can be renewed')
    Atomics.add(this.#generations, slot, 1)
    return { slot, generation: Atomics.load(this.#generations, slot) }
  }

  /** Ends every verdict of the key at this place, in all threads, and frees the slot. */
  kill(slot: number): void {
    assertInvariant(this.#isTaken[slot] === 1, 'only a key that is alive can be killed')
    Atomics.add(this.#generations, slot, 1)
    this.#isTaken[slot] = 0
    this.#free[(this.#firstFree + this.#freeCount) % this.#free.length] = slot
    this.#freeCount += 1
  }
}
