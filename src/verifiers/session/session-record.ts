/** What is stored about a session, as an identity. */
import { readPointer } from '../../protocol/claim-path.ts'
import {
  IDENTITY_PARTS,
  type PartName,
  type PartNames,
  readIdentity,
} from '../../protocol/identity-parts.ts'
import { optionalInstant } from '../../protocol/instant.ts'
import { optionalText, optionalTextOrInteger } from '../../protocol/json-members.ts'
import { areKept, type KeptPath, keepStoredClaims } from '../../protocol/kept-claims.ts'
import { isReadableVersion } from '../../protocol/record-version.ts'
import type { RefusalReason } from '../../protocol/refusal-reason.ts'
import { type RecordPlace, RecordReader } from '../../protocol/stored-user.ts'
import { type JsonObject, parseJsonText } from '../../protocol/strict-json.ts'
import {
  ANONYMOUS,
  type Anonymous,
  EMPTY_IDENTITY,
  type Identity,
  type Refused,
  refuse,
  refuseNaming,
} from '../../protocol/verification.ts'

/** Where the parts of an identity are, as JSON pointers (RFC 6901). `null`: not read. */
export interface SessionPointers extends PartNames<RecordPlace> {
  /** Whether `version` is that of the gateway's format, and not something of an application. */
  readonly hasVersion: boolean
  /** Whether the user may be an integer, as applications have it that others wrote. */
  readonly hasNumberedUsers: boolean
  readonly userId: string
  readonly createdAt: string | null
  readonly expiresAt: string | null
  /** The object that `keptPaths` lead from; `null`: the record itself. */
  readonly claims: string | null
  /** What is kept of it beside the parts of the identity. */
  readonly keptPaths: readonly KeptPath[]
}

export interface SessionRecord {
  readonly kind: 'record'
  readonly identity: Identity
  /** NumericDates; `null`: the record does not say. */
  readonly createdAtSeconds: number | null
  readonly expiresAtSeconds: number | null
}

/**
 * Reads a record. The identity's session is `sessionId`; it has no issuer. Does not bound its
 * length: the store has.
 *
 * @returns `no_session` when it is unreadable: not a JSON object, a name twice, a mistyped member
 *   that is used, a claim that cannot be told, which its detail names, a later version. Anonymous
 *   when it is readable and has no user.
 */
export function parseSessionRecord(
  text: string,
  pointers: SessionPointers,
  sessionId: string,
): SessionRecord | Anonymous | Refused {
  const members = parseJsonText(text)
  if (members === null) return refuse('session_unreadable')
  if (pointers.hasVersion && !isReadableVersion(members['version'])) {
    return refuse('session_version_unknown')
  }
  const readUser = pointers.hasNumberedUsers ? optionalTextOrInteger : optionalText
  const subject = readUser(valueAt(members, pointers.userId))
  const createdAtSeconds = optionalInstant(valueAt(members, pointers.createdAt))
  const expiresAtSeconds = optionalInstant(valueAt(members, pointers.expiresAt))
  if (subject === undefined) return refuse('session_user_mistyped')
  if (subject === null) return ANONYMOUS
  if (createdAtSeconds === undefined) return refuse('session_created_mistyped')
  if (expiresAtSeconds === undefined) return refuse('session_expires_mistyped')
  const core = {
    ...EMPTY_IDENTITY,
    subject,
    sessionId,
    issuedAtSeconds: createdAtSeconds,
    expiresAtSeconds,
  }
  const memberAt = (pointer: string) => valueAt(members, pointer)
  const parts = readIdentity(core, pointers, new RecordReader(memberAt))
  if (parts === null) return refuseMistyped(pointers, memberAt)
  const claims = pointers.claims === null ? members : valueAt(members, pointers.claims)
  const kept = keepStoredClaims(claims, pointers.keptPaths)
  if (kept === null) return refuse('session_claims_mistyped')
  if (!areKept(kept)) return refuseNaming('session_claims_mistyped', kept.path.text)
  const identity = { ...parts, claims: kept }
  return { kind: 'record', identity, createdAtSeconds, expiresAtSeconds }
}

const PART_REASONS: Readonly<Record<PartName, RefusalReason>> = {
  email: 'session_email_mistyped',
  roles: 'session_roles_mistyped',
  scopes: 'session_scopes_mistyped',
  tenant: 'session_tenant_mistyped',
  organisation: 'session_organisation_mistyped',
}

/** Names the first part that is mistyped, read by itself. */
function refuseMistyped(
  pointers: SessionPointers,
  memberAt: (pointer: string) => unknown,
): Refused {
  for (const { name, kind } of IDENTITY_PARTS) {
    const reader = new RecordReader(memberAt)
    if (kind === 'text') reader.text(pointers[name])
    else reader.texts(pointers[name])
    if (reader.isMistyped) return refuse(PART_REASONS[name])
  }
  return refuse('session_unreadable')
}

/** @returns `null` when there is nothing there. */
function valueAt(members: JsonObject, pointer: string | null): unknown {
  return pointer === null ? null : (readPointer(members, pointer) ?? null)
}
