/**
 * Reads a tenant's record out of a store that others write to, later versions of this program
 * included: members that are not known are theirs, and are ignored.
 *
 * A misspelled `issuers` would open the tenant to the tokens of everybody, and a misspelled
 * `allowFrom` to every address. So a name that is almost
 * one of the known ones, by its case or by one character, makes the record unreadable.
 */
import { parseAddressList } from '../http/address-lists.ts'
import { originPattern } from '../http/origin-list.ts'
import { isAbsent } from '../protocol/json-members.ts'
import { nearlyNamed } from '../protocol/member-name.ts'
import { isReadableVersion } from '../protocol/record-version.ts'
import { type JsonObject, parseJsonObject } from '../protocol/strict-json.ts'
import { parseOwnRate } from '../resilience/own-rate.ts'
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
  'allowFrom',
  'denyFrom',
  'rateLimit',
  'upstream',
])

const NO_RANGES = 'is not a list of addresses and CIDR ranges'

const PRINTABLE = /^[\x20-\x7e]+$/

/**
 * The record of one tenant: `{"status": "active", "plan": "free", "issuers": ["main"], …}`.
 *
 * `status` is required, because neither value of it is a safe guess; all others may be left out, be
 * null or an empty list, which is the same. Does *not* check that the issuers and the upstream
 * exist: an issuer that does not exist issues no token, so the record then lets fewer pass, not
 * more.
 *
 * @param name Of the tenant; stored beside the record.
 * @param value What the store answered: JSON text, or nothing that will do.
 * @returns The record, or the problem with it in words that repeat nothing of what it says.
 */
export function parseTenantRecord(name: string, value: unknown): Tenant | string {
  const id = parseTenantId(name)
  if (id === null) return 'its name is not a tenant name'
  const record = readMembers(value)
  if (typeof record === 'string') return record
  const status = record['status']
  const plan = presentOrNull(record['plan'])
  const upstream = presentOrNull(record['upstream'])
  const issuers = listOf(record['issuers'], TENANT_ISSUERS_MAX, configuredName)
  const allowedOrigins = listOf(record['allowedOrigins'], TENANT_ORIGINS_MAX, originPattern)
  const allowFrom = parseAddressList(record['allowFrom'])
  const denyFrom = parseAddressList(record['denyFrom'])
  if (!isStatus(status)) return 'status is neither active nor suspended'
  if (plan !== null && !isPlan(plan)) return 'plan is not a short printable text'
  if (issuers === null) return 'issuers is not a list of names of issuers'
  if (allowedOrigins === null) return 'allowedOrigins is not a list of http or https origins'
  if (allowFrom === null) return `allowFrom ${NO_RANGES}`
  if (denyFrom === null) return `denyFrom ${NO_RANGES}`
  const rate = parseOwnRate(record['rateLimit'])
  if (rate === undefined) return 'rateLimit is not a rate such as {"rate":"100/s","burst":20}'
  if (upstream !== null && !isConfiguredName(upstream)) return 'upstream is not a name of one'
  const lists = { issuers, allowedOrigins, allowFrom, denyFrom, rate }
  return { kind: 'tenant', id, status, plan, ...lists, upstream }
}

/** @returns The members, or why they are not read. */
function readMembers(value: unknown): JsonObject | string {
  const record = parseText(value)
  if (record === null) return 'is not a JSON object in which every member name stands once'
  if (!isReadableVersion(record['version'])) return 'is of a version that must not be read here'
  const isMisspelled = Object.keys(record).some((name) => nearlyNamed(name, MEMBERS) !== null)
  if (isMisspelled) return `has a member that is almost one of ${[...MEMBERS].join(', ')}`
  return record
}

function parseText(value: unknown): JsonObject | null {
  if (typeof value !== 'string' || value.length > TENANT_RECORD_LENGTH_MAX) return null
  return parseJsonObject(Buffer.from(value, 'utf8').toString('base64url'))
}

function presentOrNull(value: unknown): unknown {
  return isAbsent(value) ? null : value
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
  if (isAbsent(value)) return []
  if (!Array.isArray(value) || value.length > lengthMax) return null
  const items: string[] = []
  for (const item of value) {
    const parsed = typeof item === 'string' ? parse(item) : null
    if (parsed === null) return null
    items.push(parsed)
  }
  return items
}
