/**
 * Instants in what people and applications write: records of sessions and API keys, the
 * configuration, and requests to revoke. One grammar, so that what one place takes the others do.
 *
 *     instant = NumericDate            ; seconds since 1970, up to the last one of the year 9999
 *             / milliseconds           ; since 1970, a number above that: from January 1978 on
 *             / RFC 3339 date-time     ; text, with its zone; without seconds, and without the
 *                                      ; colon in the zone, too
 *
 * Claims of tokens are no such place: RFC 7519 §2 knows NumericDates alone.
 */
import { isAbsent } from './json-members.ts'
import { isNumericDate, NUMERIC_DATE_MAX_SECONDS } from './time-claims.ts'

const MS_PER_SECOND = 1_000

/**
 * RFC 3339 §5.6, and two forms of ISO 8601 that name the same instant everywhere. Without a zone
 * the same text would be another instant on another machine; and the engine's own reading takes
 * even "1" for a date.
 */
const DATE = /(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))/.source
const TIME = /((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)/.source
const ZONE = /([Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)/.source
const DATE_TIME = new RegExp(`^${DATE}[Tt ]${TIME}${ZONE}$`)

/** What an instant may be, for messages. */
export const INSTANT_GRAMMAR =
  'seconds or milliseconds since 1970, or an RFC 3339 date with its zone'

/**
 * Reads an instant, from 1970 to 9999.
 *
 * @returns A NumericDate, fractions included: it is the caller who knows which way to round.
 *   `null` when it is none.
 */
export function instantSeconds(value: unknown): number | null {
  const seconds = typeof value === 'string' ? secondsOfText(value) : secondsOfNumber(value)
  return isNumericDate(seconds) ? seconds : null
}

/**
 * An instant that a record may leave out, rounded down.
 *
 * @returns `null` when absent; `undefined` when it is no instant, which an empty text is not: an
 *   end that cannot be read must not become none.
 */
export function optionalInstant(value: unknown): number | null | undefined {
  if (isAbsent(value)) return null
  const seconds = instantSeconds(value)
  return seconds === null ? undefined : Math.floor(seconds)
}

function secondsOfNumber(value: unknown): unknown {
  if (typeof value !== 'number' || value <= NUMERIC_DATE_MAX_SECONDS) return value
  return value / MS_PER_SECOND
}

function secondsOfText(text: string): number {
  const [, date, time, zone] = DATE_TIME.exec(text) ?? []
  if (date === undefined || time === undefined || zone === undefined) return Number.NaN
  // The engine takes the 30th of February for the 2nd of March.
  const midnight = new Date(`${date}T00:00:00Z`)
  if (!midnight.toISOString().startsWith(date)) return Number.NaN
  // With its colon, because the engine need not know the zone without.
  const offset = zone.length > 1 ? `${zone.slice(0, 3)}:${zone.slice(-2)}` : 'Z'
  return Date.parse(`${date}T${time}${offset}`) / MS_PER_SECOND
}
