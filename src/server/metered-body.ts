/** How much of the memory for all bodies (proxy/body-memory.ts) one body holds. */
import { bodyMemory } from '../proxy/body-memory.ts'
import { type BodyPage, PAGED_BODY_BYTES_MAX, pageFor } from '../proxy/body-pages.ts'

export abstract class MeteredBody {
  #memoryBytes = 0
  /** Of those, to be looked into. */
  #peekedBytes = 0
  /** Where all of it is, and what counts it then; `null`: it has memory of its own. */
  #page: BodyPage | null = null

  /** So much of it has gone on, or was dropped. What is in a page goes as a whole. */
  taken(memoryBytes: number): void {
    if (this.#page !== null) {
      this.#leavePage()
      return
    }
    const bytes = Math.min(memoryBytes, this.#memoryBytes)
    this.#memoryBytes -= bytes
    bodyMemory.release(bytes)
  }

  protected hold(memoryBytes: number): void {
    this.#memoryBytes += memoryBytes
    bodyMemory.hold(memoryBytes)
  }

  protected holdForPeek(bytes: number): void {
    this.hold(bytes)
    this.#peekedBytes += bytes
    bodyMemory.peekedBytes += bytes
  }

  /** What was looked into is held like any other part from now on. */
  protected endHoldForPeek(): void {
    bodyMemory.peekedBytes -= this.#peekedBytes
    this.#peekedBytes = 0
  }

  /**
   * A copy of what is only borrowed.
   *
   * @param isWhole Whether it is the whole body: nothing else of it is ever held.
   */
  protected holdCopy(borrowed: ArrayBuffer, isWhole: boolean): Uint8Array {
    const bytes = borrowed.byteLength
    if (isWhole && bytes <= PAGED_BODY_BYTES_MAX) {
      this.#page = pageFor(bytes)
      return this.#page.add(new Uint8Array(borrowed))
    }
    this.hold(bytes)
    return new Uint8Array(borrowed.slice(0))
  }

  protected giveAllBack(): void {
    this.#leavePage()
    if (this.#memoryBytes > 0) this.taken(this.#memoryBytes)
  }

  #leavePage(): void {
    this.#page?.remove()
    this.#page = null
  }
}
