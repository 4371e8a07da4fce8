/**
 * Hot path: what the trusted proxies in front say of a request: whose it is, and the URL that the
 * client asked for. Read once for a request, and only where the peer is trusted.
 *
 * `X-Forwarded-Proto`, `-Host` and `-Port` may be lists. Where there are as many entries as in
 * `X-Forwarded-For`, each proxy has appended to both, and the entry of the farthest trusted proxy
 * counts, as it does for the address. Otherwise the first entry counts: proxies that overwrite the
 * field or leave it alone are the rule, and the first of them has seen the client.
 *
 * `Forwarded` counts where none of `X-Forwarded-For`, `-Proto` and `-Host` is there, not even an
 * empty one: a proxy that writes one of those passes on what its client says in `Forwarded`. Fields
 * of vendors are not read.
 */
import { entryAddress } from './address-entry.ts'
import type { AddressRanges } from './address-ranges.ts'
import { forwardedClient } from './client-address.ts'
import { readForwarded, type Scheme, schemeOf } from './forwarded-field.ts'
import { type HeaderList, NOWHERE } from './header-list.ts'
import { hostWithoutPort } from './host-header.ts'

/** Nothing but `client` is there unless a trusted proxy says it, in a form that can be meant. */
export interface Forwarding {
  /** Address of the client, in its one spelling. */
  readonly client: string
  /** `X-Forwarded-For` as it came, or what `Forwarded` says in its place; empty: nothing. */
  readonly addresses: string
  readonly scheme: Scheme | null
  /** `host[:port]`. */
  readonly host: string | null
  readonly port: string | null
  /** Begins with a slash and does not end with one. */
  readonly prefix: string | null
  /** Of the client by `X-Real-IP` alone; `null` where another field names it. */
  readonly realAddress: string | null
}

/** `X-Forwarded-For`, `-Proto`, `-Host`, `-Port`, `-Prefix`, `X-Real-IP`, `Forwarded`. */
type Said = [string, string, string, string, string, string, string]
/** Places of the first three, which tell of the client: beside them `Forwarded` does not count. */
const IN_PLACE_OF_FORWARDED = 0b111
const FORWARDED = 1 << 6
const COMMA = 0x2c
const PORT_MAX = 65_535
const PORT = /^[1-9][0-9]{0,4}$/
/** Whole segments: `//host` in front of a path would be another host. */
const PREFIX = /^(?:\/(?!\.\.?(?:\/|$))[A-Za-z0-9._~!$&'()*+=:@-]+)+$/
const PREFIX_LENGTH_MAX = 256

/**
 * @param peer One of the trusted proxies, as text in its one spelling.
 * @param received Names in lower case. Several fields are one list, in their order.
 */
export function readForwarding(
  peer: string,
  received: HeaderList,
  trusted: AddressRanges,
): Forwarding {
  const said: Said = ['', '', '', '', '', '', '']
  let areThere = 0
  for (let index = 0; index + 1 < received.length; index += 2) {
    const place = placeOf(received[index] as string)
    if (place === NOWHERE) continue
    said[place] = joined(said[place] as string, received[index + 1] as string)
    areThere |= 1 << place
  }
  const [addresses, schemes, hosts, ports, prefixes, real] = said
  const prefix = prefixes === '' ? null : prefixOf(prefixes)
  if ((areThere & IN_PLACE_OF_FORWARDED) === 0 && (areThere & FORWARDED) !== 0) {
    const { addresses: told, ...reading } = readForwarded(peer, received, trusted)
    const port = portOf(firstOf(ports))
    return { ...reading, addresses: told.join(', '), port, prefix, realAddress: null }
  }
  const { address: client, hops } = forwardedClient(peer, received, trusted)
  return {
    client,
    addresses,
    scheme: schemeOf(entryOf(schemes, addresses, hops)),
    host: hostOf(entryOf(hosts, addresses, hops)),
    port: portOf(entryOf(ports, addresses, hops)),
    prefix,
    // Where nothing else names the client, the proxy may do so here.
    realAddress: real === '' || client !== peer ? null : entryAddress(real, 0, real.length),
  }
}

/** The same of any peer; `null`: it is not trusted, and nothing of what it says counts. */
export function forwardingFrom(
  peer: string,
  received: HeaderList,
  trusted: AddressRanges,
): Forwarding | null {
  return trusted.has(peer) ? readForwarding(peer, received, trusted) : null
}

/** Hot path: where a name is in the list, by its length first: most are not compared then. */
function placeOf(name: string): number {
  switch (name.length) {
    case 9:
      if (name === 'forwarded') return 6
      return name === 'x-real-ip' ? 5 : NOWHERE
    case 15:
      return name === 'x-forwarded-for' ? 0 : NOWHERE
    case 16:
      if (name === 'x-forwarded-host') return 2
      return name === 'x-forwarded-port' ? 3 : NOWHERE
    case 17:
      return name === 'x-forwarded-proto' ? 1 : NOWHERE
    case 18:
      return name === 'x-forwarded-prefix' ? 4 : NOWHERE
    default:
      return NOWHERE
  }
}

/** Repeated fields mean the same as one with a list (RFC 9110 §5.3). */
function joined(before: string, value: string): string {
  if (value === '') return before
  return before === '' ? value : `${before}, ${value}`
}

/** @param hops How many of the addresses trusted proxies have written. */
function entryOf(list: string, addresses: string, hops: number): string {
  if (!list.includes(',')) return list
  const entries = list.split(',')
  if (hops === 0 || entries.length !== countOf(addresses)) return firstOf(list)
  return (entries[entries.length - hops] ?? '').trim()
}

/** The first entry that says something. */
function firstOf(list: string): string {
  if (!list.includes(',')) return list
  return (list.split(',').find((entry) => entry.trim() !== '') ?? '').trim()
}

function countOf(list: string): number {
  let count = 1
  for (let index = 0; index < list.length; index += 1) {
    if (list.charCodeAt(index) === COMMA) count += 1
  }
  return count
}

/** Proxies often pass on what their own clients wrote here: only what can be a host is believed. */
function hostOf(text: string): string | null {
  return text !== '' && hostWithoutPort(text) !== null ? text : null
}

function portOf(text: string): string | null {
  return PORT.test(text) && Number(text) <= PORT_MAX ? text : null
}

/** Each proxy that strips a prefix appends it, the outermost first: together they are one. */
function prefixOf(list: string): string | null {
  const prefix = list
    .split(',')
    .map((entry) => entry.trim().replace(/\/$/, ''))
    .join('')
  return prefix.length <= PREFIX_LENGTH_MAX && PREFIX.test(prefix) ? prefix : null
}
