/**
 * Hot path: which cell of the shared memory belongs to a key, and how a cell changes hands.
 *
 * All that is counted about a key is one 64-bit state, so that every change is one compare-exchange
 * and no thread ever sees half of one. No thread waits for another: an exchange that fails means
 * that another thread's has succeeded, and the loser looks again.
 *
 * A new key takes a cell in three steps:
 *
 *     claim    state   (old, generation g)       → (claimed, g + 1)     its former key has lost it
 *     name     name    (former key, g)           → (new key, g + 1)     others can see the claim
 *     settle   state   (claimed, g + 1)          → (first count, g + 1)
 *
 * Two threads may do this for one key at once, in two cells. That must not end in two cells that
 * count apart, so a claim may be settled only by a thread that has seen it (its own, after the
 * name, or another's) and *then* looked at all other cells of the set and seen none of that key,
 * with the claim unchanged until then. Suppose two claims A and B were both settled. The thread
 * that settled A looked at B after A was visible and saw nothing, so B became visible after A; by
 * the same argument A became visible after B. So at most one is. The loads of that look are
 * sequentially consistent, as the exchanges are; the rest of the table is read plainly.
 *
 * Of several claims the one in the lowest way stays, others are freed, by whichever thread sees
 * them; where a settled cell of the key is seen, claims are freed. A claim belongs to its key, not
 * to the thread that made it: each thread that wants the key may settle it.
 *
 * Which cell goes, when all are taken: one that is idle; else, while more than
 * {@link LOCKS_KEPT} of the set are locked, the lock that ends first; else the limit or count of
 * failures that is idle soonest. So the five locks of a set that end last are never lost, whatever
 * comes; locks beyond these only fill what no other key wants; and no number of locks takes the
 * last three ways from the limits. A claim need not know what it will become: where it becomes a
 * lock too many, or a count of failures does, the next claim that needs a cell puts that right.
 * Threads that choose at once choose the same lock, and one exchange succeeds. Where a lock was
 * written between the look of one thread and its exchange, a lock that ends later may go than would
 * have by turns; the number that is kept holds but for one such thread each.
 *
 * None of this adds a step to the protocol: a lock changes hands by a claim, as every cell does.
 * Within one generation a state goes only from claimed to settled, or to free, and never back.
 *
 * A thread may die between any two steps. A claim without a name, or one that no thread wanted
 * again, counts as idle after {@link ABANDONED_TICKS}. A thread that was merely slow finds another
 * generation, in the state and in the name, and changes nothing.
 *
 * What this cannot exclude: two keys of one set with the same 64-bit hash share a cell; a thread
 * that stands still while a cell changes hands exactly 512 times, and comes back to the same
 * instant in the same tick, takes another key's state for that of its own.
 */
import type { Hash } from './keyed-hash.ts'
import {
  type CellMemory,
  CLAIMED,
  FREE,
  GENERATION_MASK,
  kindOf,
  LOCKED,
  nameHigh,
  STATE_OFFSET,
  setOf,
  stateHigh,
  TICKS_PER_MICRO,
  ticksOf,
  WAYS_PER_SET,
} from './layout.ts'

/** No cell: none of the key, or none that can be had. */
export const NOWHERE = -1
/** Another thread was first. */
const LOST = -2

/** Claims are settled within microseconds; this leaves room for a thread that had to wait. */
export const ABANDONED_TICKS = 1_000_000 * TICKS_PER_MICRO

/** Each failed attempt is another thread's success in the same set: so many are unheard of. */
const CLAIM_ATTEMPTS_MAX = 64

/**
 * Locks of a set that no other key can push out. The other three ways are for limits: one of them
 * is left when two threads are just about to settle claims in the same set.
 */
export const LOCKS_KEPT = WAYS_PER_SET - 3

/** Free cells go first. */
const BEFORE_ALL_TICKS = -1

// Words of the scratch memory: the state found last, what is written next, any other state, a name,
// the state of the lock that ends first.
const FOUND = 0
const NEXT = 1
const OTHER = 2
const NAME = 3
const FIRST_LOCK = 4
const SCRATCH_WORDS = 5

/** What this thread did; plain numbers that only grow. */
export interface LimitCounters {
  /** Keys that lost their cell while it still counted something. */
  evicted: number
  /** Questions about keys whose thread lost every race for a cell: not counted. */
  untracked: number
}

