/** Numbers for the live page: no more digits than are shown, because they are sent each second. */

export function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}

export function thousandths(value: number): number {
  return Math.round(value * 1_000) / 1_000
}
