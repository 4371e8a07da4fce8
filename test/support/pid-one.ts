/**
 * Runs a command as the first process of a PID namespace, which is what it is in a container: the
 * kernel drops every signal for which such a process has no handler.
 */
import { spawnSync } from 'node:child_process'

/** Runs what follows as process 1, and takes it along when it is killed itself. */
export const AS_PID_ONE: readonly string[] = [
  ...['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'],
]

/** @returns Why no such process can be started here; `null` when it can. */
export function pidOneProblem(): string | null {
  const [program = '', ...words] = AS_PID_ONE
  const { error, status, stderr } = spawnSync(program, [...words, 'true'], { encoding: 'utf8' })
  if (error !== undefined) return `unshare cannot be run (${error.message})`
  return status === 0 ? null : `unshare failed: ${stderr.trim()}`
}
