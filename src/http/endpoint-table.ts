/**
 * The endpoints that a listener answers by itself, one row each, found by the path of a request.
 */

export interface Endpoint {
  /** Canonical, and compared as it is. Several endpoints may have one path. */
  readonly path: string
  /** Whether everything below the path is the endpoint's as well: `/sessions/<id>`. */
  readonly hasMembers: boolean
}

const CODE_SLASH = 0x2f
/** Second characters of paths beyond this are looked up like any other. */
const CODES = 128

export class EndpointTable<Row extends Endpoint> {
  readonly #byPath = new Map<string, Row[]>()
  readonly #collections: readonly Row[]
  /** By the character behind the first slash: whether any endpoint begins so. */
  readonly #begins = new Uint8Array(CODES)

  constructor(rows: readonly Row[]) {
    for (const row of rows) {
      this.#byPath.set(row.path, [...(this.#byPath.get(row.path) ?? []), row])
      this.#begins[row.path.charCodeAt(1)] = 1
    }
    this.#collections = rows.filter(({ hasMembers }) => hasMembers)
  }

  /** Each path once, in the order of the rows. */
  get paths(): readonly string[] {
    return [...this.#byPath.keys()]
  }

  /** Hot path: the endpoints at this path; most paths are told apart by one character. */
  at(path: string): readonly Row[] {
    const code = path.charCodeAt(1)
    if (code < CODES && this.#begins[code] === 0) return NONE
    return this.#byPath.get(path) ?? this.#collectionsOver(path)
  }

  #collectionsOver(path: string): readonly Row[] {
    for (const collection of this.#collections) {
      if (isBelow(path, collection)) return this.#collections.filter((row) => isBelow(path, row))
    }
    return NONE
  }
}

function isBelow(path: string, { path: collection }: Endpoint): boolean {
  return path.charCodeAt(collection.length) === CODE_SLASH && path.startsWith(collection)
}

const NONE: readonly never[] = []
