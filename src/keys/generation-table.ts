/** What a key store needs of the shared table of key generations, which every thread reads. */

export interface KeyGeneration {
  /** Place in the table. */
  readonly slot: number
  /** What the place holds as long as the key is good. */
  readonly generation: number
}

export interface GenerationTable {
  /**
   * Gives a new key its place, live at once.
   *
   * @returns `null` when every place is taken.
   */
  allocate(): KeyGeneration | null
  /**
   * Withdraws the key at this place in every thread: when this returns, no decision that it
   * verified passes any more. The place may be given to another key, under another generation.
   */
  kill(slot: number): void
  /**
   * As {@link kill}, but the place stays taken.
   *
   * @returns The same place under its next generation.
   */
  renew(slot: number): KeyGeneration
}
