/**
 * Lets concurrent misses for one credential in different threads cost one verification.
 *
 *     cell    0                          nobody verifies
 *             [ tick 12 | mark 20 ]      somebody verifies the credential with this mark since tick
 *
 * A direct-mapped table of one-word cells, 4 bytes each. The first thread to put its mark into a
 * cell verifies; others with the same mark sleep on that word (futex-like, Atomics.waitAsync) and
 * then look in the caches again. Everything that can go wrong ends in verifying once more than
 * needed, never in a wrong answer: an owner that dies is overtaken when its tick is old, another
 * credential in the cell means no coordination, and two credentials with one mark means one of
 * them waits for nothing.
 *
 * For the miss path only: it makes promises. Callers first share within their thread.
 */
import { assertInvariant } from '../shared-memory/invariant.ts'
import type { TokenDigest } from './token-digest.ts'

/** Verifications under way at once are far fewer: queue and threads are bounded. */
const CELL_COUNT = 4_096
const MARK_MASK = 0xf_ffff
const TICK_MS = 256
const TICK_MASK = 0xfff
/** An owner is given this long, rounded to ticks, before another thread takes its place. */
const OWNER_TICKS_MAX = 8

/** Longest that an owner keeps others waiting, in ms: {@link OWNER_TICKS_MAX} ticks. */
export const IN_FLIGHT_WAIT_MS_MAX = OWNER_TICKS_MAX * TICK_MS

// `lib.es2023` does not have it; Node has since 16.
interface WaitAsync {
  readonly waitAsync: (
    words: Int32Array,
    index: number,
    value: number,
    timeoutMs: number,
  ) => { async: false; value: string } | { async: true; value: Promise<string> }
}
const { waitAsync } = Atomics as unknown as WaitAsync
assertInvariant(typeof waitAsync === 'function', 'this runtime has Atomics.waitAsync')

/** A place in the queue for one credential. */
export interface InFlightClaim {
  /** Whether the claimant verifies; otherwise another thread does already. */
  readonly isOwner: boolean
  /** −1 for an owner whose cell was taken by another credential: nobody waits for it. */
  readonly cell: number
  /** What the cell held when claimed. */
  readonly stamp: number
}

/** The shared table; made once, by the supervisor. */
export function createInFlightBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(CELL_COUNT * Int32Array.BYTES_PER_ELEMENT)
}

export class InFlight {
  readonly #cells: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    this.#cells = new Int32Array(buffer)
    assertInvariant(this.#cells.length === CELL_COUNT, 'one word a cell')
  }

  /**
   * Announces a verification after a miss. An owner must look in the caches once more (the former
   * owner may have finished between miss and claim), then verify, store the outcome, and
   * {@link InFlight.release} whatever came of it. Anybody else waits.
   *
   * @param nowMs Wall clock: the only one that threads agree on. A jump costs a verification.
   */
  claim(digest: TokenDigest, nowMs: number): InFlightClaim {
    const cell = wordOf(digest, 12) & (CELL_COUNT - 1)
    const tick = Math.floor(nowMs / TICK_MS) & TICK_MASK
    // Never 0, which says that the cell is free.
    const mark = wordOf(digest, 16) & MARK_MASK || 1
    const stamp = (tick << 20) | mark
    const holder = Atomics.compareExchange(this.#cells, cell, 0, stamp)
    if (holder === 0) return { isOwner: true, cell, stamp }
    const heldTicks = (tick - (holder >>> 20)) & TICK_MASK
    if (heldTicks > OWNER_TICKS_MAX) {
      const seen = Atomics.compareExchange(this.#cells, cell, holder, stamp)
      if (seen === holder) return { isOwner: true, cell, stamp }
    }
    if ((holder & MARK_MASK) !== mark) return { isOwner: true, cell: -1, stamp: 0 }
    return { isOwner: false, cell, stamp: holder }
  }

  /** Ends an owner's claim and wakes those who wait for it. Harmless when it was overtaken. */
  release(claim: InFlightClaim): void {
    if (!claim.isOwner || claim.cell === -1) return
    const seen = Atomics.compareExchange(this.#cells, claim.cell, claim.stamp, 0)
    if (seen === claim.stamp) Atomics.notify(this.#cells, claim.cell)
  }

  /**
   * Waits until the owner released, or `timeoutMs` passed (at most
   * {@link IN_FLIGHT_WAIT_MS_MAX}). Never rejects, and says nothing about the outcome: look in the
   * caches, and verify if there is nothing.
   */
  async wait(claim: InFlightClaim, timeoutMs: number): Promise<void> {
    if (claim.isOwner) return
    const boundedMs = Math.min(timeoutMs, IN_FLIGHT_WAIT_MS_MAX)
    const waiting = waitAsync(this.#cells, claim.cell, claim.stamp, boundedMs)
    if (waiting.async) await waiting.value
  }
}

function wordOf({ token, profile }: TokenDigest, at: number): number {
  return threeBytesAt(token, at) ^ threeBytesAt(profile.text, at)
}

function threeBytesAt(text: string, at: number): number {
  return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8) | (text.charCodeAt(at + 2) << 16)
}
