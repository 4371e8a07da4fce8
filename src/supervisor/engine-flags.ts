/** Settings of the JavaScript engine for threads that are started from here on. */
import { setFlagsFromString } from 'node:v8'

/**
 * Each thread collects its young objects by itself: the engine's helper threads would cost 1 to 2
 * µs of CPU a request to shorten pauses of half a millisecond. And it does so every 32 MiB from the
 * beginning, because each collection finds the objects of all requests under way and copies them:
 * 1 µs.
 *
 * Where many requests are under way, most objects of some kind survive a collection, and the engine
 * then makes that kind among the old ones at once. There each keeps its whole request alive until
 * the next collection of everything (docs/performance.md).
 */
const ENGINE_FLAGS = [
  '--no-parallel-scavenge',
  '--min-semi-space-size=32',
  '--no-allocation-site-pretenuring',
]

export function setEngineFlags(): void {
  for (const flag of ENGINE_FLAGS) setFlagsFromString(flag)
}
