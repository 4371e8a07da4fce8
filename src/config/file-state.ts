/** What tells one content of a file from another, whichever way it was replaced. */
import type { BigIntStats } from 'node:fs'

/** Of a file that cannot be found. */
export const ABSENT = 'absent'

export function fileState({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join()
}
