/**
 * Hot path: a fixed set of header names that says "not one of mine" without hashing the name.
 *
 * Names that come from the socket are fresh strings, so that a `Set` would have to hash each of
 * them. Nearly all names are decided here by their length and first character alone.
 */

/** Longer names share the last row: the filter stays exact, only less quick for them. */
const LENGTH_ROWS = 64

export class HeaderNameFilter {
  /** In row `length`: bit `first character & 31` is set if such a name is in the set. */
  readonly #firstCharacters = new Int32Array(LENGTH_ROWS)
  readonly #names: ReadonlySet<string>

  /** @param names In lower case; names with other case never match. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names)
    for (const name of this.#names) {
      const row = rowOf(name)
      this.#firstCharacters[row] = (this.#firstCharacters[row] ?? 0) | firstCharacterBit(name)
    }
  }

  /** @param name In lower case. */
  has(name: string): boolean {
    if (((this.#firstCharacters[rowOf(name)] ?? 0) & firstCharacterBit(name)) === 0) return false
    return this.#names.has(name)
  }
}

function rowOf(name: string): number {
  return name.length < LENGTH_ROWS ? name.length : LENGTH_ROWS - 1
}

/** An empty name has no first character: `NaN & 31` is 0. */
function firstCharacterBit(name: string): number {
  return 1 << (name.charCodeAt(0) & 31)
}
