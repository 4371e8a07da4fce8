/**
 * Finds out whose request it is, by address: the peer, or who a trusted proxy says that its own
 * peer was.
 *
 * Each proxy appends the address of its peer to `X-Forwarded-For`, so the entries count from the
 * right, as far as those who wrote them are trusted. What stands left of the first address that is
 * no trusted proxy was written by that client, who may write anything.
 *
 * Bounded: {@link HOPS_MAX} entries are read, of {@link ENTRY_LENGTH_MAX} characters each. No other
 * field is read: `Forwarded`, `X-Real-IP` and those of vendors are not.
 */
import type { AddressRanges } from './address-ranges.ts'
import type { HeaderList } from './header-list.ts'
import { type AddressBits, addressBits, bitsText, canonicalAddress, isIpv4 } from './ip-address.ts'

/** Trusted proxies behind one another; the last one that is read then counts as the client. */
export const HOPS_MAX = 32
/** An address in brackets, a zone, a port, and white space around it. */
const ENTRY_LENGTH_MAX = 128
const PORT_DIGITS_MAX = 5
/** Groups of the part of an IPv6 address that one subscriber is given (RFC 6177 §2). */
const SUBNET_GROUPS = 4

/** What looking for something gives when it is not there. */
const NOWHERE = -1

const SPACE = 0x20
const TAB = 0x09
const DIGIT_ZERO = 0x30
const DIGIT_NINE = 0x39

/**
 * The rightmost entry of `X-Forwarded-For` that is not the address of a trusted proxy; the leftmost
 * when all of them are; the peer when it is not trusted itself, or there is no entry.
 *
 * An entry may have a port (`192.0.2.1:80`, `[2001:db8::1]:80`) and, for IPv6, a zone: neither
 * counts. An entry that is no address (`unknown`, `_hidden`, nothing) ends the walk and is not
 * believed: then the trusted proxy that wrote it counts as the client.
 *
 * @param peer As text in its one spelling; empty when it cannot be told.
 * @param received Names in lower case. Several fields are one list, in their order.
 * @returns In its one spelling; an IPv4 address that is mapped into IPv6 as IPv4.
 */
export function clientAddress(peer: string, received: HeaderList, trusted: AddressRanges): string {
  let address = peer
  let index = received.length
  let value = ''
  let end = NOWHERE
  for (let hops = 0; hops < HOPS_MAX && trusted.has(address); hops += 1) {
    if (end === NOWHERE) {
      index = fieldBefore(received, index)
      if (index === NOWHERE) return address
      value = received[index + 1] ?? ''
      end = value.length
    }
    // From a position before the first, it would look at the first.
    const comma = end === 0 ? NOWHERE : value.lastIndexOf(',', end - 1)
    const entry = entryAddress(value, comma + 1, end)
    if (entry === null) return address
    address = entry
    end = comma
  }
  return address
}

/** Where the last `X-Forwarded-For` before this place is. */
function fieldBefore(received: HeaderList, place: number): number {
  for (let index = place - 2; index >= 0; index -= 2) {
    if (received[index] === 'x-forwarded-for') return index
  }
  return NOWHERE
}

/**
 * By what a client is counted: an IPv4 address is one, and of IPv6 all of a /64, because that is
 * the least that a subscriber is given.
 *
 * @param address From {@link clientAddress}. What is no address is returned as it is.
 */
export function addressKey(address: string): string {
  const bits = addressBits(address)
  if (bits === null) return address
  if (isIpv4(bits)) return bitsText(bits)
  const subnet = bits.slice(0, SUBNET_GROUPS).padEnd(bits.length, '\0')
  return `${bitsText(subnet as AddressBits)}/64`
}

/** The address that stands between the two places, `null` when none does. */
function entryAddress(value: string, from: number, to: number): string | null {
  if (to - from > ENTRY_LENGTH_MAX) return null
  let start = from
  let end = to
  while (start < end && isBlank(value.charCodeAt(start))) start += 1
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1
  return canonicalAddress(withoutPortAndZone(value.slice(start, end)))
}

/** Does not check what it leaves, and leaves what is no form of an address as it is. */
function withoutPortAndZone(entry: string): string {
  if (entry.startsWith('[')) {
    const bracket = entry.indexOf(']')
    const isWhole = bracket === entry.length - 1 || isPort(entry, bracket + 1)
    const inside = entry.slice(1, bracket)
    // Brackets are for IPv6 alone (RFC 3986 §3.2.2).
    return isWhole && inside.includes(':') ? withoutZone(inside) : entry
  }
  const colon = entry.indexOf(':')
  if (colon === -1) return entry
  // Of IPv6 without brackets, the last group may be a part of the address: then it is one.
  if (entry.indexOf(':', colon + 1) !== -1) return withoutZone(entry)
  return isPort(entry, colon) ? entry.slice(0, colon) : entry
}

/** A zone means something only to the proxy that wrote it (RFC 4007 §11.2). */
function withoutZone(address: string): string {
  const percent = address.indexOf('%')
  const isZone = percent > 0 && percent < address.length - 1
  return isZone ? address.slice(0, percent) : address
}

/** Whether a colon and one to five digits stand from there to the end. */
function isPort(entry: string, colon: number): boolean {
  const digits = entry.length - colon - 1
  if (entry[colon] !== ':' || digits < 1 || digits > PORT_DIGITS_MAX) return false
  for (let index = colon + 1; index < entry.length; index += 1) {
    const code = entry.charCodeAt(index)
    if (code < DIGIT_ZERO || code > DIGIT_NINE) return false
  }
  return true
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
