/** What is stored about an API key, in the configuration or in Redis. */
import { optionalInstant } from '../../protocol/instant.ts'
import { optionalText, optionalTexts } from '../../protocol/json-members.ts'
import { isReadableVersion } from '../../protocol/record-version.ts'
import { parseJsonText } from '../../protocol/strict-json.ts'
import type { Identity, StoredUser } from '../../protocol/verification.ts'

export interface ApiKeyRecord extends StoredUser {
  /** NumericDate; `null`: never. */
  readonly expiresAtSeconds: number | null
}

/** Larger records are not read: nobody has that many roles. */
const RECORD_LENGTH_MAX = 65_536

/**
 * Reads a record of Redis: a JSON object with `userId`, and of `email`, `roles`, `scopes`,
 * `tenantId`, `organisationId` and `expiresAt` (an instant) what there is. Other members are of a
 * later version, and are ignored unless its `version` forbids that.
 *
 * @returns `null` when it is anything else.
 */
export function parseApiKeyRecord(text: string): ApiKeyRecord | null {
  const members = text.length > RECORD_LENGTH_MAX ? null : parseJsonText(text)
  if (members === null || !isReadableVersion(members['version'])) return null
  const userId = optionalText(members['userId'])
  const email = optionalText(members['email'])
  const tenantId = optionalText(members['tenantId'])
  const organisationId = optionalText(members['organisationId'])
  const roles = optionalTexts(members['roles'])
  const scopes = optionalTexts(members['scopes'])
  const expiresAtSeconds = optionalInstant(members['expiresAt'])
  if (typeof userId !== 'string' || email === undefined || tenantId === undefined) return null
  if (organisationId === undefined || roles === undefined || scopes === undefined) return null
  if (expiresAtSeconds === undefined) return null
  return { userId, email, roles, scopes, tenantId, organisationId, expiresAtSeconds }
}

export function identityOfApiKey(record: ApiKeyRecord): Identity {
  return {
    issuer: '',
    subject: record.userId,
    email: record.email,
    roles: record.roles,
    scopes: record.scopes,
    tenant: record.tenantId,
    organisation: record.organisationId,
    clientId: null,
    tokenId: null,
    sessionId: null,
    issuedAtSeconds: null,
    expiresAtSeconds: record.expiresAtSeconds,
  }
}
