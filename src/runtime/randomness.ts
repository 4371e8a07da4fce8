/** The only door to randomness, so that everything else can be given its own in tests. */
import { randomBytes } from 'node:crypto'

/** A number in [0, 1) for jitter and for choosing between equals. Not for secrets. */
export function randomFraction(): number {
  return Math.random()
}

/** Unpredictable lower-case hexadecimal text of twice `sizeBytes` characters. */
export function randomHex(sizeBytes: number): string {
  return randomBytes(sizeBytes).toString('hex')
}
