/**
 * Fields that a route sets, adds or removes, of requests and of answers: compiled once, so that a
 * route without edits does nothing more for a request than before.
 *
 * Does *not* check names and values: the configuration has made sure that they are tokens and
 * visible ASCII, and that no name is one of the gateway's own (config/…/route-headers.ts).
 */
import { withoutRelayed } from './response-headers.ts'

/** Names as they are written out, any case. */
export interface HeaderEdits {
  /** In place of whatever there is under these names. */
  readonly set: Readonly<Record<string, string>>
  /** Beside whatever there is under these names. */
  readonly add: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}

/** Names in lower case of fields that do not go on as they came. */
export function replacedNames({ set, remove }: HeaderEdits): readonly string[] {
  return [...Object.keys(set), ...remove].map((name) => name.toLowerCase())
}

/** Lines of the request head, each with CRLF before it; empty when there are none. */
export function editedLines({ set, add }: HeaderEdits): string {
  return [set, add]
    .flatMap((fields) => Object.entries(fields))
    .map(([name, value]) => `\r\n${name}: ${value}`)
    .join('')
}

/** Edits of the answers of an upstream. */
export class ResponseEdits {
  readonly #replaced: ReadonlySet<string>
  /** `[name, value, …]` */
  readonly #added: readonly string[]

  constructor(edits: HeaderEdits) {
    this.#replaced = new Set(replacedNames(edits))
    this.#added = [edits.set, edits.add].flatMap((fields) => Object.entries(fields).flat())
  }

  /**
   * A new list.
   *
   * @param headers `[name, value, …]`, of which the first are the gateway's own.
   * @param ownCount How many strings of it those are.
   */
  applied(headers: readonly string[], ownCount: number): string[] {
    return withoutRelayed(headers, ownCount, this.#replaced).concat(this.#added)
  }
}

/** @returns `null` when there is nothing to do. */
export function responseEditsOf(edits: HeaderEdits): ResponseEdits | null {
  const { set, add, remove } = edits
  const count = Object.keys(set).length + Object.keys(add).length + remove.length
  return count === 0 ? null : new ResponseEdits(edits)
}
