/**
 * Hot path: what of a client's header list may go upstream (RFC 9110 §7.6.1).
 *
 * This runs *before* the gateway adds anything of its own, so that `Connection: x-user-id` can only
 * take away what the client itself sent, never the identity that the gateway established.
 */
import type { CredentialStripper } from '../credentials/strip-credential.ts'
import { addNamedFields, withoutFields } from '../http/connection-options.ts'
import type { HeaderList } from '../http/header-list.ts'
import { BELIEVED_NAMES, isForwardingField, isOfBelievedFamily } from './believed-fields.ts'
import { HeaderNameFilter } from './header-name-filter.ts'

/**
 * Fields that concern one connection only. `expect` is here because the server has already
 * answered it, `te` because trailers are dropped.
 */
const HOP_BY_HOP = [
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const

/** Written by the gateway, from what the client sent: see gateway/upstream-request.ts. */
export const TRACE_FIELDS = ['traceparent', 'tracestate'] as const

/** Besides the identity: set by the gateway where a caller is not known. */
const AUTH_STATUS = 'x-auth-status'

const GATEWAY_FIELDS: ReadonlySet<string> = new Set([...HOP_BY_HOP, AUTH_STATUS])

/** Whether a field of this lower-case name is none for an identity. */
export function isGatewayField(name: string): boolean {
  return GATEWAY_FIELDS.has(name) || isForwardingField(name)
}

/**
 * The fields that never go upstream as the client sent them. Built once for each route.
 *
 * @param otherNames Lower-case names on top: identity fields, the field that held the credential.
 */
export function createRequestFilter(otherNames: Iterable<string>): HeaderNameFilter {
  return new HeaderNameFilter([...HOP_BY_HOP, ...BELIEVED_NAMES, ...otherNames])
}

/**
 * A new list with what goes upstream: without the fields of `filter`, the families of
 * believed-fields.ts, and those that a `Connection` field names. `host` and `content-length` stay,
 * whatever `Connection` says.
 *
 * Names with `_` or `.` for `-` are not looked at: the server has dropped them.
 *
 * @param headers Names in lower case.
 * @param credential Takes out the credential that the gateway has read; `null` where it reads none.
 */
export function requestHeaders(
  headers: HeaderList,
  filter: HeaderNameFilter,
  credential: CredentialStripper | null,
): string[] {
  const kept: string[] = []
  let named: Set<string> | null = null
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    const value = headers[index + 1] as string
    if (filter.has(name)) {
      if (name === 'connection') named = addNamedFields(value, named)
    } else if (!isOfBelievedFamily(name)) {
      keep(kept, name, value, credential)
    }
  }
  return named === null ? kept : withoutFields(kept, named)
}

function keep(
  kept: string[],
  name: string,
  value: string,
  credential: CredentialStripper | null,
): void {
  const rest = credential === null ? value : credential.strippedValue(name, value)
  if (rest !== null) kept.push(name, rest)
}
