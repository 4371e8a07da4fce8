/** Reads the numbers on the command lines of load tests and benches. */

/** @throws When the text is not a number above 0. */
export function positiveNumber(text: string, option: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new Error(`--${option} takes a number above 0, not ${text}.`)
}

/** @throws When the text is not a whole number from 0 on, or too large to be exact. */
export function count(text: string, option: string): number {
  return text.trim() === '0' ? 0 : positiveCount(text, option)
}

/** @throws When the text is not a whole number above 0, or too large to be exact. */
export function positiveCount(text: string, option: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  throw new Error(`--${option} takes a whole number above 0, not ${text}.`)
}
