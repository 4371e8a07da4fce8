/** What is stored about an API key, in the configuration or in Redis. */
import { parseAddressList } from '../../http/address-lists.ts'
import { optionalInstant } from '../../protocol/instant.ts'
import { isAbsent, isText } from '../../protocol/json-members.ts'
import { type KeptPath, keepStoredClaims } from '../../protocol/kept-claims.ts'
import { isNearlyOneOf } from '../../protocol/member-name.ts'
import { isReadableVersion } from '../../protocol/record-version.ts'
import { identityPartsOf, readStoredUser, type StoredUser } from '../../protocol/stored-user.ts'
import { type JsonObject, parseJsonText } from '../../protocol/strict-json.ts'
import { EMPTY_IDENTITY, type Identity } from '../../protocol/verification.ts'
import type { CredentialTerms } from '../../resilience/credential-terms.ts'
import { parseOwnRate } from '../../resilience/own-rate.ts'

export interface ApiKeyRecord extends StoredUser, CredentialTerms {
  /** NumericDate; `null`: never. */
  readonly expiresAtSeconds: number | null
  /** What the record says of its user beside the parts of an identity. */
  readonly claims: JsonObject
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
 * @returns `null` when it is anything else.
 */
export function parseApiKeyRecord(text: string): ApiKeyRecord | null {
  const members = text.length > RECORD_LENGTH_MAX ? null : parseJsonText(text)
  if (members === null || !isReadableVersion(members['version'])) return null
  if (Object.keys(members).some((name) => isNearlyOneOf(name, TERMS))) return null
  const userId = members['userId']
  const user = isText(userId) ? readStoredUser(userId, members) : null
  const expiresAtSeconds = optionalInstant(members['expiresAt'])
  const allowFrom = parseAddressList(members['allowFrom'])
  const denyFrom = parseAddressList(members['denyFrom'])
  if (user === null || expiresAtSeconds === undefined) return null
  const rate = parseOwnRate(members['rateLimit'])
  if (allowFrom === null || denyFrom === null || rate === undefined) return null
  const claims = isAbsent(members['claims']) ? NONE : members['claims']
  if (typeof claims !== 'object' || Array.isArray(claims)) return null
  return {
    ...user,
    expiresAtSeconds,
    claims: claims as JsonObject,
    allowFrom,
    denyFrom,
    rate,
  }
}

const NONE: JsonObject = Object.freeze({})

/** @returns `null` when a claim cannot be told that upstreams are to be told. */
export function identityOfApiKey(
  record: ApiKeyRecord,
  keptPaths: readonly KeptPath[] = [],
): Identity | null {
  const claims = keepStoredClaims(record.claims, keptPaths)
  if (claims === null) return null
  return {
    ...EMPTY_IDENTITY,
    ...identityPartsOf(record),
    subject: record.userId,
    expiresAtSeconds: record.expiresAtSeconds,
    claims,
  }
}
