/**
 * Turns a verdict into bytes for the shared cache, and back.
 *
 *      0  format       u8       2
 *      1  flags        u8       1: text is UTF-16; 2: issuedAt is there; 4: expiresAt is there
 *      2  roles        u16      count
 *      4  scopes       u16      count
 *      6  zero         u16
 *      8  deadAt       f64      seconds
 *     16  issuedAt     f64      seconds, 0 without
 *     24  expiresAt    f64      seconds, 0 without
 *     32  keySlot      i32
 *     36  keyGeneration i32
 *     40  lengths      u16 each: eight strings, then roles, then scopes; 0xffff is null
 *      …  text         all strings, one behind the other
 *
 * All text is one string, cut by lengths in UTF-16 code units: decoding makes one native call
 * whatever the number of strings, and every string comes back exactly as it was, lone surrogates
 * included. Latin-1 where that suffices, which is nearly always. Little-endian throughout.
 */
import type { Identity, Verified } from '../protocol/verification.ts'

const FORMAT = 2
const FLAG_UTF16 = 1
const FLAG_ISSUED_AT = 2
const FLAG_EXPIRES_AT = 4
const FLAGS_ALL = FLAG_UTF16 | FLAG_ISSUED_AT | FLAG_EXPIRES_AT
const LENGTHS_OFFSET = 40
const LENGTH_BYTES = 2
const LENGTH_NULL = 0xffff
const COUNT_MAX = 0xffff
const LATIN1_MAX = 0xff

/** Issuer, subject, email, tenant, organisation, clientId, tokenId, sessionId. */
const SINGLE_STRINGS = 8

/**
 * Writes `verified` at the start of `into`.
 *
 * @returns Its length in bytes, or −1 when it has no room or is no verdict worth keeping (a date
 *   that is not finite).
 */
export function encodeVerified(verified: Verified, into: Buffer): number {
  const { identity } = verified
  const { roles, scopes, issuedAtSeconds, expiresAtSeconds } = identity
  const strings = singleStrings(identity)
  const text = concatenate(strings, roles, scopes)
  const isWide = !isLatin1(text)
  const lengthsBytes = (SINGLE_STRINGS + roles.length + scopes.length) * LENGTH_BYTES
  const lengthBytes = LENGTHS_OFFSET + lengthsBytes + text.length * (isWide ? 2 : 1)
  if (lengthBytes > into.length || roles.length > COUNT_MAX || scopes.length > COUNT_MAX) return -1
  if (!areDatesFinite(verified.deadAtSeconds, issuedAtSeconds, expiresAtSeconds)) return -1

  into[0] = FORMAT
  into[1] = (isWide ? FLAG_UTF16 : 0) | dateFlags(identity)
  into.writeUInt16LE(roles.length, 2)
  into.writeUInt16LE(scopes.length, 4)
  into.writeUInt16LE(0, 6)
  into.writeDoubleLE(verified.deadAtSeconds, 8)
  into.writeDoubleLE(issuedAtSeconds ?? 0, 16)
  into.writeDoubleLE(expiresAtSeconds ?? 0, 24)
  into.writeInt32LE(verified.keySlot, 32)
  into.writeInt32LE(verified.keyGeneration, 36)
  let offset = LENGTHS_OFFSET
  for (const list of [strings, roles, scopes]) {
    for (const string of list) {
      // No string can be as long as LENGTH_NULL: it would not have fitted above.
      offset = into.writeUInt16LE(string === null ? LENGTH_NULL : string.length, offset)
    }
  }
  into.write(text, offset, isWide ? 'utf16le' : 'latin1')
  return lengthBytes
}

/**
 * Reads back what {@link encodeVerified} wrote, deeply frozen: one decoded identity serves many
 * requests.
 *
 * @returns `null` for any bytes that are not exactly one well-formed verdict. Does not check that
 *   the verdict is true: whoever can write the bytes is believed.
 */
export function decodeVerified(bytes: Buffer, lengthBytes: number): Verified | null {
  if (lengthBytes < LENGTHS_OFFSET + SINGLE_STRINGS * LENGTH_BYTES) return null
  if (lengthBytes > bytes.length || !isHeaderKnown(bytes)) return null
  const flags = bytes[1] as number
  const roleCount = bytes.readUInt16LE(2)
  const scopeCount = bytes.readUInt16LE(4)
  const stringCount = SINGLE_STRINGS + roleCount + scopeCount
  const textOffset = LENGTHS_OFFSET + stringCount * LENGTH_BYTES
  if (textOffset > lengthBytes) return null

  const textBytes = lengthBytes - textOffset
  const unitBytes = (flags & FLAG_UTF16) === 0 ? 1 : 2
  if (textLengthOf(bytes, stringCount) * unitBytes !== textBytes) return null

  const encoding = unitBytes === 1 ? 'latin1' : 'utf16le'
  const cursor = new StringCursor(bytes, bytes.toString(encoding, textOffset, lengthBytes))
  const identity = readIdentity(bytes, cursor, roleCount, scopeCount)
  const deadAtSeconds = bytes.readDoubleLE(8)
  if (identity === null || !Number.isFinite(deadAtSeconds)) return null
  return Object.freeze({
    kind: 'verified',
    identity,
    deadAtSeconds,
    keySlot: bytes.readInt32LE(32),
    keyGeneration: bytes.readInt32LE(36),
  })
}

