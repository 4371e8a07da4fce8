/**
 * What trusted proxies say in `Forwarded` (RFC 7239), read from the right.
 *
 * Each proxy appends an element about its own peer, so an element is believed as far as the one
 * behind it names a trusted proxy. Elements are found from the right as well: a quote that the
 * client left open in front of them hides none of those that proxies wrote.
 *
 * Bounded: {@link HOPS_MAX} elements of {@link ELEMENT_LENGTH_MAX} characters each.
 */
import { entryAddress } from './address-entry.ts'
import type { AddressRanges } from './address-ranges.ts'
import { fieldBefore, type HeaderList, NOWHERE } from './header-list.ts'
import { hostWithoutPort } from './host-header.ts'

/** Trusted proxies behind one another; the last one that is read then counts as the client. */
export const HOPS_MAX = 32
const ELEMENT_LENGTH_MAX = 512
const COMMA = 0x2c
const QUOTE = 0x22

/**
 * One `name=value`, with what proxies write there in practice: also an IPv6 address without the
 * quotes that it needs. An escape in a quoted text is none that any host or address has.
 */
const PAIR = /^[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"([^"\\]*)"|([^\s",;\\]*))[ \t]*$/

export type Scheme = 'http' | 'https'

/** What the believed elements say together. */
export interface ForwardedReading {
  /** Of the client, in its one spelling. */
  readonly client: string
  /** The client and the proxies behind it, without our own peer; empty: no element names one. */
  readonly addresses: readonly string[]
  /** As the farthest of the proxies says that says something. */
  readonly scheme: Scheme | null
  readonly host: string | null
}

/** `http` or `https` in any case, else `null`. */
export function schemeOf(text: string): Scheme | null {
  if (text === 'https' || text === 'http') return text
  const lower = text.toLowerCase()
  return lower === 'https' || lower === 'http' ? lower : null
}

/**
 * An element that cannot be read ends the walk, and so does one whose `for` is no address
 * (`unknown`, `_hidden`) or that has none: the proxy that wrote it counts as the client then, and
 * what it says of scheme and host is believed.
 *
 * @param peer One of the trusted proxies, as text in its one spelling.
 * @param received Names in lower case. Several fields are one list, in their order.
 */
export function readForwarded(
  peer: string,
  received: HeaderList,
  trusted: AddressRanges,
): ForwardedReading {
  const addresses: string[] = []
  let client = peer
  let scheme: Scheme | null = null
  let host: string | null = null
  let place = received.length
  let value = ''
  let end = NOWHERE
  do {
    if (end === NOWHERE) {
      place = fieldBefore(received, 'forwarded', place)
      if (place === NOWHERE) break
      value = received[place + 1] ?? ''
      end = value.length
    }
    const start = elementStart(value, end)
    const element = readElement(value.slice(start, end))
    if (element === null) break
    scheme = element.scheme ?? scheme
    host = element.host ?? host
    if (element.address === null) break
    client = element.address
    addresses.unshift(client)
    end = start - 1
  } while (addresses.length < HOPS_MAX && trusted.has(client))
  return { client, addresses, scheme, host }
}

/** Where the last element before this place begins: behind a comma outside quotes. */
function elementStart(value: string, end: number): number {
  let isQuoted = false
  for (let index = end - 1; index >= 0; index -= 1) {
    const code = value.charCodeAt(index)
    if (code === QUOTE) isQuoted = !isQuoted
    else if (code === COMMA && !isQuoted) return index + 1
  }
  return 0
}

interface ForwardedElement {
  readonly address: string | null
  readonly scheme: Scheme | null
  readonly host: string | null
}

/** `null`: it is none, or says one thing twice. */
function readElement(text: string): ForwardedElement | null {
  if (text.length > ELEMENT_LENGTH_MAX) return null
  const values = new Map<string, string>()
  for (const part of text.split(';')) {
    const pair = PAIR.exec(part)
    const name = pair?.[1]?.toLowerCase()
    if (pair === null || name === undefined || values.has(name)) return null
    values.set(name, pair[2] ?? pair[3] ?? '')
  }
  const node = values.get('for') ?? ''
  const host = values.get('host') ?? ''
  return {
    address: entryAddress(node, 0, node.length),
    scheme: schemeOf(values.get('proto') ?? ''),
    host: hostWithoutPort(host) === null ? null : host,
  }
}
