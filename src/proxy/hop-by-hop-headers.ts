/**
 * Hot path: what of a client's header list may go upstream (RFC 9110 §7.6.1).
 *
 * This runs *before* the gateway adds anything of its own, so that `Connection: x-user-id` can only
 * take away what the client itself sent, never the identity that the gateway established.
 */
import type { CredentialStripper } from '../credentials/strip-credential.ts'
import { addNamedFields, withoutFields } from '../http/connection-options.ts'
import type { HeaderList } from '../http/header-list.ts'
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

/**
 * Fields in which upstreams look for the client's address, or for another target or method than the
 * one that was checked. The gateway sets its own (forwarded-headers.ts); `x-forwarded-…` goes as a
 * whole, by its prefix.
 */
const FORWARDING = [
  'cf-connecting-ip',
  'client-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'forwarded',
  'proxy-client-ip',
  'true-client-ip',
  'wl-proxy-client-ip',
  'x-appengine-user-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-envoy-original-path',
  'x-forwarded',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-forwarded-for',
  'x-original-host',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-originating-ip',
  'x-proxyuser-ip',
  'x-real-ip',
  'x-remote-addr',
  'x-remote-ip',
  'x-rewrite-url',
] as const

const FORWARDED_PREFIX = 'x-forwarded-'
const LETTER_X = 0x78

/** Besides the identity: set by the gateway where a caller is not known. */
const AUTH_STATUS = 'x-auth-status'

const GATEWAY_FIELDS: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...FORWARDING, AUTH_STATUS])

/** Whether a field of this lower-case name is none for an identity: see the lists above. */
export function isGatewayField(name: string): boolean {
  return GATEWAY_FIELDS.has(name) || isForwardedField(name)
}

/**
 * The fields that never go upstream as the client sent them. Built once for each route.
 *
 * @param otherNames Lower-case names on top: identity fields, the field that held the credential.
 */
export function createRequestFilter(otherNames: Iterable<string>): HeaderNameFilter {
  return new HeaderNameFilter([...HOP_BY_HOP, ...FORWARDING, ...otherNames])
}

/**
 * A new list with what goes upstream: without the fields of `filter`, `x-forwarded-…`, and those
 * that a `Connection` field names. `host` and `content-length` stay, whatever `Connection` says.
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
    } else if (!isForwardedField(name)) {
      keep(kept, name, value, credential)
    }
  }
  return named === null ? kept : withoutFields(kept, named)
}

function isForwardedField(name: string): boolean {
  return name.charCodeAt(0) === LETTER_X && name.startsWith(FORWARDED_PREFIX)
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
