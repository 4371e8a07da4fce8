/** Users as a configuration, a login service or a store describes them, and as identities. */
import {
  byPart,
  byRecordMember,
  type IdentityPart,
  type IdentityParts,
  type PartReader,
  type PartValue,
  readIdentity,
  type StoredParts,
} from './identity-parts.ts'
import { optionalTextOrInteger, optionalTextOrTexts } from './json-members.ts'
import type { JsonObject } from './strict-json.ts'
import { EMPTY_IDENTITY, type Identity } from './verification.ts'

export interface StoredUser extends StoredParts {
  readonly userId: string
}

const NONE: readonly string[] = Object.freeze([])

/** Reads the parts of an identity from a stored record. A list may be one text: its only item. */
export class RecordReader implements PartReader {
  isMistyped = false
  readonly #valueAt: (name: string) => unknown

  /** @param valueAt What the record has at a name. */
  constructor(valueAt: (name: string) => unknown) {
    this.#valueAt = valueAt
  }

  text(name: string | null): string | null {
    const text = optionalTextOrInteger(name === null ? null : this.#valueAt(name))
    this.isMistyped ||= text === undefined
    return text ?? null
  }

  texts(name: string | null): readonly string[] {
    const texts = optionalTextOrTexts(name === null ? null : this.#valueAt(name))
    this.isMistyped ||= texts === undefined
    return texts ?? NONE
  }

  scopes(name: string | null): readonly string[] {
    return this.texts(name)
  }
}

/** What each part is called in records. */
const RECORD_MEMBERS = byPart(({ record }) => record)

/** @returns What a record says of the user who is `userId`; `null` when a part is mistyped. */
export function readStoredUser(userId: string, members: JsonObject): StoredUser | null {
  const core = { ...EMPTY_IDENTITY, subject: userId }
  const identity = readIdentity(core, RECORD_MEMBERS, new RecordReader((name) => members[name]))
  return identity === null ? null : storedUserOf(identity)
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
