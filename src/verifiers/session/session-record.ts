/** What is stored about a session, as an identity. */
import { type PartNames, readIdentity } from '../../protocol/identity-parts.ts'
import { optionalInstant } from '../../protocol/instant.ts'
import { optionalText, optionalTextOrInteger } from '../../protocol/json-members.ts'
import { isReadableVersion } from '../../protocol/record-version.ts'
import { RecordReader } from '../../protocol/stored-user.ts'
import { type JsonObject, parseJsonText } from '../../protocol/strict-json.ts'
import {
  ANONYMOUS,
  type Anonymous,
  EMPTY_IDENTITY,
  type Identity,
} from '../../protocol/verification.ts'

/** Where the parts of an identity are, as JSON pointers (RFC 6901). `null`: not read. */
export interface SessionPointers extends PartNames {
  /** Whether `version` is that of the gateway's format, and not something of an application. */
  readonly hasVersion: boolean
  /** Whether the user may be an integer, as applications have it that others wrote. */
  readonly hasNumberedUsers: boolean
  readonly userId: string
  readonly createdAt: string | null
  readonly expiresAt: string | null
}

export interface SessionRecord {
  readonly kind: 'record'
  readonly identity: Identity
  /** NumericDates; `null`: the record does not say. */
  readonly createdAtSeconds: number | null
  readonly expiresAtSeconds: number | null
}

const RECORD_LENGTH_MAX = 65_536

/**
 * Reads a record. The identity's session is `sessionId`; it has no issuer.
 *
 * @returns `null` when it is unreadable: not a JSON object, a name twice, a mistyped member, more
 *   than 64 Ki characters, a later version. Anonymous when it is readable and has no user.
 */
export function parseSessionRecord(
  text: string,
  pointers: SessionPointers,
  sessionId: string,
): SessionRecord | Anonymous | null {
  const members = text.length > RECORD_LENGTH_MAX ? null : parseJsonText(text)
  if (members === null) return null
  if (pointers.hasVersion && !isReadableVersion(members['version'])) return null
  const readUser = pointers.hasNumberedUsers ? optionalTextOrInteger : optionalText
  const subject = readUser(valueAt(members, pointers.userId))
  const createdAtSeconds = optionalInstant(valueAt(members, pointers.createdAt))
  const expiresAtSeconds = optionalInstant(valueAt(members, pointers.expiresAt))
  if (subject === undefined) return null
  if (createdAtSeconds === undefined || expiresAtSeconds === undefined) return null
  const core = {
    ...EMPTY_IDENTITY,
    subject: subject ?? '',
    sessionId,
    issuedAtSeconds: createdAtSeconds,
    expiresAtSeconds,
  }
  const reader = new RecordReader((pointer) => valueAt(members, pointer))
  const identity = readIdentity(core, pointers, reader)
  if (identity === null) return null
  if (subject === null) return ANONYMOUS
  return { kind: 'record', identity, createdAtSeconds, expiresAtSeconds }
}

/** @returns `null` when there is nothing there. Only what the object itself has is found. */
function valueAt(members: JsonObject, pointer: string | null): unknown {
  if (pointer === null) return null
  let value: unknown = members
  for (const step of pointer.slice(1).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null
    value = (value as Record<string, unknown>)[name]
  }
  return value ?? null
}
