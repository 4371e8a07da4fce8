/** Waits for a condition instead of for a time. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { assertNothingEnded } from './child-ends.ts'
import { watchStarvation } from './starvation.ts'

const POLL_MS = 5
/** No promise, only patience: what is broken is told much sooner wherever that can be known. */
const DEADLINE_MS = 30_000

/**
 * Settles as soon as the condition holds; fails with its description when it never does, and at
 * once when a program has ended that should not have.
 */
export async function eventually(
  description: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  await poll(description, holds, () => deadlineMs)
}

/**
 * The same for a condition that is promised to hold within a time.
 *
 * @param processIds What has to run until it holds: the time in which the machine lets these wait
 *   does not count.
 */
export async function promptly(
  description: string,
  withinMs: number,
  processIds: readonly number[],
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const starvedMs = watchStarvation([process.pid, ...processIds])
  await poll(description, holds, () => withinMs + starvedMs())
}

async function poll(
  description: string,
  holds: () => boolean | Promise<boolean>,
  boundMs: () => number,
): Promise<void> {
  const startMs = performance.now()
  while (!(await holds())) {
    assertNothingEnded()
    const waitedMs = performance.now() - startMs
    if (waitedMs >= boundMs()) {
      assert.fail(`did not become true within ${Math.round(waitedMs)} ms: ${description}`)
    }
    await delay(POLL_MS)
  }
}
