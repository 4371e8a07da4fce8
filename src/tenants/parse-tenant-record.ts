/**
 * Reads a tenant's record out of a store that others write to, later versions of this program
 * included: members that are not known are theirs, and are ignored.
 *
 * A misspelled `issuers` would open the tenant to the tokens of everybody. So a name that is almost
 * one of the known ones, by its case or by one character, makes the record unreadable.
 */
import { httpOrigin } from '../http/http-url.ts'
import { isReadableVersion } from '../protocol/record-version.ts'
import { type JsonObject, parseJsonObject } from '../protocol/strict-json.ts'
import { parseTenantId, type Tenant, type TenantStatus } from './tenant.ts'
import { CONFIGURED_NAME } from './tenant-grammar.ts'

export const TENANT_RECORD_LENGTH_MAX = 65_536
export const TENANT_PLAN_LENGTH_MAX = 128
/** Issuers of one tenant. */
export const TENANT_ISSUERS_MAX = 100
/** Origins of one tenant. */
export const TENANT_ORIGINS_MAX = 100

const MEMBERS: ReadonlySet<string> = new Set([
  'version',
  'status',
  'plan',
  'issuers',
  'allowedOrigins',
  'upstream',
])

const PRINTABLE = /^[\x20-\x7e]+$/

/**
 * The record of one tenant: `{"status": "active", "plan": "free", "issuers": ["main"], …}`.
 *
 * `status` is required, because neither value of it is a safe guess; all others may be left out,
 * and `plan` and `upstream` may be null. Does *not* check that the issuers and the upstream exist:
 * an issuer that does not exist issues no token, so the record then lets fewer pass, not more.
 *
 * @param name Of the tenant; stored beside the record.
 * @param value What the store answered: JSON text, or nothing that will do.
 * @returns The record, or the problem with it in words that repeat nothing of what it says.
 */
export function parseTenantRecord(name: string, value: unknown): Tenant | string {
  const id = parseTenantId(name)
  if (id === null) return 'its name is not a tenant name'
  const record = parseText(value)
  if (record === null) return 'is not a JSON object in which every member name stands once'
  if (!isReadableVersion(record['version'])) return 'is of a version that must not be read here'
  if (Object.keys(record).some(isMisspelled)) {
    return `has a member that is almost one of ${[...MEMBERS].join(', ')}`
  }
  const status = record['status']
  const plan = record['plan'] ?? null
  const upstream = record['upstream'] ?? null
  const issuers = listOf(record['issuers'], TENANT_ISSUERS_MAX, configuredName)
  const allowedOrigins = listOf(record['allowedOrigins'], TENANT_ORIGINS_MAX, httpOrigin)
  if (!isStatus(status)) return 'status is neither active nor suspended'
  if (plan !== null && !isPlan(plan)) return 'plan is not a short printable text'
  if (issuers === null) return 'issuers is not a list of names of issuers'
  if (allowedOrigins === null) return 'allowedOrigins is not a list of http or https origins'
  if (upstream !== null && !isConfiguredName(upstream)) return 'upstream is not a name of one'
  return { kind: 'tenant', id, status, plan, issuers, allowedOrigins, upstream }
}

function parseText(value: unknown): JsonObject | null {
  if (typeof value !== 'string' || value.length > TENANT_RECORD_LENGTH_MAX) return null
  return parseJsonObject(Buffer.from(value, 'utf8').toString('base64url'))
}

/** Whether the name of a member differs from a known one in case or by one character only. */
function isMisspelled(name: string): boolean {
  if (MEMBERS.has(name)) return false
  const folded = name.toLowerCase()
  return [...MEMBERS].some((known) => isWithinOneEdit(folded, known.toLowerCase()))
}

/** One character more, less, or another one; or two neighbours that have changed places. */
function isWithinOneEdit(text: string, other: string): boolean {
  if (Math.abs(text.length - other.length) > 1) return false
  let start = 0
  while (start < text.length && text[start] === other[start]) start += 1
  const rest = (from: string, skipped: number) => from.slice(start + skipped)
  if (rest(text, 1) === rest(other, 1)) return true
  if (rest(text, 1) === rest(other, 0) || rest(text, 0) === rest(other, 1)) return true
  const isSwapped = text[start] === other[start + 1] && text[start + 1] === other[start]
  return isSwapped && rest(text, 2) === rest(other, 2)
}

function isStatus(value: unknown): value is TenantStatus {
  return value === 'active' || value === 'suspended'
}

function isPlan(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > TENANT_PLAN_LENGTH_MAX) return false
  return PRINTABLE.test(value)
}

function isConfiguredName(value: unknown): value is string {
  return typeof value === 'string' && CONFIGURED_NAME.test(value)
}

function configuredName(value: string): string | null {
  return isConfiguredName(value) ? value : null
}

/** The items, none when the list is left out; `null` when it is no list or an item is refused. */
function listOf(
  value: unknown,
  lengthMax: number,
  parse: (item: string) => string | null,
): readonly string[] | null {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length > lengthMax) return null
  const items: string[] = []
  for (const item of value) {
    const parsed = typeof item === 'string' ? parse(item) : null
    if (parsed === null) return null
    items.push(parsed)
  }
  return items
}
