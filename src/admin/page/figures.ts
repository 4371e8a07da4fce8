/** Numbers as people read them: few digits, one width, a unit. */

const MICROS_PER_MS = 1_000
const MICROS_PER_SECOND = 1_000_000
const SECONDS_PER_MINUTE = 60
const SECONDS_PER_HOUR = 3_600
const SECONDS_PER_DAY = 86_400
const BYTES_PER_MIB = 1_048_576

/** Of something that is not there. */
export const NONE = '–'

export function amount(value: number): string {
  if (value >= 10_000_000) return `${(value / 1_000_000).toFixed(1)} M`
  if (value >= 100_000) return `${(value / 1_000).toFixed(0)} k`
  if (value >= 10_000) return `${(value / 1_000).toFixed(1)} k`
  if (value >= 100 || Number.isInteger(value)) return grouped(Math.round(value))
  return value.toFixed(value >= 10 ? 1 : 2)
}

export function share(part: number, whole: number): string {
  return whole === 0 ? NONE : percent(part / whole)
}

/** @param value 0 to 1. What is not quite 0 or 1 is not shown as that. */
export function percent(value: number): string {
  const hundredths = value * 100
  if (hundredths === 0 || hundredths === 100) return `${hundredths} %`
  if (hundredths < 0.1) return '< 0.1 %'
  if (hundredths > 99.9) return '> 99.9 %'
  return `${hundredths.toFixed(1)} %`
}

export function latency(micros: number): string {
  if (micros < MICROS_PER_MS) return `${Math.round(micros)} µs`
  if (micros < MICROS_PER_SECOND) return `${threeDigits(micros / MICROS_PER_MS)} ms`
  return `${threeDigits(micros / MICROS_PER_SECOND)} s`
}

export function duration(seconds: number): string {
  if (seconds < SECONDS_PER_MINUTE) return `${Math.floor(seconds)} s`
  if (seconds < SECONDS_PER_HOUR) return `${Math.floor(seconds / SECONDS_PER_MINUTE)} min`
  if (seconds < SECONDS_PER_DAY)
    return inTwo(seconds, SECONDS_PER_HOUR, 'h', SECONDS_PER_MINUTE, 'min')
  return inTwo(seconds, SECONDS_PER_DAY, 'd', SECONDS_PER_HOUR, 'h')
}

export function mebibytes(bytes: number): string {
  return `${grouped(Math.round(bytes / BYTES_PER_MIB))} MiB`
}

/** Of the day, where the browser is. */
export function clockTime(atMs: number): string {
  const at = new Date(atMs)
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':')
}

/** Words of a closed list, as people write them. */
export function words(word: string): string {
  return word.replaceAll('_', ' ')
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}

function threeDigits(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

function inTwo(
  value: number,
  large: number,
  largeUnit: string,
  small: number,
  unit: string,
): string {
  const rest = Math.floor((value % large) / small)
  return `${Math.floor(value / large)} ${largeUnit}${rest === 0 ? '' : ` ${rest} ${unit}`}`
}
