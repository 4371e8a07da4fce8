/** What is stored about an API key, in the configuration or in Redis. */
import { optionalInstant } from '../../protocol/instant.ts'
import { isText } from '../../protocol/json-members.ts'
import { isReadableVersion } from '../../protocol/record-version.ts'
import { identityPartsOf, readStoredUser, type StoredUser } from '../../protocol/stored-user.ts'
import { parseJsonText } from '../../protocol/strict-json.ts'
import { EMPTY_IDENTITY, type Identity } from '../../protocol/verification.ts'

export interface ApiKeyRecord extends StoredUser {
  /** NumericDate; `null`: never. */
  readonly expiresAtSeconds: number | null
}

/** Larger records are not read: no user has that many roles. */
const RECORD_LENGTH_MAX = 65_536

/**
 * Reads a record of Redis: a JSON object with `userId`, and of the parts of an identity (see
 * identity-parts.ts) and `expiresAt` (an instant) what there is. Other members are of a later
 * version, and are ignored unless its `version` forbids that.
 *
 * @returns `null` when it is anything else.
 */
export function parseApiKeyRecord(text: string): ApiKeyRecord | null {
  const members = text.length > RECORD_LENGTH_MAX ? null : parseJsonText(text)
  if (members === null || !isReadableVersion(members['version'])) return null
  const userId = members['userId']
  const user = isText(userId) ? readStoredUser(userId, members) : null
  const expiresAtSeconds = optionalInstant(members['expiresAt'])
  return user === null || expiresAtSeconds === undefined ? null : { ...user, expiresAtSeconds }
}

export function identityOfApiKey(record: ApiKeyRecord): Identity {
  return {
    ...EMPTY_IDENTITY,
    ...identityPartsOf(record),
    subject: record.userId,
    expiresAtSeconds: record.expiresAtSeconds,
  }
}
