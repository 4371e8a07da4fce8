/** Rates as the configuration writes them: how many in one unit of time. */

/** `10/m`, `1000/s`, `5/h`, `1/d`. */
export const RATE_PROBLEM = 'must be a rate such as 1000/s, 10/m, 5/h or 1/d'

const RATE = /^([1-9][0-9]{0,6})\/(s|m|h|d)$/

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** Beyond that, the time between two requests is less than cells can tell apart. */
const PER_SECOND_MAX = 100_000

export interface Rate {
  /** Requests in one period. */
  readonly count: number
  /** Length of the period, in seconds. */
  readonly periodSeconds: number
}

/** @returns `null` when the text is not a rate, or more than 100 000 a second. */
export function parseRate(text: string): Rate | null {
  const match = RATE.exec(text)
  const periodSeconds = UNIT_SECONDS[match?.[2] ?? '']
  if (match === null || periodSeconds === undefined) return null
  const count = Number(match[1])
  return count / periodSeconds > PER_SECOND_MAX ? null : { count, periodSeconds }
}
