/** Waits for a condition instead of for a time. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 5
const DEADLINE_MS = 10_000

/** Settles as soon as the condition holds; fails with its description when it never does. */
export async function eventually(
  description: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const giveUpAtMs = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() >= giveUpAtMs) assert.fail(`never became true: ${description}`)
    await delay(POLL_MS)
  }
}
