/** One form for all spellings of a name under which a service may find one account. */
import { createHash } from 'node:crypto'

/** A longer value is counted by its digest. In code units. */
const VALUE_LENGTH_MAX = 256
/** Putting a run of combining marks in order takes time that grows with its square. */
const COMPOSED_LENGTH_MAX = 1_024

/**
 * NFKC, without white space around it, in lower case. For counting only: what the service gets is
 * unchanged. Empty for a value that is white space.
 *
 * Does *not* take accents away: a service whose database takes `é` for `e`, as MySQL does unless
 * told otherwise, finds one account under several values.
 *
 * @returns At most 256 code units. The digest of a longer value has capital letters in front, so
 *   it is the value of no other. One of more than 1024 is not composed.
 */
export function countedValue(text: string): string {
  const trimmed = text.trim()
  const isComposed = trimmed.length <= COMPOSED_LENGTH_MAX
  // What composing takes apart may begin with a space: of `¨` it makes one and a mark.
  const value = (isComposed ? trimmed.normalize('NFKC').trim() : trimmed).toLowerCase()
  if (value.length <= VALUE_LENGTH_MAX) return value
  return `SHA-256 ${createHash('sha256').update(value).digest('base64url')}`
}
