/** Users as a configuration, a login service or a store describes them, and as identities. */
import {
  byPart,
  byRecordMember,
  type IdentityPart,
  type IdentityParts,
  type PartNames,
  type PartReader,
  type PartValue,
  readIdentity,
  type StoredParts,
} from './identity-parts.ts'
import { optionalTextOrInteger, optionalTextOrTexts } from './json-members.ts'
import type { KeptPath } from './kept-claims.ts'
import type { JsonObject } from './strict-json.ts'
import { EMPTY_IDENTITY, type Identity } from './verification.ts'

export interface StoredUser extends StoredParts {
  readonly userId: string
}

/** Where a record has one part of the identity. */
export interface RecordPlace {
  /** Name of the member, or a JSON pointer. */
  readonly at: string
  /**
   * Whether anything of the configuration needs the part. A value of the wrong type then makes the
   * record unreadable; otherwise it counts as absent, as in tokens.
   */
  readonly isUsed: boolean
}

/** What a configuration uses of the records of one kind of credential. */
export interface RecordUse {
  readonly parts: PartNames<boolean>
  /** What is kept of their claims. */
  readonly keptPaths: readonly KeptPath[]
}

/** For who checks a record for all that may use it, and needs no claims. */
export const EVERY_PART_USED: RecordUse = Object.freeze({
  parts: byPart(() => true),
  keptPaths: [],
})

/** For who looks after records that others use: what is of the wrong type is absent. */
export const NO_PART_USED: RecordUse = Object.freeze({ parts: byPart(() => false), keptPaths: [] })

/** @param names What each part is called; `null`: not read. */
export function recordPlaces(names: PartNames, { parts }: RecordUse): PartNames<RecordPlace> {
  return byPart(({ name }) => {
    const at = names[name]
    return at === null ? null : { at, isUsed: parts[name] === true }
  })
}

const NONE: readonly string[] = Object.freeze([])

/** Reads the parts of an identity from a stored record. A list may be one text: its only item. */
export class RecordReader implements PartReader<RecordPlace> {
  /** The name or pointer of the first part that is mistyped, and used. */
  mistyped: string | null = null
  readonly #valueAt: (name: string) => unknown

  /** @param valueAt What the record has at a name. */
  constructor(valueAt: (name: string) => unknown) {
    this.#valueAt = valueAt
  }

  get isMistyped(): boolean {
    return this.mistyped !== null
  }

  text(place: RecordPlace | null): string | null {
    if (place === null) return null
    const text = optionalTextOrInteger(this.#valueAt(place.at))
    if (text === undefined) this.#refuse(place)
    return text ?? null
  }

  texts(place: RecordPlace | null): readonly string[] {
    if (place === null) return NONE
    const texts = optionalTextOrTexts(this.#valueAt(place.at))
    if (texts === undefined) this.#refuse(place)
    return texts ?? NONE
  }

  scopes(place: RecordPlace | null): readonly string[] {
    return this.texts(place)
  }

  #refuse({ at, isUsed }: RecordPlace): void {
    if (isUsed) this.mistyped ??= at
  }
}

/** What each part is called in records. */
const RECORD_MEMBERS = byPart(({ record }) => record)

/**
 * @returns What a record says of the user who is `userId`; the name of the member of a part that is
 *   used and mistyped.
 */
export function readStoredUser(
  userId: string,
  members: JsonObject,
  use: RecordUse = EVERY_PART_USED,
): StoredUser | string {
  const core = { ...EMPTY_IDENTITY, subject: userId }
  const reader = new RecordReader((name) => members[name])
  const identity = readIdentity(core, recordPlaces(RECORD_MEMBERS, use), reader)
  return identity === null ? (reader.mistyped ?? 'userId') : storedUserOf(identity)
}

/** The identity as records have it. */
export function storedUserOf(identity: Identity): StoredUser {
  const valueFor = ({ name }: IdentityPart) => identity[name]
  const parts = byRecordMember(valueFor, valueFor) as unknown as StoredParts
  return { userId: identity.subject, ...parts }
}

/** The parts of a stored user as an identity has them. */
export function identityPartsOf(user: StoredUser): IdentityParts {
  const members = user as unknown as Readonly<Record<string, PartValue>>
  return byPart(({ record }) => members[record]) as IdentityParts
}
