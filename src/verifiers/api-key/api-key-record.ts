/** What is stored about an API key, in the configuration or in Redis. */
import { parseAddressList } from '../../http/address-lists.ts'
import { optionalInstant } from '../../protocol/instant.ts'
import { isText } from '../../protocol/json-members.ts'
import { areKept, type KeptPath, keepStoredClaims } from '../../protocol/kept-claims.ts'
import { nearlyNamed } from '../../protocol/member-name.ts'
import { isReadableVersion } from '../../protocol/record-version.ts'
import {
  EVERY_PART_USED,
  identityPartsOf,
  type RecordUse,
  readStoredUser,
  type StoredUser,
} from '../../protocol/stored-user.ts'
import { parseJsonText } from '../../protocol/strict-json.ts'
import {
  EMPTY_IDENTITY,
  type Identity,
  type Refused,
  refuse,
  refuseNaming,
} from '../../protocol/verification.ts'
import type { CredentialTerms } from '../../resilience/credential-terms.ts'
import { parseOwnRate } from '../../resilience/own-rate.ts'

export interface ApiKeyRecord extends StoredUser, CredentialTerms {
  /** NumericDate; `null`: never. */
  readonly expiresAtSeconds: number | null
  /** What the record says of its user beside the parts of an identity. */
  readonly claims: unknown
}

/** Larger records are not read: no user has that many roles. */
const RECORD_LENGTH_MAX = 65_536

/** A misspelled one would let the key be used from everywhere, or without end. */
const TERMS: ReadonlySet<string> = new Set(['allowFrom', 'denyFrom', 'rateLimit'])

/**
 * Reads a record of Redis: a JSON object with `userId`, and of the parts of an identity (see
 * identity-parts.ts), `expiresAt` (an instant), `claims` (an object), `allowFrom` and `denyFrom`
 * (lists of addresses and CIDR ranges) and `rateLimit` (own-rate.ts) what there is. Other members
 * are of a later version, and are ignored unless its `version` forbids that, or their names are
 * almost those of the terms.
 *
 * Parts and claims that the configuration does not use may be of any type.
 *
 * @returns `api_key_unreadable` when it is anything else, naming the member where it is one.
 */
export function parseApiKeyRecord(
  text: string,
  use: RecordUse = EVERY_PART_USED,
): ApiKeyRecord | Refused {
  const members = text.length > RECORD_LENGTH_MAX ? null : parseJsonText(text)
  if (members === null) return refuse('api_key_unreadable')
  if (!isReadableVersion(members['version'])) return unreadable('version')
  for (const name of Object.keys(members)) {
    const term = nearlyNamed(name, TERMS)
    if (term !== null) return unreadable(term)
  }
  const userId = members['userId']
  if (!isText(userId)) return unreadable('userId')
  const user = readStoredUser(userId, members, use)
  if (typeof user === 'string') return unreadable(user)
  const expiresAtSeconds = optionalInstant(members['expiresAt'])
  if (expiresAtSeconds === undefined) return unreadable('expiresAt')
  const allowFrom = parseAddressList(members['allowFrom'])
  if (allowFrom === null) return unreadable('allowFrom')
  const denyFrom = parseAddressList(members['denyFrom'])
  if (denyFrom === null) return unreadable('denyFrom')
  const rate = parseOwnRate(members['rateLimit'])
  if (rate === undefined) return unreadable('rateLimit')
  return { ...user, expiresAtSeconds, claims: members['claims'], allowFrom, denyFrom, rate }
}

/** @param member A name of ours, and nothing that the record says. */
function unreadable(member: string): Refused {
  return refuseNaming('api_key_unreadable', member)
}

/** @returns `api_key_unreadable`, which names it, when a claim is to be told and cannot be. */
export function identityOfApiKey(
  record: ApiKeyRecord,
  keptPaths: readonly KeptPath[] = [],
): Identity | Refused {
  const claims = keepStoredClaims(record.claims, keptPaths)
  if (claims === null) return unreadable('claims')
  if (!areKept(claims)) return unreadable(claims.path.text)
  return {
    ...EMPTY_IDENTITY,
    ...identityPartsOf(record),
    subject: record.userId,
    expiresAtSeconds: record.expiresAtSeconds,
    claims,
  }
}
