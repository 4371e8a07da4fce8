/**
 * Hot path: turns the bytes of a response header's name into a string that is made once, together
 * with what to do about such a field.
 *
 * Upstreams send the same few names in every answer. A small direct-mapped table saves the decoding
 * and the checks for all but the first: a place is found by a hash of the bytes and believed only
 * if all the bytes are equal, so that a collision costs time and nothing else.
 */

/** What happens to a response field of this name. Integers, compared for every field. */
export const FIELD_RELAYED = 0
/** Hop-by-hop, set by the server itself, or no token at all (RFC 9110 §5.1). */
const FIELD_DROPPED = 1
export const FIELD_CONTENT_LENGTH = 2
export const FIELD_CONNECTION = 3
/** On some routes the gateway's own alone: {@link withholdField}. */
export const FIELD_WITHHELD = 4

type FieldTreatment =
  | typeof FIELD_RELAYED
  | typeof FIELD_DROPPED
  | typeof FIELD_CONTENT_LENGTH
  | typeof FIELD_CONNECTION
  | typeof FIELD_WITHHELD

export interface FieldName {
  readonly bytes: Uint8Array
  /** As the upstream spelled it. */
  readonly text: string
  readonly lowerCase: string
  readonly treatment: FieldTreatment
}

/** Places in the table; a power of two, because the hash is masked. */
const TABLE_SIZE = 512
/** Longer names are decoded every time. */
const TABLE_NAME_BYTES_MAX = 64

const DROPPED: ReadonlySet<string> = new Set([
  'date',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Few, whatever is configured: one for each name that a route gives its codes. */
const withheld = new Set<string>()

const table: (FieldName | null)[] = new Array<FieldName | null>(TABLE_SIZE).fill(null)

/**
 * Has fields of this name told apart from those that are simply relayed, in this thread and for
 * good. Others cost nothing more.
 *
 * @param lowerCase A token.
 */
export function withholdField(lowerCase: string): void {
  if (withheld.has(lowerCase)) return
  withheld.add(lowerCase)
  table.fill(null)
}

/** What these bytes are called and how a field of that name is treated. */
export function fieldName(bytes: Buffer): FieldName {
  const length = bytes.length
  if (length > TABLE_NAME_BYTES_MAX) return createFieldName(bytes)
  let hash = length
  for (let index = 0; index < length; index += 1) {
    hash = (Math.imul(hash, 31) + (bytes[index] as number)) | 0
  }
  const place = (hash ^ (hash >>> 15)) & (TABLE_SIZE - 1)
  const known = table[place] as FieldName | null
  if (known !== null && holdsBytes(known.bytes, bytes, length)) return known
  const created = createFieldName(bytes)
  table[place] = created
  return created
}

function holdsBytes(known: Uint8Array, bytes: Buffer, length: number): boolean {
  if (known.length !== length) return false
  for (let index = 0; index < length; index += 1) {
    if (known[index] !== bytes[index]) return false
  }
  return true
}

function createFieldName(bytes: Buffer): FieldName {
  const text = bytes.toString('latin1')
  const lowerCase = text.toLowerCase()
  return {
    // A copy: the bytes are a view of a whole read from the socket, which would be kept alive.
    bytes: Uint8Array.from(bytes),
    text,
    lowerCase,
    treatment: treatmentOf(lowerCase),
  }
}

function treatmentOf(lowerCase: string): FieldTreatment {
  if (lowerCase === 'content-length') return FIELD_CONTENT_LENGTH
  if (lowerCase === 'connection') return FIELD_CONNECTION
  if (withheld.has(lowerCase)) return FIELD_WITHHELD
  return DROPPED.has(lowerCase) || !TOKEN.test(lowerCase) ? FIELD_DROPPED : FIELD_RELAYED
}
