/** A line of those who wait, compared with the plainest one: an array that is searched. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { WaitingLine, type WaitingPlace } from '../../src/resilience/waiting-line.ts'

const JOIN = 'join'
const NEXT = 'next'

/** A number: who of all that ever joined leaves. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant(JOIN) },
  { weight: 3, arbitrary: fc.constant(NEXT) },
  { weight: 2, arbitrary: fc.nat(2_000) },
)

class ComparedLine {
  readonly #line = new WaitingLine<number>()
  readonly #places: WaitingPlace[] = []
  #waiting: number[] = []

  take(taken: string | number): void {
    if (taken === JOIN) this.#join()
    else if (taken === NEXT) assert.equal(this.#line.next(), this.#waiting.shift() ?? null)
    else if (this.#places.length > 0) this.#leave(Number(taken) % this.#places.length)
    assert.equal(this.#line.size, this.#waiting.length)
    assert.equal(this.#line.oldest, this.#waiting[0] ?? null)
  }

  #join(): void {
    const waiter = this.#places.length
    this.#waiting.push(waiter)
    this.#places.push(this.#line.join(waiter))
  }

  /** Who has left already, or was served, leaves once more without any effect. */
  #leave(waiter: number): void {
    this.#line.leave(this.#places[waiter] as WaitingPlace)
    this.#waiting = this.#waiting.filter((other) => other !== waiter)
  }
}

describe('a waiting line', () => {
  it('serves in order of arrival those who have not left', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3_000, size: 'max' }), (steps) => {
        const compared = new ComparedLine()
        for (const taken of steps) compared.take(taken)
      }),
      { numRuns: 200 },
    )
  })

  it('keeps few places of those who left unserved, while others wait', () => {
    const line = new WaitingLine<number>()
    let before = line.join(0)
    for (let waiter = 1; waiter < 100_000; waiter += 1) {
      const place = line.join(waiter)
      line.leave(before)
      before = place
    }
    assert.equal(line.oldest, 99_999)
    assert.ok(line.placeCount < 1_000, `${line.placeCount} places for one who waits`)
  })

  it('keeps few places of those who were served', () => {
    const line = new WaitingLine<number>()
    for (let waiter = 0; waiter < 100_000; waiter += 1) {
      line.join(waiter)
      if (waiter >= 10) assert.equal(line.next(), waiter - 10)
    }
    assert.equal(line.size, 10)
    assert.ok(line.placeCount < 1_000, `${line.placeCount} places for 10 who wait`)
  })
})
