/**
 * What the records of a store came to, for as long as the store answers with the very same text.
 *
 * Hot path of everything that is asked for with each request: a record that has not changed is
 * neither parsed nor rendered again.
 */

/** Records that one thread remembers of one kind; then the one that was read first goes. */
const KNOWN_MAX = 4_096
/** Longer records are read each time: remembering them would take memory that users choose. */
const KNOWN_LENGTH_MAX = 4_096

interface KnownRecord<Value> {
  readonly text: string
  readonly value: Value
}

export class KnownRecords<Value> {
  readonly #known = new Map<string, KnownRecord<Value>>()

  /** The value that was kept for this key; `null` when there is none, or another text then. */
  recall(key: string, text: string): Value | null {
    const known = this.#known.get(key)
    return known !== undefined && known.text === text ? known.value : null
  }

  /** In place of what was kept for this key, if anything was. */
  keep(key: string, text: string, value: Value): void {
    this.#known.delete(key)
    if (text.length > KNOWN_LENGTH_MAX) return
    this.#known.set(key, { text, value })
    if (this.#known.size > KNOWN_MAX) this.#forgetFirst()
  }

  #forgetFirst(): void {
    for (const key of this.#known.keys()) {
      this.#known.delete(key)
      return
    }
  }
}
