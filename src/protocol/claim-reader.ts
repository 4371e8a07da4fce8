/**
 * Reads the parts of an identity from claims, each from the places where its issuer has it.
 *
 * `null`, an empty text and an empty list are absent. What is of the wrong type refuses the token
 * where the configuration uses the part, because dropping it silently could turn "has no rights"
 * into "has no limits"; elsewhere it is absent, too.
 */
import { readClaimPath } from './claim-path.ts'
import type { ClaimPlace, ClaimSource } from './claim-source.ts'
import type { PartReader } from './identity-parts.ts'
import {
  isAbsent,
  isText,
  optionalText,
  optionalTextOrInteger,
  optionalTextOrTexts,
} from './json-members.ts'
import type { RefusalReason } from './refusal-reason.ts'
import { parseScope } from './scope.ts'
import type { JsonObject } from './strict-json.ts'

/** What was found at one place: nothing when it is absent, `undefined` when it is mistyped. */
type Found<Value> = Value | undefined

const NONE: readonly string[] = Object.freeze([])

/** Claims that are text by their standards (RFC 7519 §4.1): a number there is no decimal text. */
const TEXT_BY_STANDARD: readonly string[] = ['sub', 'jti', 'sid']

export class ClaimReader implements PartReader<ClaimSource> {
  /** The first part that is mistyped, and used. */
  mistyped: RefusalReason | null = null
  readonly #claims: JsonObject

  constructor(claims: JsonObject) {
    this.#claims = claims
  }

  get isMistyped(): boolean {
    return this.mistyped !== null
  }

  /** The first of the places at which there is something. */
  text(source: ClaimSource | null): string | null {
    if (source === null) return null
    for (const { path } of source.places) {
      const text = textAt(this.#claims, path, source.unwrapsOne)
      if (text === undefined) this.#refuse(source)
      else if (text !== null) return text
    }
    return null
  }

  /** What all places have together, each item once. */
  texts(source: ClaimSource | null): readonly string[] {
    return this.#union(source, textsOf)
  }

  scopes(source: ClaimSource | null): readonly string[] {
    return this.#union(source, scopesOf)
  }

  #union(
    source: ClaimSource | null,
    listOf: (value: unknown) => Found<readonly string[]>,
  ): readonly string[] {
    if (source === null) return NONE
    let union = NONE
    for (const place of source.places) {
      const list = listOf(valueAt(this.#claims, place))
      if (list === undefined) this.#refuse(source)
      else if (union.length === 0) union = list
      else if (list.length > 0) union = [...new Set([...union, ...list])]
    }
    return union
  }

  #refuse({ isUsed, mistyped }: ClaimSource): void {
    if (isUsed) this.mistyped ??= mistyped
  }
}

/** What a place of a text has. An integer counts as its decimal text, up to 2^53. */
function textAt(
  claims: JsonObject,
  path: ClaimPlace['path'],
  unwrapsOne: boolean,
): Found<string | null> {
  const value = readClaimPath(claims, path)
  if (Array.isArray(value)) {
    if (value.length === 0) return null
    return unwrapsOne && value.length === 1 && isText(value[0]) ? value[0] : undefined
  }
  return TEXT_BY_STANDARD.includes(path.text) ? optionalText(value) : optionalTextOrInteger(value)
}

/** What a place of a list has, whose items are then checked. */
function valueAt(claims: JsonObject, { path, readsNames }: ClaimPlace): unknown {
  const value = readClaimPath(claims, path)
  return readsNames ? namesOf(value) : value
}

/**
 * The names of the members of an object. A member that is false or null is not there: issuers
 * write `{"admin": false}`, and mean it.
 */
function namesOf(value: unknown): unknown {
  if (isAbsent(value)) return null
  if (typeof value !== 'object' || Array.isArray(value)) return false
  return Object.entries(value)
    .filter(([, member]) => member !== null && member !== false)
    .map(([name]) => name)
}

/** A list of text, or one text with spaces between. */
function textsOf(value: unknown): Found<readonly string[]> {
  if (typeof value !== 'string') return optionalTextOrTexts(value)
  return value.includes(' ') ? value.split(' ').filter((item) => item !== '') : oneOf(value)
}

function oneOf(text: string): readonly string[] {
  return text === '' ? NONE : [text]
}

function scopesOf(value: unknown): Found<readonly string[]> {
  return isAbsent(value) ? NONE : (parseScope(value) ?? undefined)
}
