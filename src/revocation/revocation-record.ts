/** The text of a revocation in the log that all instances read: digests, never raw values. */
import { parseJsonText } from '../protocol/strict-json.ts'
import { SECONDS_MAX } from './layout.ts'
import { REVOCATION_LIFE_MAX_SECONDS, type RevocationEntry } from './revocation-entry.ts'
import { isRevocationKey, type RevocationKind } from './revocation-key.ts'

/** Longer than any record, and short enough to parse without a thought. */
const RECORD_LENGTH_MAX = 256
/** Between the clocks of two instances, and for the tolerance that is part of `until`. */
const LIFE_MARGIN_SECONDS = 3_600
const VERSION = 1

const HAS_WATERMARK: Readonly<Record<RevocationKind, boolean>> = {
  jti: false,
  sid: false,
  sub: true,
  issuer: true,
}

interface WrittenRecord {
  readonly version: number
  readonly kind: RevocationKind
  readonly key: string
  readonly watermark: number | null
  readonly until: number
}

/** One text for one entry: the same entry is always written in the same way. */
export function encodeRevocationRecord(entry: RevocationEntry): string {
  const record: WrittenRecord = {
    version: VERSION,
    kind: entry.kind,
    key: entry.key,
    watermark: entry.watermarkSeconds,
    until: entry.untilSeconds,
  }
  return JSON.stringify(record)
}

/**
 * Reads a record, and only one that {@link encodeRevocationRecord} could have written: no other
 * member, order or white space, so no two readers can take it for different things.
 *
 * @returns `null` for anything else, and for an entry that would be kept absurdly long.
 */
export function parseRevocationRecord(text: string, nowSeconds: number): RevocationEntry | null {
  if (text.length > RECORD_LENGTH_MAX) return null
  const record: Partial<Record<keyof WrittenRecord, unknown>> | null = parseJsonText(text)
  if (record === null) return null
  const { kind, key, watermark, until } = record
  if (!isKind(kind) || !isRevocationKey(key) || !isSeconds(until)) return null
  if (until > nowSeconds + REVOCATION_LIFE_MAX_SECONDS + LIFE_MARGIN_SECONDS) return null
  const watermarkSeconds = watermark ?? null
  if (watermarkSeconds !== null && !isSeconds(watermarkSeconds)) return null
  if ((watermarkSeconds !== null) !== HAS_WATERMARK[kind]) return null
  const entry = { kind, key, watermarkSeconds, untilSeconds: until }
  return encodeRevocationRecord(entry) === text ? entry : null
}

function isKind(value: unknown): value is RevocationKind {
  return typeof value === 'string' && Object.hasOwn(HAS_WATERMARK, value)
}

function isSeconds(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= SECONDS_MAX
}
