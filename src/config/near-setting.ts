/** Which setting a misspelled one was meant to be: one proposal at most, or none. */
import { configurationJsonSchema } from './schema.ts'

/** As much of JSON Schema as is walked. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly allOf?: readonly Node[]
}

/** Longer names are no settings, and comparing takes the square of a length. */
const LENGTH_MAX = 64
/** Shorter names are too much alike for a guess. */
const LENGTH_MIN = 3
/** From this length on two edits are forgiven, below it one. */
const LENGTH_OF_TWO_EDITS = 6

/** Made when the first setting is unknown: most files have none. */
let root: Node | null = null

/**
 * The setting at this place whose name is next to the unknown one. Case, `-` and `_` make no
 * difference; otherwise one character more, less or another, or two neighbours that have changed
 * places, is one edit.
 *
 * @param path Of the section that holds the unknown setting.
 * @returns `null` when none is near enough. Of several the first of the manual.
 */
export function nearSetting(path: readonly (string | number)[], key: string): string | null {
  const name = folded(key)
  if (name.length < LENGTH_MIN || key.length > LENGTH_MAX) return null
  root ??= configurationJsonSchema()
  const known = namesAt([root], path)
  const editsMax = name.length < LENGTH_OF_TWO_EDITS ? 1 : 2
  let nearest: string | null = null
  let fewest = editsMax + 1
  for (const candidate of known) {
    const other = folded(candidate)
    // Each edit changes a length by one at most: most are told apart without a comparison.
    const isFar = Math.abs(other.length - name.length) >= fewest
    const edits = isFar ? fewest : editsBetween(name, other)
    if (edits >= fewest) continue
    nearest = candidate
    fewest = edits
  }
  return nearest
}

function folded(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '')
}

/** Names of the settings at a path, whatever alternative of the schema has them. */
function namesAt(nodes: readonly Node[], path: readonly (string | number)[]): ReadonlySet<string> {
  const alternatives = nodes.flatMap(alternativesOf)
  const [step, ...rest] = path
  if (step === undefined) {
    return new Set(alternatives.flatMap(({ properties }) => Object.keys(properties ?? {})))
  }
  return namesAt(
    alternatives.flatMap((node) => below(node, step)),
    rest,
  )
}

function alternativesOf(node: Node): readonly Node[] {
  const others = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]
  return [node, ...others.flatMap(alternativesOf)]
}

function below(
  { properties, additionalProperties, items }: Node,
  step: string | number,
): readonly Node[] {
  if (typeof step === 'number') return items === undefined ? [] : [items]
  if (properties !== undefined && Object.hasOwn(properties, step)) return [properties[step] ?? {}]
  return typeof additionalProperties === 'object' ? [additionalProperties] : []
}

/** Optimal string alignment: the least number of edits that make the one of the other. */
function editsBetween(text: string, other: string): number {
  let beforeLast: readonly number[] = []
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= text.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = text[row - 1] === other[column - 1]
      const isSwapped = text[row - 1] === other[column - 2] && text[row - 2] === other[column - 1]
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = current
  }
  return at(last, other.length)
}

/** What is outside of the table is further away than anything. */
function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
