/**
 * Writes an established identity as request header fields that an upstream can trust.
 *
 * Rendering happens once per cached identity, not once per request: the list it returns is kept
 * beside the identity and copied into each request.
 */
import { hash } from 'node:crypto'
import {
  CALLER_PARTS,
  type IdentityPart,
  type PartNames,
  type PartValue,
  TOKEN_PARTS,
} from '../protocol/identity-parts.ts'
import type { KeptClaim } from '../protocol/kept-claims.ts'
import type { Identity } from '../protocol/verification.ts'

/** How a claim is written into a header of its own. */
export const CUSTOM_HEADER_FORMATS = ['text', 'json'] as const

/** A header that tells a claim which is no part of the identity. */
export interface CustomHeader {
  readonly name: string
  /** Of the claim: see kept-claims.ts. */
  readonly place: number
  readonly format: (typeof CUSTOM_HEADER_FORMATS)[number]
}

/** The tenant that a request was found to be for. */
export interface ServedTenant {
  readonly id: string
  readonly plan: string | null
}

/** Name of each field on the wire; `null` when the field is not sent. */
export interface IdentityHeaderNames extends PartNames {
  readonly userId: string | null
  readonly clientId: string | null
  readonly tenantPlan: string | null
  readonly issuer: string | null
  readonly expires: string | null
  readonly sessionId: string | null
}

/**
 * The identity as `[name, value, …]`. Fields without a value are not sent. Every value is visible
 * ASCII; all else, and `%` itself, is percent-encoded as UTF-8, so that two different identities
 * never look the same. Lists are comma separated, with a comma inside an item encoded. Of a custom
 * header a comma is always encoded: whether a claim is one value or a list is up to the issuer.
 *
 * The session is named by the SHA-256 of its `sid`, so that an upstream's logs hold no session.
 *
 * @param tenant The tenant that the request was found to be for; `null` where nothing finds one,
 *   and then the identity's own is named.
 * @param custom Claims that they tell have been found to be tellable.
 */
export function renderIdentityHeaders(
  identity: Identity,
  names: IdentityHeaderNames,
  tenant: ServedTenant | null = null,
  custom: readonly CustomHeader[] = [],
): readonly string[] {
  const served = tenant === null ? identity : { ...identity, tenant: tenant.id }
  const list: string[] = []
  append(list, names.userId, visible(identity.subject))
  append(list, names.clientId, visible(identity.clientId ?? ''))
  appendParts(list, CALLER_PARTS, served, names)
  append(list, names.tenantPlan, visible(tenant?.plan ?? ''))
  append(list, names.issuer, visible(identity.issuer))
  appendParts(list, TOKEN_PARTS, served, names)
  append(list, names.expires, String(identity.expiresAtSeconds ?? ''))
  append(list, names.sessionId, sessionDigest(identity.sessionId))
  for (const { name, place, format } of custom) {
    const claim = identity.claims[place] ?? null
    if (claim !== null) append(list, name, format === 'json' ? asciiJson(claim) : textOf(claim))
  }
  return list
}

function textOf({ texts }: KeptClaim): string {
  return visibleList(texts ?? [])
}

/** JSON may write any character as an escape (RFC 8259 §7); those below space it has to. */
function asciiJson({ json }: KeptClaim): string {
  return json.replace(BEYOND_VISIBLE, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function appendParts(
  list: string[],
  parts: readonly IdentityPart[],
  identity: Identity,
  names: IdentityHeaderNames,
): void {
  for (const { name } of parts) append(list, names[name], visiblePart(identity[name]))
}

function visiblePart(value: PartValue): string {
  return typeof value === 'object' && value !== null ? visibleList(value) : visible(value ?? '')
}

function append(list: string[], name: string | null, value: string): void {
  if (name !== null && value !== '') list.push(name, value)
}

function visibleList(items: readonly string[]): string {
  return items
    .filter((item) => item !== '')
    .map((item) => visible(item).replaceAll(',', '%2C'))
    .join(',')
}

function sessionDigest(sessionId: string | null): string {
  return sessionId === null ? '' : hash('sha256', sessionId, 'hex')
}

/** Single code units, so that an astral character becomes its two escapes. */
const BEYOND_VISIBLE = /[^\x20-\x7e]/g

const EVERYTHING_BUT_VISIBLE = /[^\x21-\x24\x26-\x7e]/u

/** Not on the hot path: identities are rendered when they enter a thread's cache. */
function visible(value: string): string {
  if (!EVERYTHING_BUT_VISIBLE.test(value)) return value
  let out = ''
  for (const byte of Buffer.from(value, 'utf8')) {
    const isVisible = byte > 0x20 && byte < 0x7f && byte !== 0x25
    out += isVisible
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}
