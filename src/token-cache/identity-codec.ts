/**
 * Turns a verdict into bytes for the shared cache, and back.
 *
 *      0  format       u8       5
 *      1  flags        u8       1: text is UTF-16; 2: issuedAt is there; 4: expiresAt is there;
 *                              8: there are claims
 *      2  lengths      u16      how many
 *      4  zero         u32
 *      8  deadAt       f64      seconds
 *     16  issuedAt     f64      seconds, 0 without
 *     24  expiresAt    f64      seconds, 0 without
 *     32  keySlot      i32
 *     36  keyGeneration i32
 *     40  lengths      u16 each: of a string, 0xffff is null; of a list its count and the lengths
 *                      of its strings. Those of every identity, then the parts in their order
 *      …  text         all strings, one behind the other
 *
 * All text is one string, cut by lengths in UTF-16 code units: decoding makes one native call
 * whatever the number of strings, and every string comes back exactly as it was, lone surrogates
 * included. Latin-1 where that suffices, which is nearly always. Little-endian throughout.
 */
import {
  byPart,
  IDENTITY_PARTS,
  type PartReader,
  readIdentity,
} from '../protocol/identity-parts.ts'
import { type KeptClaim, type KeptClaims, keptClaimOf, NO_CLAIMS } from '../protocol/kept-claims.ts'
import type { Identity, Verified } from '../protocol/verification.ts'

const FORMAT = 5
const FLAG_UTF16 = 1
const FLAG_ISSUED_AT = 2
const FLAG_EXPIRES_AT = 4
const FLAG_CLAIMS = 8
const FLAGS_ALL = FLAG_UTF16 | FLAG_ISSUED_AT | FLAG_EXPIRES_AT | FLAG_CLAIMS
const LENGTHS_OFFSET = 40
const LENGTH_BYTES = 2
const LENGTH_NULL = 0xffff
const LENGTHS_MAX = 0xffff
const LATIN1_MAX = 0xff
const NO_STRINGS: readonly string[] = Object.freeze([])

/** Issuer, subject, clientId, audiences, tokenId, sessionId; each part has one at least. */
const LENGTHS_MIN = 6 + IDENTITY_PARTS.length

/** The parts need no names here: they are read in the order in which they were written. */
const NO_NAMES = byPart(() => null)

/**
 * Writes `verified` at the start of `into`.
 *
 * @returns Its length in bytes, or −1 when it has no room or is no verdict worth keeping (a date
 *   that is not finite).
 */
export function encodeVerified(verified: Verified, into: Buffer): number {
  const { identity } = verified
  const { issuedAtSeconds, expiresAtSeconds } = identity
  const lengths: number[] = []
  const text = takeApart(identity, lengths)
  const isWide = !isLatin1(text)
  const textOffset = LENGTHS_OFFSET + lengths.length * LENGTH_BYTES
  const lengthBytes = textOffset + text.length * (isWide ? 2 : 1)
  if (lengthBytes > into.length || lengths.length > LENGTHS_MAX) return -1
  if (!areDatesFinite(verified.deadAtSeconds, issuedAtSeconds, expiresAtSeconds)) return -1

  into[0] = FORMAT
  into[1] = (isWide ? FLAG_UTF16 : 0) | flagsOf(identity)
  into.writeUInt16LE(lengths.length, 2)
  into.writeUInt32LE(0, 4)
  into.writeDoubleLE(verified.deadAtSeconds, 8)
  into.writeDoubleLE(issuedAtSeconds ?? 0, 16)
  into.writeDoubleLE(expiresAtSeconds ?? 0, 24)
  into.writeInt32LE(verified.keySlot, 32)
  into.writeInt32LE(verified.keyGeneration, 36)
  let offset = LENGTHS_OFFSET
  for (const length of lengths) {
    into[offset] = length & 0xff
    into[offset + 1] = length >> 8
    offset += LENGTH_BYTES
  }
  into.write(text, textOffset, isWide ? 'utf16le' : 'latin1')
  return lengthBytes
}

/**
 * Reads back what {@link encodeVerified} wrote, deeply frozen: one decoded identity serves many
 * requests.
 *
 * @returns `null` for any bytes that are not exactly one well-formed verdict. Does not check that
 *   the verdict is true: the writer of the bytes is trusted.
 */
