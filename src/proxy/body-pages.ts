/**
 * Hot path: the memory of small request bodies that came in one piece, several in one allocation.
 *
 *     │ body │ body │ body │  free  │   one page a thread is being filled: not counted
 *     │ body │ gone │ body │ body │     full: counted whole until the last of them is gone
 *
 * Memory of its own for each of 1 KiB would cost more than twice as much
 * (native-bench/body-pages.ts). No part of a page is used twice: the HTTP client refers to a body
 * until its answer is over, though it counts no more once the answer has begun. So an answer that
 * goes on for long may keep a page that no longer counts. The collector takes it afterwards.
 */
import { bodyMemory } from './body-memory.ts'

/** Small, because one body that stays keeps all of it. */
const PAGE_BYTES = 8_192
/** A larger one would leave too much of a page unused. */
export const PAGED_BODY_BYTES_MAX = PAGE_BYTES / 4

export class BodyPage {
  readonly #memory: Uint8Array = Buffer.allocUnsafeSlow(PAGE_BYTES)
  #filledBytes = 0
  /** Bodies in it that are not gone yet. */
  #bodies = 0
  #isFull = false

  hasRoomFor(bytes: number): boolean {
    return this.#filledBytes + bytes <= PAGE_BYTES
  }

  /** It takes no more bodies, and counts as long as it has one. To be called once. */
  close(): void {
    this.#isFull = true
    if (this.#bodies > 0) bodyMemory.hold(PAGE_BYTES)
  }

  /** A copy of what is only borrowed, for which there is room. */
  add(borrowed: Uint8Array): Uint8Array {
    const start = this.#filledBytes
    this.#memory.set(borrowed, start)
    this.#filledBytes = start + borrowed.length
    this.#bodies += 1
    return this.#memory.subarray(start, this.#filledBytes)
  }

  /** One of its bodies is gone. To be called once for each. */
  remove(): void {
    this.#bodies -= 1
    if (this.#isFull && this.#bodies === 0) bodyMemory.release(PAGE_BYTES)
  }
}

let filling = new BodyPage()

/** The page that has room for so many bytes, at most {@link PAGED_BODY_BYTES_MAX}. */
export function pageFor(bytes: number): BodyPage {
  if (filling.hasRoomFor(bytes)) return filling
  filling.close()
  filling = new BodyPage()
  return filling
}
