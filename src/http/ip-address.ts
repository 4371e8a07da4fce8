/**
 * IP addresses as text and as bits: read, compared, and written in their one spelling.
 *
 * Hot path where addresses are compared: char codes, no RegExp, one short string allocated.
 */

declare const addressBitsBrand: unique symbol

/**
 * The 128 bits of an address as eight code units, one for each group of IPv6: two of them compare
 * as the addresses do, `===` and `<` alike. An IPv4 address is the one that maps it into IPv6
 * (RFC 4291 §2.5.5.2), so that both spellings of it are one.
 */
export type AddressBits = string & { readonly [addressBitsBrand]: true }

/** Eight groups of four digits, or six of them and an IPv4 address, with what is between them. */
const ADDRESS_LENGTH_MAX = 45

const GROUPS = 8
const GROUP_DIGITS_MAX = 4
const IPV4_BYTES = 4
const IPV4_GROUPS = 2
const BYTE_DIGITS_MAX = 3
const BYTE_MAX = 0xff
const GROUP_MAX = 0xffff
const MAPPED = '\0\0\0\0\0\uffff'
const NO_NUMBER = -1
const DIGIT_ZERO = 0x30
const DIGIT_NINE = 0x39
const LETTER_A = 0x61
const LETTER_F = 0x66
const CASE_BIT = 0x20

/**
 * The address that the whole text is: IPv4 dotted with four numbers without leading zeros, or IPv6
 * (RFC 4291 §2.2), in any case. `null` for all else: no port, no brackets, no zone.
 */
export function addressBits(text: string): AddressBits | null {
  if (text.length > ADDRESS_LENGTH_MAX) return null
  if (text.includes(':')) return ipv6Bits(text) as AddressBits | null
  const groups = ipv4Groups(text)
  return groups === null ? null : ((MAPPED + groups) as AddressBits)
}

/** The address in its one spelling, IPv4 that is mapped into IPv6 as IPv4; `null`: it is none. */
export function canonicalAddress(text: string): string | null {
  const bits = addressBits(text)
  if (bits === null) return null
  // IPv4 is read in one spelling only.
  return text.includes(':') ? bitsText(bits) : text
}

/** Whether these are the bits of an IPv4 address. */
export function isIpv4(bits: AddressBits): boolean {
  return bits.startsWith(MAPPED)
}

/** IPv4 dotted, IPv6 compressed and in lower case (RFC 5952 §4). */
export function bitsText(bits: AddressBits): string {
  const groups = Array.from({ length: GROUPS }, (_, index) => bits.charCodeAt(index))
  if (isIpv4(bits)) {
    return groups
      .slice(-IPV4_GROUPS)
      .flatMap((group) => [group >> 8, group & BYTE_MAX])
      .join('.')
  }
  const { start, length } = longestZeros(groups)
  const words = groups.map((group) => group.toString(16))
  // One group of zero is written as it is (§4.2.2).
  if (length < 2) return words.join(':')
  return `${words.slice(0, start).join(':')}::${words.slice(start + length).join(':')}`
}

/** @param bytes Four or sixteen. */
export function bitsOfBytes(bytes: Uint8Array): AddressBits {
  let bits = bytes.length === IPV4_BYTES ? MAPPED : ''
  for (let index = 0; index < bytes.length; index += 2) {
    bits += String.fromCharCode(((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0))
  }
  return bits as AddressBits
}

function ipv6Bits(text: string): string | null {
  const gap = text.indexOf('::')
  if (gap === -1) {
    const groups = ipv6Groups(text, true)
    return groups !== null && groups.length === GROUPS ? groups : null
  }
  const head = ipv6Groups(text.slice(0, gap), false)
  const tail = ipv6Groups(text.slice(gap + 2), true)
  if (head === null || tail === null) return null
  const missing = GROUPS - head.length - tail.length
  // `::` stands for at least one group.
  return missing < 1 ? null : head + '\0'.repeat(missing) + tail
}

/**
 * Groups with colons between them; of an empty text none.
 * @param isEnd Whether the last 32 bits may be written as an IPv4 address.
 */
function ipv6Groups(text: string, isEnd: boolean): string | null {
  let groups = ''
  for (let start = 0; start <= text.length && text !== ''; ) {
    const colon = text.indexOf(':', start)
    const isLast = colon === -1
    const end = isLast ? text.length : colon
    const isDotted = isLast && isEnd && text.includes('.', start)
    const group = isDotted ? ipv4Groups(text.slice(start)) : ipv6Group(text, start, end)
    if (group === null) return null
    groups += group
    start = end + 1
  }
  return groups
}

function ipv6Group(text: string, start: number, end: number): string | null {
  if (end === start || end - start > GROUP_DIGITS_MAX) return null
  let value = 0
  for (let index = start; index < end; index += 1) {
    const digit = hexDigit(text.charCodeAt(index))
    if (digit === NO_NUMBER) return null
    value = (value << 4) | digit
  }
  return String.fromCharCode(value)
}

function hexDigit(code: number): number {
  if (code >= DIGIT_ZERO && code <= DIGIT_NINE) return code - DIGIT_ZERO
  const folded = code | CASE_BIT
  return folded >= LETTER_A && folded <= LETTER_F ? folded - LETTER_A + 10 : NO_NUMBER
}

/** An IPv4 address as the two groups that it fills. */
function ipv4Groups(text: string): string | null {
  let value = 0
  let start = 0
  for (let place = 1; place <= IPV4_BYTES; place += 1) {
    const end = place === IPV4_BYTES ? text.length : text.indexOf('.', start)
    const byte = ipv4Byte(text, start, end)
    if (byte === NO_NUMBER) return null
    value = (value << 8) | byte
    start = end + 1
  }
  return String.fromCharCode(value >>> 16, value & GROUP_MAX)
}

/** @param end Before the start, when there is none. */
function ipv4Byte(text: string, start: number, end: number): number {
  const length = end - start
  if (length < 1 || length > BYTE_DIGITS_MAX) return NO_NUMBER
  // Others read a leading zero as octal.
  if (length > 1 && text.charCodeAt(start) === DIGIT_ZERO) return NO_NUMBER
  let value = 0
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index)
    if (code < DIGIT_ZERO || code > DIGIT_NINE) return NO_NUMBER
    value = value * 10 + code - DIGIT_ZERO
  }
  return value <= BYTE_MAX ? value : NO_NUMBER
}

/** The longest run of groups of zero, the first of several (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let index = 0; index <= groups.length; index += 1) {
    if (groups[index] === 0) continue
    if (index - start > best.length) best = { start, length: index - start }
    start = index + 1
  }
  return best
}
