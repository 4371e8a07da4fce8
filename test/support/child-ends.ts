/**
 * Programs that ended although a test still needs them. What waits for something that such a
 * program was to do can never come, so waiting fails at once, with how it ended.
 */
import type { ChildProcess } from 'node:child_process'

const OUTPUT_LINES_MAX = 20

const unwanted: string[] = []

/** How a program ended, and the last that it said. */
export function describeEnd(name: string, child: ChildProcess, output: readonly string[]): string {
  const end = child.signalCode ?? `exit code ${child.exitCode}`
  return [`${name} ended with ${end}`, ...output.slice(-OUTPUT_LINES_MAX)].join('\n')
}

/** From now on every test of this file that waits for something fails with this. */
export function reportUnwantedEnd(description: string): void {
  unwanted.push(description)
}

/** @throws When a program has ended that should not have. */
export function assertNothingEnded(): void {
  if (unwanted.length > 0) throw new Error(unwanted.join('\n'))
}
