/**
 * Hot path: the memory of request bodies on their way upstream, used again and again.
 *
 *     client's socket ──copy──► block ──► stream ──► HTTP client ──► upstream's socket
 *                                 ▲                                        │ has taken it
 *                                 └────────────────────────────────────────┘
 *
 * Copies that were left to the garbage collector would pile up: it looks at such memory only after
 * 64 MiB more of it, in every thread. A block that never comes back, because the exchange failed or
 * the upstream's socket is one for TLS, is the collector's, as any other memory.
 */

/** Large enough to be written at once, small enough that a slow upstream holds few bytes. */
export const BLOCK_BYTES = 262_144
/** Of one thread: 4 MiB. Blocks that come back beyond that are the collector's. */
const FREE_BLOCKS_MAX = 16

const free: Uint8Array[] = []
/** Memory of the blocks that are under way. Weak, so that a lost one costs nothing. */
const lent = new WeakSet<ArrayBufferLike>()

/** A block of {@link BLOCK_BYTES} with anything in it: only what was written may be read. */
export function takeBlock(): Uint8Array {
  const block = free.pop() ?? new Uint8Array(Buffer.allocUnsafeSlow(BLOCK_BYTES).buffer)
  lent.add(block.buffer)
  return block
}

/**
 * Gives back the block that `piece` is a part of, or the whole of. No part of it may be used
 * afterwards. Ignores all other memory, and a block that was given back already.
 */
export function giveBlockBack(piece: Uint8Array): void {
  const memory = piece.buffer
  if (!lent.delete(memory)) return
  if (free.length < FREE_BLOCKS_MAX) free.push(new Uint8Array(memory))
}
