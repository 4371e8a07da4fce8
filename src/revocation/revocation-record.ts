/** The text of a revocation in the log that all instances read: digests, never raw values. */
import { parseJsonText } from '../protocol/strict-json.ts'
import { SECONDS_MAX } from './layout.ts'
import { REVOCATION_LIFE_MAX_SECONDS, type RevocationEntry } from './revocation-entry.ts'
import { isRevocationKey, type RevocationKind } from './revocation-key.ts'

/** Much longer than a record of this version, and short enough to parse without a thought. */
const RECORD_LENGTH_MAX = 1_024
/** Between the clocks of two instances, and for the tolerance that is part of `until`. */
const LIFE_MARGIN_SECONDS = 3_600
/** The first version of this format, and the one that has `issuer` and `lifted`. */
const VERSION_FIRST = 1
const VERSION = 2

const HAS_WATERMARK: Readonly<Record<RevocationKind, boolean>> = {
  jti: false,
  sid: false,
  sub: true,
  issuer: true,
}

interface WrittenRecord {
  readonly version: number
  readonly kind: RevocationEntry['kind']
  readonly key: string
  readonly watermark: number | null
  readonly until: number
  /** Since version 2: in whose share it is counted. */
  readonly issuer?: string
}

/**
 * One text for one entry: the same entry is always written in the same way. In that of the first
 * version where that can say it all, because its readers skip every other.
 */
export function encodeRevocationRecord(entry: RevocationEntry): string {
  const { kind, key, issuer, watermarkSeconds: watermark, untilSeconds: until } = entry
  const told = entry.tellsIssuer && issuer !== null ? { issuer } : {}
  const isFirst = kind !== 'lifted' && told.issuer === undefined
  const version = isFirst ? VERSION_FIRST : VERSION
  const record: WrittenRecord = { version, kind, key, watermark, until, ...told }
  return JSON.stringify(record)
}

/**
 * Reads a record of this version, an earlier or a later one: members that it does not know are
 * ignored, so that a later version can add to what a revocation says.
 *
 * @returns `null` for what is no record, says a kind that is not known here, or would be kept
 *   absurdly long.
 */
export function parseRevocationRecord(text: string, nowSeconds: number): RevocationEntry | null {
  if (text.length > RECORD_LENGTH_MAX) return null
  const record: Partial<Record<keyof WrittenRecord, unknown>> | null = parseJsonText(text)
  if (record === null) return null
  const { version, kind, key, watermark = null, until, issuer = null } = record
  if (!isSeconds(version) || version < VERSION_FIRST) return null
  if (!isKind(kind) || !isRevocationKey(key) || !isSeconds(until)) return null
  if (until > nowSeconds + REVOCATION_LIFE_MAX_SECONDS + LIFE_MARGIN_SECONDS) return null
  if (watermark !== null && !isSeconds(watermark)) return null
  if (kind !== 'lifted' && (watermark !== null) !== HAS_WATERMARK[kind]) return null
  // Only what is counted depends on it: a later version may name issuers in another way.
  const share = isRevocationKey(issuer) ? issuer : null
  const tellsIssuer = share !== null
  return { kind, key, issuer: share, tellsIssuer, watermarkSeconds: watermark, untilSeconds: until }
}

function isKind(value: unknown): value is RevocationEntry['kind'] {
  return typeof value === 'string' && (value === 'lifted' || Object.hasOwn(HAS_WATERMARK, value))
}

function isSeconds(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= SECONDS_MAX
}
