/** How much of the memory for all bodies (proxy/body-memory.ts) one body holds. */
import { bodyMemory } from '../proxy/body-memory.ts'

export abstract class MeteredBody {
  #memoryBytes = 0
  /** Of those, to be looked into. */
  #peekedBytes = 0

  /** So much of it has gone on, or was dropped. */
  taken(memoryBytes: number): void {
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

  protected giveAllBack(): void {
    if (this.#memoryBytes > 0) this.taken(this.#memoryBytes)
  }
}
