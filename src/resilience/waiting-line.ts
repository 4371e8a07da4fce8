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

/** Places that were left are cut off when there are so many, and no fewer than are in use. */
const LEFT_PLACES_MIN = 256

export class WaitingLine<Waiter> {
  /** Those who wait. */
  size = 0
  #places: (Waiter | null)[] = []
  /** The first of them that may be occupied. */
  #first = 0
  /** What was cut off in front of them so far. */
  #cutCount = 0

  /** Places that are kept, left ones included. */
  get placeCount(): number {
    return this.#places.length
  }

  join(waiter: Waiter): WaitingPlace {
    this.size += 1
    return this.#cutCount + this.#places.push(waiter) - 1
  }

  /** @param place Of somebody who waits. */
  leave(place: WaitingPlace): void {
    const index = place - this.#cutCount
    if (index < this.#first || (this.#places[index] ?? null) === null) return
    this.#places[index] = null
    this.size -= 1
    if (this.size === 0) this.#cut(this.#places.length)
  }

  /** Who has waited longest; `null` when the line is empty. */
  get oldest(): Waiter | null {
    if (this.size === 0) return null
    let waiter = this.#places[this.#first] ?? null
    while (waiter === null) {
      this.#first += 1
      waiter = this.#places[this.#first] ?? null
    }
    return waiter
  }

  /** Lets the one who has waited longest leave; `null` when the line is empty. */
  next(): Waiter | null {
    const waiter = this.oldest
    if (waiter === null) return null
    this.#places[this.#first] = null
    this.#first += 1
    this.size -= 1
    const areMostLeft = this.#first * 2 >= this.#places.length
    if (areMostLeft && this.#first >= LEFT_PLACES_MIN) this.#cut(this.#first)
    return waiter
  }

  #cut(count: number): void {
    this.#places.splice(0, count)
    this.#cutCount += count
    this.#first = 0
  }
}