/** Cuts the one text into the strings it was joined from. */
class StringCursor {
  readonly #bytes: Buffer
  readonly #text: string
  #lengthOffset = LENGTHS_OFFSET
  #textOffset = 0

  constructor(bytes: Buffer, text: string) {
    this.#bytes = bytes
    this.#text = text
  }

  next(): string | null {
    const length = this.#bytes.readUInt16LE(this.#lengthOffset)
    this.#lengthOffset += LENGTH_BYTES
    if (length === LENGTH_NULL) return null
    const start = this.#textOffset
    this.#textOffset += length
    return this.#text.slice(start, this.#textOffset)
  }

  /** The next `count` strings, or `null` if one of them is null. */
  nextList(count: number): readonly string[] | null {
    const list: string[] = []
    for (let index = 0; index < count; index += 1) {
      const string = this.next()
      if (string === null) return null
      list.push(string)
    }
    return Object.freeze(list)
  }
}

function readIdentity(
  bytes: Buffer,
  cursor: StringCursor,
  roleCount: number,
  scopeCount: number,
): Identity | null {
  const issuer = cursor.next()
  const subject = cursor.next()
  const email = cursor.next()
  const tenant = cursor.next()
  const organisation = cursor.next()
  const clientId = cursor.next()
  const tokenId = cursor.next()
  const sessionId = cursor.next()
  const roles = cursor.nextList(roleCount)
  const scopes = cursor.nextList(scopeCount)
  if (issuer === null || subject === null || roles === null || scopes === null) return null
  const flags = bytes[1] as number
  const issuedAtSeconds = (flags & FLAG_ISSUED_AT) !== 0 ? bytes.readDoubleLE(16) : null
  const expiresAtSeconds = (flags & FLAG_EXPIRES_AT) !== 0 ? bytes.readDoubleLE(24) : null
  if (!areDatesFinite(0, issuedAtSeconds, expiresAtSeconds)) return null
  return Object.freeze({
    issuer,
    subject,
    email,
    roles,
    scopes,
    tenant,
    organisation,
    clientId,
    tokenId,
    sessionId,
    issuedAtSeconds,
    expiresAtSeconds,
  })
}

function dateFlags({ issuedAtSeconds, expiresAtSeconds }: Identity): number {
  const issuedAt = issuedAtSeconds === null ? 0 : FLAG_ISSUED_AT
  return issuedAt | (expiresAtSeconds === null ? 0 : FLAG_EXPIRES_AT)
}

function singleStrings(identity: Identity): readonly (string | null)[] {
  const { issuer, subject, email, tenant, organisation, clientId, tokenId, sessionId } = identity
  return [issuer, subject, email, tenant, organisation, clientId, tokenId, sessionId]
}

function concatenate(
  strings: readonly (string | null)[],
  roles: readonly string[],
  scopes: readonly string[],
): string {
  let text = ''
  for (const string of strings) text += string ?? ''
  for (const role of roles) text += role
  for (const scope of scopes) text += scope
  return text
}

function isLatin1(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > LATIN1_MAX) return false
  }
  return true
}

function isHeaderKnown(bytes: Buffer): boolean {
  const flags = bytes[1] as number
  return bytes[0] === FORMAT && (flags & ~FLAGS_ALL) === 0 && bytes.readUInt16LE(6) === 0
}

/** Sum of the stored lengths, in code units. */
function textLengthOf(bytes: Buffer, stringCount: number): number {
  let sum = 0
  for (let index = 0; index < stringCount; index += 1) {
    const length = bytes.readUInt16LE(LENGTHS_OFFSET + index * LENGTH_BYTES)
    if (length !== LENGTH_NULL) sum += length
  }
  return sum
}

function areDatesFinite(
  deadAtSeconds: number,
  issuedAtSeconds: number | null,
  expiresAtSeconds: number | null,
): boolean {
  return [deadAtSeconds, issuedAtSeconds ?? 0, expiresAtSeconds ?? 0].every(Number.isFinite)
}
