/** Runs what a command is for until the process is asked to end. */
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'

interface Stoppable {
  stop(): Promise<void>
}

/**
 * @param start May be under way when `stop` aborts: it has to end what it began and reject then.
 * @throws (rejects) When it could not start, unless it was told to stop before.
 */
export async function runUntil(stop: AbortSignal, start: () => Promise<Stoppable>): Promise<void> {
  // A signal that came while modules were loaded is heard when the event loop turns, and Node.js 24
  // loads them all without a turn.
  await nextTurn()
  if (stop.aborted) return
  let running: Stoppable
  try {
    running = await start()
  } catch (error) {
    if (stop.aborted) return
    throw error
  }
  if (!stop.aborted) await once(stop, 'abort')
  await running.stop()
}