export class CellTable {
  /** Kind and time of the cell found last, as they were then. */
  kind = FREE
  ticks = 0
  readonly counters: LimitCounters = { evicted: 0, untracked: 0 }
  readonly #words: BigInt64Array
  readonly #halves: Int32Array
  readonly #setCount: number
  // A 64-bit word passes through here on its way to two numbers and back: a plain copy of a word
  // is one load and one store, so that it is never torn, and makes no BigInt.
  readonly #scratch = new BigInt64Array(SCRATCH_WORDS)
  readonly #scratchHalves = new Int32Array(this.#scratch.buffer)

  constructor({ words, halves, setCount }: CellMemory) {
    this.#words = words
    this.#halves = halves
    this.#setCount = setCount
  }

  /** The settled cell of a key, whose state is then in `kind` and `ticks`; else NOWHERE. */
  find(hash: Hash): number {
    const names = setOf(this.#setCount, hash.high)
    for (let name = names; name < names + WAYS_PER_SET; name += 1) {
      if (this.#halves[2 * name] !== hash.low) continue
      this.#copy(name, NAME)
      if (!this.#isNamed(hash)) continue
      this.#copy(name + STATE_OFFSET, FOUND)
      if (this.#generationOf(FOUND) !== this.#generationOf(NAME)) continue
      this.#decode()
      if (this.kind > CLAIMED) return name + STATE_OFFSET
    }
    return NOWHERE
  }

  /**
   * As {@link CellTable.find}; a key without a cell gets one, whose `kind` is CLAIMED: the caller
   * settles it by {@link CellTable.exchange}. Which other key loses its cell when the set is full
   * is told above.
   *
   * @returns NOWHERE when all cells of the set but those of {@link LOCKS_KEPT} locks were claimed
   *   this very moment.
   */
  findOrClaim(hash: Hash, nowTicks: number): number {
    const found = this.find(hash)
    if (found !== NOWHERE) return found
    const cell = this.#settledOrClaimed(hash, nowTicks)
    if (cell === NOWHERE) this.counters.untracked += 1
    return cell
  }

  #settledOrClaimed(hash: Hash, nowTicks: number): number {
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS_MAX; attempt += 1) {
      let cell = this.#survey(hash)
      if (cell === NOWHERE) cell = this.#claim(hash, nowTicks)
      if (cell === NOWHERE) return NOWHERE
      if (cell === LOST) continue
      if (this.kind !== CLAIMED || this.#isAlone(cell, hash)) return cell
    }
    return NOWHERE
  }

  /**
   * Changes the cell that was found last.
   *
   * @returns `false` when it is no longer as it was found: nothing is changed then.
   */
  exchange(cell: number, kind: number, ticks: number): boolean {
    this.#writeNext(kind, ticks, this.#generationOf(FOUND))
    return this.#swap(cell, FOUND)
  }

  /** Looks at all cells of the set anew: the settled one of the key, or else its lowest claim. */
  #survey(hash: Hash): number {
    const names = setOf(this.#setCount, hash.high)
    let claim = NOWHERE
    for (let name = names; name < names + WAYS_PER_SET; name += 1) {
      if (!this.#belongs(name, hash)) continue
      const cell = name + STATE_OFFSET
      if (kindOf(this.#highOf(OTHER)) > CLAIMED) return this.#takeOther(cell)
      if (claim === NOWHERE) claim = this.#takeOther(cell)
    }
    return claim
  }

  /**
   * Whether no other cell of the set is of this key, looked at after the claim in `cell` was found.
   * Makes it so where it may; else frees the claim, or leaves it to the next attempt.
   */
  #isAlone(cell: number, hash: Hash): boolean {
    const names = setOf(this.#setCount, hash.high)
    for (let name = names; name < names + WAYS_PER_SET; name += 1) {
      const other = name + STATE_OFFSET
      if (other === cell || !this.#belongs(name, hash)) continue
      if (kindOf(this.#highOf(OTHER)) > CLAIMED || other < cell) {
        this.exchange(cell, FREE, 0)
        return false
      }
      this.#writeNext(FREE, 0, this.#generationOf(OTHER))
      if (!this.#swap(other, OTHER)) return false
    }
    return true
  }

  /** Gives a cell of the set to the key: claims and names it. */
  #claim(hash: Hash, nowTicks: number): number {
    const cell = this.#choose(setOf(this.#setCount, hash.high), nowTicks)
    if (cell === NOWHERE) return NOWHERE
    const words = this.#words
    const name = cell - STATE_OFFSET
    // Before the claim: whatever this thread does after it, a name that was given later stays.
    const formerName = words[name] as bigint
    const isAlive = this.kind > CLAIMED && this.ticks > nowTicks
    const generation = (this.#generationOf(FOUND) + 1) & GENERATION_MASK
    this.#writeNext(CLAIMED, nowTicks, generation)
    if (!this.#swap(cell, FOUND)) return LOST
    if (isAlive) this.counters.evicted += 1

    const scratch = this.#scratch
    scratch[FOUND] = scratch[NEXT] as bigint
    this.#decode()
    this.#scratchHalves[2 * NEXT] = hash.low
    this.#scratchHalves[2 * NEXT + 1] = nameHigh(hash.high) | generation
    const isNamed =
      Atomics.compareExchange(words, name, formerName, scratch[NEXT] as bigint) === formerName
    return isNamed ? cell : LOST
  }

  /** The cell of the set that goes to a new key. Its state is the one found last. */
  #choose(names: number, nowTicks: number): number {
    let chosen = NOWHERE
    let chosenIdleAt = Number.POSITIVE_INFINITY
    let locks = 0
    let firstLock = NOWHERE
    let firstLockEnd = Number.POSITIVE_INFINITY
    for (let cell = names + STATE_OFFSET; cell < names + 2 * WAYS_PER_SET; cell += 1) {
      this.#copy(cell, OTHER)
      const idleAt = this.#idleAt(nowTicks)
      if (idleAt > nowTicks && kindOf(this.#highOf(OTHER)) === LOCKED) {
        locks += 1
        if (idleAt >= firstLockEnd) continue
        firstLockEnd = idleAt
        firstLock = cell
        this.#scratch[FIRST_LOCK] = this.#scratch[OTHER] as bigint
      } else if (idleAt < chosenIdleAt) {
        chosenIdleAt = idleAt
        chosen = this.#takeOther(cell)
      }
    }
    if (chosenIdleAt <= nowTicks || locks <= LOCKS_KEPT) return chosen
    this.#scratch[OTHER] = this.#scratch[FIRST_LOCK] as bigint
    return this.#takeOther(firstLock)
  }

  /** When OTHER counts for nothing any longer; infinity for a claim that may yet be settled. */
  #idleAt(nowTicks: number): number {
    const high = this.#highOf(OTHER)
    const kind = kindOf(high)
    if (kind === FREE) return BEFORE_ALL_TICKS
    const ticks = ticksOf(this.#scratchHalves[2 * OTHER] as number, high)
    if (kind !== CLAIMED) return ticks
    const endTicks = ticks + ABANDONED_TICKS
    return endTicks > nowTicks ? Number.POSITIVE_INFINITY : endTicks
  }

  /** Whether a cell, whose state is then OTHER, is of this key. Sequentially consistent. */
  #belongs(name: number, hash: Hash): boolean {
    const scratch = this.#scratch
    scratch[NAME] = Atomics.load(this.#words, name)
    if (!this.#isNamed(hash)) return false
    scratch[OTHER] = Atomics.load(this.#words, name + STATE_OFFSET)
    if (this.#generationOf(OTHER) !== this.#generationOf(NAME)) return false
    return kindOf(this.#highOf(OTHER)) !== FREE
  }

  /** Whether NAME is that of the key, in some generation. */
  #isNamed(hash: Hash): boolean {
    if (this.#scratchHalves[2 * NAME] !== hash.low) return false
    return (this.#highOf(NAME) & ~GENERATION_MASK) === nameHigh(hash.high)
  }

  /** Makes OTHER, which is the state of `cell`, the one found last. */
  #takeOther(cell: number): number {
    this.#scratch[FOUND] = this.#scratch[OTHER] as bigint
    this.#decode()
    return cell
  }

  #copy(word: number, into: number): void {
    this.#scratch[into] = this.#words[word] as bigint
  }

  #highOf(word: number): number {
    return this.#scratchHalves[2 * word + 1] as number
  }

  #generationOf(word: number): number {
    return this.#highOf(word) & GENERATION_MASK
  }

  #decode(): void {
    const high = this.#highOf(FOUND)
    this.kind = kindOf(high)
    this.ticks = ticksOf(this.#scratchHalves[2 * FOUND] as number, high)
  }

  #writeNext(kind: number, ticks: number, generation: number): void {
    this.#scratchHalves[2 * NEXT] = ticks
    this.#scratchHalves[2 * NEXT + 1] = stateHigh(ticks, kind, generation)
  }

  /** Puts NEXT into the cell if it still holds what the scratch word `expected` says. */
  #swap(cell: number, expected: number): boolean {
    const before = this.#scratch[expected] as bigint
    const next = this.#scratch[NEXT] as bigint
    return Atomics.compareExchange(this.#words, cell, before, next) === before
  }
}