export function decodeVerified(bytes: Buffer, lengthBytes: number): Verified | null {
  if (lengthBytes < LENGTHS_OFFSET) return null
  if (lengthBytes > bytes.length || !isHeaderKnown(bytes)) return null
  const lengthCount = bytes.readUInt16LE(2)
  const textOffset = LENGTHS_OFFSET + lengthCount * LENGTH_BYTES
  if (lengthCount < LENGTHS_MIN || textOffset > lengthBytes) return null

  const isWide = ((bytes[1] as number) & FLAG_UTF16) !== 0
  if (isWide && (lengthBytes - textOffset) % 2 !== 0) return null
  const text = bytes.toString(isWide ? 'utf16le' : 'latin1', textOffset, lengthBytes)
  const identity = decodeIdentity(bytes, new StringCursor(bytes, textOffset, text))
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
class StringCursor implements PartReader {
  isMistyped = false
  readonly #bytes: Buffer
  readonly #lengthsEnd: number
  readonly #text: string
  #lengthOffset = LENGTHS_OFFSET
  #textOffset = 0

  constructor(bytes: Buffer, lengthsEnd: number, text: string) {
    this.#bytes = bytes
    this.#lengthsEnd = lengthsEnd
    this.#text = text
  }

  /** Whether every length and all of the text has been used, and no more. */
  get isAtEnd(): boolean {
    return this.#lengthOffset === this.#lengthsEnd && this.#textOffset === this.#text.length
  }

  /** Beyond the end of the text it gives what there is, and is not at its end any more. */
  next(): string | null {
    const length = this.#nextLength()
    if (length === LENGTH_NULL) return null
    const start = this.#textOffset
    this.#textOffset += length
    return this.#text.slice(start, this.#textOffset)
  }

  text(): string | null {
    return this.next()
  }

  /** The next list; mistyped if one of its strings is null, or it is longer than what follows. */
  texts(): readonly string[] {
    const count = this.#nextLength()
    if (count === 0) return NO_STRINGS
    const list: string[] = []
    if (this.#lengthOffset + count * LENGTH_BYTES > this.#lengthsEnd) return this.#mistyped()
    for (let index = 0; index < count; index += 1) {
      const string = this.next()
      if (string === null) return this.#mistyped()
      list.push(string)
    }
    return Object.freeze(list)
  }

  scopes(): readonly string[] {
    return this.texts()
  }

  /** The next list of claims; mistyped as {@link texts}, but for claims that are absent. */
  claims(): KeptClaims {
    const count = this.#nextLength()
    const claims: (KeptClaim | null)[] = []
    if (this.#lengthOffset + count * LENGTH_BYTES > this.#lengthsEnd) this.isMistyped = true
    for (let index = 0; index < count && !this.isMistyped; index += 1) {
      const json = this.next()
      claims.push(json === null ? null : keptClaimOf(json))
    }
    return Object.freeze(claims)
  }

  #mistyped(): readonly string[] {
    this.isMistyped = true
    return []
  }

  /** Null beyond the end. */
  #nextLength(): number {
    const offset = this.#lengthOffset
    this.#lengthOffset += LENGTH_BYTES
    if (offset >= this.#lengthsEnd) return LENGTH_NULL
    return (this.#bytes[offset] as number) | ((this.#bytes[offset + 1] as number) << 8)
  }
}

function decodeIdentity(bytes: Buffer, cursor: StringCursor): Identity | null {
  const issuer = cursor.next()
  const subject = cursor.next()
  if (issuer === null || subject === null) return null
  const flags = bytes[1] as number
  const issuedAtSeconds = (flags & FLAG_ISSUED_AT) !== 0 ? bytes.readDoubleLE(16) : null
  const expiresAtSeconds = (flags & FLAG_EXPIRES_AT) !== 0 ? bytes.readDoubleLE(24) : null
  if (!areDatesFinite(0, issuedAtSeconds, expiresAtSeconds)) return null
  const core = {
    issuer,
    subject,
    clientId: cursor.next(),
    audiences: cursor.texts(),
    tokenId: cursor.next(),
    sessionId: cursor.next(),
    issuedAtSeconds,
    expiresAtSeconds,
    claims: (flags & FLAG_CLAIMS) === 0 ? NO_CLAIMS : cursor.claims(),
  }
  const identity = readIdentity(core, NO_NAMES, cursor)
  return identity !== null && cursor.isAtEnd ? Object.freeze(identity) : null
}

function flagsOf({ issuedAtSeconds, expiresAtSeconds, claims }: Identity): number {
  const issuedAt = issuedAtSeconds === null ? 0 : FLAG_ISSUED_AT
  const expiresAt = expiresAtSeconds === null ? 0 : FLAG_EXPIRES_AT
  return issuedAt | expiresAt | (claims.length === 0 ? 0 : FLAG_CLAIMS)
}

/** @returns All text of the identity. Its lengths are added to the list. */
function takeApart(identity: Identity, lengths: number[]): string {
  let text = takeString(identity.issuer, lengths)
  text += takeString(identity.subject, lengths)
  text += takeString(identity.clientId, lengths)
  text += takeStrings(identity.audiences, lengths)
  text += takeString(identity.tokenId, lengths)
  text += takeString(identity.sessionId, lengths)
  if (identity.claims.length > 0) {
    lengths.push(identity.claims.length)
    for (const claim of identity.claims) text += takeString(claim?.json ?? null, lengths)
  }
  for (const { name } of IDENTITY_PARTS) {
    const value = identity[name]
    if (value === null || typeof value === 'string') text += takeString(value, lengths)
    else text += takeStrings(value, lengths)
  }
  return text
}

function takeStrings(strings: readonly string[], lengths: number[]): string {
  lengths.push(strings.length)
  let text = ''
  for (const string of strings) text += takeString(string, lengths)
  return text
}

/** No string has the length of null: such a text has no room anywhere. */
function takeString(string: string | null, lengths: number[]): string {
  lengths.push(string === null ? LENGTH_NULL : string.length)
  return string ?? ''
}

function isLatin1(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > LATIN1_MAX) return false
  }
  return true
}

function isHeaderKnown(bytes: Buffer): boolean {
  const flags = bytes[1] as number
  return bytes[0] === FORMAT && (flags & ~FLAGS_ALL) === 0 && bytes.readUInt32LE(4) === 0
}

function areDatesFinite(
  deadAtSeconds: number,
  issuedAtSeconds: number | null,
  expiresAtSeconds: number | null,
): boolean {
  return (
    Number.isFinite(deadAtSeconds) &&
    Number.isFinite(issuedAtSeconds ?? 0) &&
    Number.isFinite(expiresAtSeconds ?? 0)
  )
}
