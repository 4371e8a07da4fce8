/**
 * Hot path: who waits for something, first come, first served; anybody may leave the line.
 *
 * Not a `Set`. A set whose members come and go is copied into a new table again and again, and the
 * engine links the old table to the new one. Once one table has grown old, each that follows is
 * kept alive by the one before it, with everybody who ever waited in it and all of their requests,
 * until the whole heap is collected (docs/performance.md). Here a place is emptied when its
 * occupant leaves.
 */

/** Where somebody stands in a line: given on joining it, void on leaving it. */
export type WaitingPlace = number

/** Places in front are cut off when so many are empty, and no fewer than are behind them. */
const EMPTY_PLACES_MIN = 256

export class WaitingLine<Waiter> {
  /** Those who wait. */
  size = 0
  #places: (Waiter | null)[] = []
  /** Where the one stands who has waited longest; behind all places when the line is empty. */
  #first = 0
  /** What was cut off in front of them so far. */
  #cutCount = 0

  /** Places that are kept: those behind the one who has waited longest, and some before. */
  get placeCount(): number {
    return this.#places.length
  }

  join(waiter: Waiter): WaitingPlace {
    this.size += 1
    return this.#cutCount + this.#places.push(waiter) - 1
  }

  /** Does nothing for a place that was left. */
  leave(place: WaitingPlace): void {
    const index = place - this.#cutCount
    if (index < this.#first || (this.#places[index] ?? null) === null) return
    this.#empty(index)
  }

  /** Who has waited longest; `null` when the line is empty. */
  get oldest(): Waiter | null {
    return this.#places[this.#first] ?? null
  }

  /** Lets the one who has waited longest leave; `null` when the line is empty. */
  next(): Waiter | null {
    const waiter = this.oldest
    if (waiter !== null) this.#empty(this.#first)
    return waiter
  }

  #empty(index: number): void {
    this.#places[index] = null
    this.size -= 1
    const { length } = this.#places
    while (this.#first < length && this.#places[this.#first] === null) this.#first += 1
    if (this.#first < EMPTY_PLACES_MIN || this.#first * 2 < length) return
    this.#places.splice(0, this.#first)
    this.#cutCount += this.#first
    this.#first = 0
  }
}
