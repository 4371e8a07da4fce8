/**
 * Hot path where addresses are restricted: whether an address is in one of several ranges, by
 * binary search, with nothing remembered that a client could fill up.
 */
import { type AddressBits, addressBits, isIpv4 } from './ip-address.ts'

const GROUP_BITS = 16
const GROUP_MAX = 0xffff
const ADDRESS_BITS = 128
/** Before the IPv4 address in an IPv6 address that maps it. */
const MAPPED_BITS = 96
const PREFIX_DIGITS_MAX = 3

export const ADDRESS_RANGE_PROBLEM =
  'must be an IP address or a CIDR range such as 10.0.0.0/8, in which every bit behind the prefix ' +
  'is zero'

/** First and last address, both of which belong to it. */
interface Range {
  readonly first: AddressBits
  readonly last: AddressBits
}

/**
 * The text, if it is an address, or an address and a prefix length (RFC 4632 §3.1, RFC 4291 §2.3);
 * else `null`.
 *
 * `10.0.0.1/8` is refused: it is not said whether one address is meant or sixteen million.
 */
export function parseAddressRange(text: string): string | null {
  return readRange(text) === null ? null : text
}

export class AddressRanges {
  /** Each sorted, without overlaps. */
  readonly #ipv4: readonly Range[]
  readonly #ipv6: readonly Range[]

  /**
   * @param ranges Checked with {@link parseAddressRange}.
   * @throws Error When one was not: left out of a list of what is denied, it would let it in.
   */
  constructor(ranges: readonly string[]) {
    const read = ranges.map((text) => {
      const range = readRange(text)
      if (range === null) throw new Error('an address range was not checked where it was read')
      return range
    })
    this.#ipv4 = merged(read.filter(isIpv4Range))
    this.#ipv6 = merged(read.filter((range) => !isIpv4Range(range)))
  }

  /** Whether there is no range, so that a caller need not even ask for the address. */
  get isEmpty(): boolean {
    return this.#ipv4.length === 0 && this.#ipv6.length === 0
  }

  /**
   * IPv4 addresses, mapped into IPv6 or not, are only in ranges of IPv4: `::/0` has none of them.
   *
   * @param address As text. Not an address: in no range.
   */
  has(address: string): boolean {
    if (this.isEmpty) return false
    const bits = addressBits(address)
    if (bits === null) return false
    return isIn(isIpv4(bits) ? this.#ipv4 : this.#ipv6, bits)
  }
}

function isIn(ranges: readonly Range[], bits: AddressBits): boolean {
  let low = 0
  let high = ranges.length
  // Behind the last range that begins at or before the address.
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle] as Range).first <= bits) low = middle + 1
    else high = middle
  }
  const range = ranges[low - 1]
  return range !== undefined && bits <= range.last
}

function isIpv4Range({ first, last }: Range): boolean {
  return isIpv4(first) && isIpv4(last)
}

function merged(ranges: readonly Range[]): readonly Range[] {
  // Of two that begin alike, the longer one first: it contains the other.
  const sorted = ranges.toSorted((one, other) => {
    if (one.first !== other.first) return one.first < other.first ? -1 : 1
    return one.last > other.last ? -1 : 1
  })
  const result: Range[] = []
  for (const range of sorted) {
    const before = result.at(-1)
    // Of two prefixes, one contains the other, or they have no address in common.
    if (before === undefined || range.first > before.last) result.push(range)
  }
  return result
}

function readRange(text: string): Range | null {
  const slash = text.indexOf('/')
  if (slash === -1) {
    const bits = addressBits(text)
    return bits === null ? null : { first: bits, last: bits }
  }
  const address = text.slice(0, slash)
  const first = addressBits(address)
  if (first === null) return null
  const prefix = prefixLength(text.slice(slash + 1), address.includes(':'))
  if (prefix === null || withHostBits(first, prefix, 0) !== first) return null
  return { first, last: withHostBits(first, prefix, GROUP_MAX) }
}

/** In bits of 128; `null` when it is none of the family. */
function prefixLength(text: string, isIpv6: boolean): number | null {
  if (text.length === 0 || text.length > PREFIX_DIGITS_MAX) return null
  const length = Number(text)
  if (String(length) !== text || length < 0) return null
  const inAll = isIpv6 ? length : length + MAPPED_BITS
  return inAll <= ADDRESS_BITS ? inAll : null
}

/** @param fill What all groups of the bits behind the prefix become: 0, or all ones. */
function withHostBits(bits: AddressBits, prefix: number, fill: number): AddressBits {
  let result = ''
  for (let index = 0; index < bits.length; index += 1) {
    const kept = Math.min(Math.max(prefix - index * GROUP_BITS, 0), GROUP_BITS)
    const hostMask = GROUP_MAX >> kept
    result += String.fromCharCode((bits.charCodeAt(index) & ~hostMask) | (fill & hostMask))
  }
  return result as AddressBits
}
