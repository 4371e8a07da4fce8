/**
 * One listen socket for all threads of the engine on node:http, which Node itself can share among
 * processes only.
 *
 *     bound once, exclusively ─► descriptor of the process ─► one of each thread, its own to close
 *
 * All of them name one socket with one queue of connections, from which the threads that are idle
 * take. No second process can bind the port meanwhile, and what is in the queue outlives a thread.
 * Needs the C library's `dup` (socket-calls.ts): without it one thread listens by itself.
 */
import type { Server } from 'node:net'
import { duplicateDescriptor, hasSocketCalls } from '../socket-calls.ts'

/** Windows has no descriptors of sockets. */
export function canDuplicate(): boolean {
  return process.platform !== 'win32' && hasSocketCalls()
}

/**
 * A descriptor of what this server listens on, which stays when the server is closed; give it back
 * with `closeDescriptor` (socket-calls.ts). Call it in the turn in which the server begins to
 * listen: from the next one on it would accept.
 *
 * @returns `null` where there is no way.
 */
export function keepListenSocket(server: Server): number | null {
  const { _handle: handle } = server as { _handle?: { readonly fd?: number } | null }
  const descriptor = handle?.fd ?? -1
  return descriptor < 0 ? null : duplicateDescriptor(descriptor)
}
