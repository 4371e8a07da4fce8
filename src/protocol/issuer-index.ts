/**
 * Finds what belongs to an `iss` among many issuers, in a time that does not grow with them.
 *
 * Issuers that are written out are in one map. Templates are in maps by the text around their
 * placeholder, one map for each pair of lengths of that text: `https://idp1.example.com/{t}` to
 * `https://idp9.example.com/{t}` are one pair, however many they are. What is written out wins over
 * a template that it is one of.
 */
import type { IssuerTemplate } from './issuer-template.ts'

export interface IndexedIssuer {
  /** As it is configured. */
  readonly issuer: string
  /** `null`: the issuer is exactly that text. */
  readonly template: IssuerTemplate | null
}

/** Templates whose prefixes are of one length, and their suffixes as well. */
interface Shape<Entry> {
  readonly prefixLength: number
  readonly suffixLength: number
  /** By prefix and suffix; several where they have different values listed. */
  readonly entries: Map<string, Entry[]>
}

export class IssuerIndex<Entry extends IndexedIssuer> {
  readonly #exact = new Map<string, Entry>()
  readonly #shapes: Shape<Entry>[] = []

  /**
   * @throws Error when two are written alike without a placeholder: a mistake of configuration,
   *   which checking it finds earlier and words better, as it does with templates that overlap.
   */
  constructor(entries: readonly Entry[]) {
    for (const entry of entries) {
      if (entry.template !== null) this.#addTemplate(entry, entry.template)
      else if (this.#exact.has(entry.issuer)) throw new Error('another issuer has the same "iss"')
      else this.#exact.set(entry.issuer, entry)
    }
  }

  /** @param issuer Any text, of any token. */
  find(issuer: string): Entry | undefined {
    const exact = this.#exact.get(issuer)
    if (exact !== undefined || this.#shapes.length === 0) return exact
    for (const { prefixLength, suffixLength, entries } of this.#shapes) {
      const suffixAt = issuer.length - suffixLength
      if (suffixAt <= prefixLength) continue
      const key = keyOf(issuer.slice(0, prefixLength), issuer.slice(suffixAt))
      const found = entries.get(key)?.find(({ template }) => accepts(template, issuer))
      if (found !== undefined) return found
    }
    return undefined
  }

  #addTemplate(entry: Entry, { prefix, suffix }: IssuerTemplate): void {
    const isOfShape = ({ prefixLength, suffixLength }: Shape<Entry>) =>
      prefixLength === prefix.length && suffixLength === suffix.length
    let shape = this.#shapes.find(isOfShape)
    if (shape === undefined) {
      shape = {
        prefixLength: prefix.length,
        suffixLength: suffix.length,
        entries: new Map<string, Entry[]>(),
      }
      this.#shapes.push(shape)
    }
    const key = keyOf(prefix, suffix)
    shape.entries.set(key, [...(shape.entries.get(key) ?? []), entry])
  }
}

function accepts(template: IssuerTemplate | null, issuer: string): boolean {
  return template !== null && template.valueIn(issuer) !== null
}

/** The two lengths are those of the shape, so that no other pair makes the same text. */
function keyOf(prefix: string, suffix: string): string {
  return prefix + suffix
}
