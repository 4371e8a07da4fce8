/** What is stored about an API key, in the configuration or in Redis. */
import { type AddressLists, parseAddressList } from '../../http/address-lists.ts'
import { optionalInstant } from '../../protocol/instant.ts'
import { isText } from '../../protocol/json-members.ts'
import { isNearlyOneOf } from '../../protocol/member-name.ts'
import { isReadableVersion } from '../../protocol/record-version.ts'
import { identityPartsOf, readStoredUser, type StoredUser } from '../../protocol/stored-user.ts'
import { parseJsonText } from '../../protocol/strict-json.ts'
import { EMPTY_IDENTITY, type Identity } from '../../protocol/verification.ts'

export interface ApiKeyRecord extends StoredUser, AddressLists {
  /** NumericDate; `null`: never. */
  readonly expiresAtSeconds: number | null
}

/** Larger records are not read: no user has that many roles. */
const RECORD_LENGTH_MAX = 65_536

/** A misspelled one would let the key be used from everywhere. */
const ADDRESS_MEMBERS: ReadonlySet<string> = new Set(['allowFrom', 'denyFrom'])

/**
 * Reads a record of Redis: a JSON object with `userId`, and of the parts of an identity (see
 * identity-parts.ts), `expiresAt` (an instant) and `allowFrom` and `denyFrom` (lists of addresses
 * and CIDR ranges) what there is. Other members are of a later version, and are ignored unless its
 * `version` forbids that, or their names are almost those of the lists.
 *
 * @returns `null` when it is anything else.
 */
export function parseApiKeyRecord(text: string): ApiKeyRecord | null {
  const members = text.length > RECORD_LENGTH_MAX ? null : parseJsonText(text)
  if (members === null || !isReadableVersion(members['version'])) return null
  if (Object.keys(members).some((name) => isNearlyOneOf(name, ADDRESS_MEMBERS))) return null
  const userId = members['userId']
  const user = isText(userId) ? readStoredUser(userId, members) : null
  const expiresAtSeconds = optionalInstant(members['expiresAt'])
  const allowFrom = parseAddressList(members['allowFrom'] ?? undefined)
  const denyFrom = parseAddressList(members['denyFrom'] ?? undefined)
  if (user === null || expiresAtSeconds === undefined) return null
  if (allowFrom === null || denyFrom === null) return null
  return { ...user, expiresAtSeconds, allowFrom, denyFrom }
}

export function identityOfApiKey(record: ApiKeyRecord): Identity {
  return {
    ...EMPTY_IDENTITY,
    ...identityPartsOf(record),
    subject: record.userId,
    expiresAtSeconds: record.expiresAtSeconds,
  }
}
