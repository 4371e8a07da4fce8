/**
 * One address in a list that proxies have written: `X-Forwarded-For`, `for=` of `Forwarded`,
 * `X-Real-IP`.
 */
import { isPort } from './host-header.ts'
import { canonicalAddress } from './ip-address.ts'

/** An address in brackets, a zone, a port, and white space around it. */
const ENTRY_LENGTH_MAX = 128

const SPACE = 0x20
const TAB = 0x09

/**
 * The address that stands between the two places, in its one spelling; an IPv4 address that is
 * mapped into IPv6 as IPv4. A port and a zone are left out. `null` when there is no address.
 *
 * At most {@link ENTRY_LENGTH_MAX} characters are read.
 */
export function entryAddress(value: string, from: number, to: number): string | null {
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

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
