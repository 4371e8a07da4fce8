/** Durations as the configuration file writes them: a whole number and a unit. */

/** `250ms`, `30s`, `5m`, `1h`. No fractions and no bare numbers: a unit slip must be visible. */
export const DURATION_PATTERN = /^(0|[1-9][0-9]{0,8})(ms|s|m|h)$/

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** @returns Milliseconds, or `null` when the text is not a duration. */
export function parseDuration(text: string): number | null {
  const match = DURATION_PATTERN.exec(text)
  if (match === null) return null
  const unitMs = UNIT_MS[match[2] ?? '']
  return unitMs === undefined ? null : Number(match[1]) * unitMs
}
