/** Asks a program that is compared, but is no part of the project, for its version. */
import { spawnSync } from 'node:child_process'

/**
 * @param option With which it writes its version and succeeds at once.
 * @param pattern Its first group is the version.
 * @returns `null` when the program is not installed.
 */
export function installedVersion(command: string, option: string, pattern: RegExp): string | null {
  const { status, stdout, stderr } = spawnSync(command, [option], { encoding: 'utf8' })
  if (status !== 0) return null
  return pattern.exec(stdout + stderr)?.[1] ?? 'unknown'
}
