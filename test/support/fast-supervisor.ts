/**
 * Loaded into a gateway under test (`--import`): time in its supervisor, where keys rotate, passes
 * several times as fast. Time-outs of a few seconds stay as they are: other threads and other
 * programs live in real time.
 */
import { isMainThread } from 'node:worker_threads'

/** How many times as fast. Not set: as in life. */
export const SUPERVISOR_SPEED_VARIABLE = 'TEST_SUPERVISOR_SPEED'
export const FAST_SUPERVISOR_FLAGS: readonly string[] = ['--import', import.meta.url]

/** Beyond the longest time-out that the supervisor has for anything real. */
const REAL_MS_MAX = 5_000

const speed = Number(process.env[SUPERVISOR_SPEED_VARIABLE] ?? 1)
if (isMainThread && speed !== 1) accelerate()

function accelerate(): void {
  const realWallMs = Date.now
  const realMonotonicMs = performance.now.bind(performance)
  const realSetTimeout = globalThis.setTimeout
  const [wallMs, monotonicMs] = [realWallMs(), realMonotonicMs()]
  Date.now = () => Math.floor(wallMs + (realWallMs() - wallMs) * speed)
  performance.now = () => monotonicMs + (realMonotonicMs() - monotonicMs) * speed
  const setTimeoutFast = (run: () => void, delayMs = 0) =>
    realSetTimeout(run, delayMs > REAL_MS_MAX ? delayMs / speed : delayMs)
  globalThis.setTimeout = Object.assign(setTimeoutFast, realSetTimeout)
}
