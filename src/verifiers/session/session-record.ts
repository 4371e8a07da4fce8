/** What is stored about a session, in the two formats, as an identity. */
import { optionalInstant } from '../../protocol/instant.ts'
import { optionalText, optionalTextOrInteger, optionalTexts } from '../../protocol/json-members.ts'
import { isReadableVersion } from '../../protocol/record-version.ts'
import { type JsonObject, parseJsonText } from '../../protocol/strict-json.ts'
import { ANONYMOUS, type Anonymous, type Identity } from '../../protocol/verification.ts'

/** Where the parts of an identity are, as JSON pointers (RFC 6901). `null`: not read. */
export interface SessionPointers {
  /** Whether `version` is that of our format, and not something of an application. */
  readonly hasVersion: boolean
  /** Whether the user may be an integer, as applications have it that others wrote. */
  readonly hasNumberedUsers: boolean
  readonly userId: string
  readonly email: string | null
  readonly roles: string | null
  readonly scopes: string | null
  readonly tenant: string | null
  readonly organisation: string | null
  readonly createdAt: string | null
  readonly expiresAt: string | null
}

/**
 * The format `sallyport`: JSON with these members, of which only `userId` must be there. Other
 * members are of a later version, and are ignored unless its `version` forbids that.
 */
export const SALLYPORT_POINTERS: SessionPointers = {
  hasVersion: true,
  hasNumberedUsers: false,
  userId: '/userId',
  email: '/email',
  roles: '/roles',
  scopes: '/scopes',
  tenant: '/tenantId',
  organisation: '/organisationId',
  createdAt: '/createdAt',
  expiresAt: '/expiresAt',
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
 * Reads a record. The identity's session is `sessionId`, its issuer nobody.
 *
 * What express-session says of its own cookie (`cookie.expires`) is not judged: the store that goes
 * with it prolongs a session without writing that anew.
 *
 * @returns `null` when it is unreadable: not a JSON object, a name twice, a mistyped member, more
 *   than 64 Ki characters, a later version. Anonymous when it is readable and nobody is logged in.
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
  const email = optionalText(valueAt(members, pointers.email))
  const tenant = optionalText(valueAt(members, pointers.tenant))
  const organisation = optionalText(valueAt(members, pointers.organisation))
  const roles = optionalTexts(valueAt(members, pointers.roles))
  const scopes = optionalTexts(valueAt(members, pointers.scopes))
  const createdAtSeconds = optionalInstant(valueAt(members, pointers.createdAt))
  const expiresAtSeconds = optionalInstant(valueAt(members, pointers.expiresAt))
  if (subject === undefined || email === undefined || tenant === undefined) return null
  if (organisation === undefined || roles === undefined || scopes === undefined) return null
  if (createdAtSeconds === undefined || expiresAtSeconds === undefined) return null
  if (subject === null) return ANONYMOUS
  const identity: Identity = {
    issuer: '',
    subject,
    email,
    roles,
    scopes,
    tenant,
    organisation,
    clientId: null,
    tokenId: null,
    sessionId,
    issuedAtSeconds: createdAtSeconds,
    expiresAtSeconds,
  }
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
