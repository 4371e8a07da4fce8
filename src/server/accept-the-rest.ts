/** Ends the accepting of connections so that none which the kernel has established is lost. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Clients that never cease to connect must not keep a server from stopping. */
const ACCEPTING_TURNS_MAX = 1_000

/**
 * The kernel resets connections that it has established and a server has not accepted. Each turn of
 * the event loop accepts all there are, so a listen socket is to be closed behind a turn in which
 * there was none.
 *
 * @param acceptedCount How many were accepted so far.
 * @returns Settles behind such a turn, or behind {@link ACCEPTING_TURNS_MAX} others.
 */
export async function acceptTheRest(acceptedCount: () => number): Promise<void> {
  for (let turn = 0; turn < ACCEPTING_TURNS_MAX; turn += 1) {
    const acceptedBefore = acceptedCount()
    await nextTurn()
    if (acceptedCount() === acceptedBefore && turn > 0) break
  }
}
