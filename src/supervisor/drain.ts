/** Takes the listener threads out of service, so that no request is lost. */
import { setTimeout as delay } from 'node:timers/promises'
import { refuseHandshakes } from '../server/refuse-handshakes.ts'
import type { ListenPlace } from '../server/socket-calls.ts'
import type { RunningListeners } from './running-listeners.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * For handshakes that have begun when new ones are refused: at least one round trip to a client.
 */
const HANDSHAKE_MS = 200

export interface DrainOptions {
  /** How long to serve on while balancers and clients learn that they should go elsewhere. */
  readonly delayMs: number
  /** How long to wait for requests that run. */
  readonly timeoutMs: number
  /** Of the listener threads. */
  readonly places: readonly ListenPlace[]
  /** What is held here of the listen socket is closed; threads close theirs. */
  readonly release: () => void
}

/**
 * A connection that the kernel has established, but no thread has accepted, is reset when its
 * listen socket is closed. So the kernel first begins no more handshakes, threads accept what it
 * has, and only then close (server/uws-app.ts).
 *
 * @param cut Aborts when the process must end at once: nothing is waited for any longer.
 */
export async function drain(
  options: DrainOptions,
  listeners: RunningListeners,
  cut: AbortSignal,
): Promise<void> {
  await pause(options.delayMs, cut)
  const areRefused = options.places.map((place) => refuseHandshakes(place))
  if (areRefused.includes(true)) await pause(HANDSHAKE_MS, cut)
  options.release()
  // Threads stop accepting even when `cut` ends this wait.
  await untilAborted(listeners.drain(options.timeoutMs), cut).catch(() => {})
}

async function pause(durationMs: number, cut: AbortSignal): Promise<void> {
  await delay(durationMs, undefined, { signal: cut }).catch(() => {})
}
