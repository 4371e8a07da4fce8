/** A tenant: its name, which has exactly one spelling, and what the registry says about it. */
import type { AddressLists } from '../http/address-lists.ts'
import type { OwnRate } from '../resilience/own-rate.ts'
import { parseTenantName } from './tenant-grammar.ts'

declare const tenantIdBrand: unique symbol

/**
 * A well-formed tenant name, `^[a-z0-9][a-z0-9_-]{0,62}$`. That such a tenant exists is for the
 * registry to say. Branded, so that no text that a client sent can be passed in its place.
 */
export type TenantId = string & { readonly [tenantIdBrand]: true }

export type TenantStatus = 'active' | 'suspended'

const TENANT_ID_LENGTH_MAX = 63

/** One record of the registry. Immutable: a change replaces the record. */
export interface Tenant extends AddressLists {
  readonly kind: 'tenant'
  readonly id: TenantId
  readonly status: TenantStatus
  /** What the upstream hears of the contract with the tenant; `null` when there is nothing. */
  readonly plan: string | null
  /** Names of configured issuers. Empty: those of the route. */
  readonly issuers: readonly string[]
  /** Origins that may send cookies here, in their one spelling. On top of those of the sessions. */
  readonly allowedOrigins: readonly string[]
  /** How often it may be asked for, by all together; `null`: as the route says. */
  readonly rate: OwnRate | null
  /** Name of the upstream that serves this tenant instead of the route's; `null`: the route's. */
  readonly upstream: string | null
}

const NOT_IN_A_NAME = 0
const IN_A_NAME = 1
const STARTS_A_NAME = 2

const NAME_CHARACTER: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/[a-z0-9]/.test(character)) return STARTS_A_NAME
  return /[_-]/.test(character) ? IN_A_NAME : NOT_IN_A_NAME
})

/**
 * The tenant name that stands in `text` from `start` to `end`, or `null` when that is none.
 *
 * Hot path: char codes, and nothing allocated but the name, nor that when the text is the name.
 */
export function tenantIdBetween(text: string, start: number, end: number): TenantId | null {
  if (end <= start || end - start > TENANT_ID_LENGTH_MAX) return null
  // Beyond the table there is `undefined`, which is neither.
  if (NAME_CHARACTER[text.charCodeAt(start)] !== STARTS_A_NAME) return null
  for (let index = start + 1; index < end; index += 1) {
    const kind = NAME_CHARACTER[text.charCodeAt(index)]
    if (kind !== STARTS_A_NAME && kind !== IN_A_NAME) return null
  }
  return text.slice(start, end) as TenantId
}

/** The text as a tenant name, or `null`. Not for requests, which have {@link tenantIdBetween}. */
export function parseTenantId(text: string): TenantId | null {
  return parseTenantName(text) as TenantId | null
}
