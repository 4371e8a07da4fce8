/** Programs that are no part of Node: tests that need one are left out where it is not there. */
import { spawnSync } from 'node:child_process'

/**
 * Why such a test is left out; `false`: it is not.
 *
 * @param words With which the program succeeds at once.
 * @param name What is missing then, if not the program itself.
 */
export function missingProgram(
  command: string,
  words: readonly string[] = ['--version'],
  name = command,
): string | false {
  const isThere = spawnSync(command, words, { stdio: 'ignore' }).status === 0
  return isThere ? false : `NOT TESTED: ${name} is not installed`
}
