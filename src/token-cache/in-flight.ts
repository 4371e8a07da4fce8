/**
 * Lets concurrent misses for one credential in different threads cost one verification, and share
 * its outcome even when that decides nothing and is kept nowhere.
 *
 *     cell, four words of 4 bytes
 *      0  claim     0: free; else tick (12 bits) since when, and mark (20) of what is verified
 *      1  about     32 more bits of the digest that the outcome below is about; 0: none
 *      2  at        wall clock of the outcome in ms, modulo 2^32
 *      3  outcome   a number of the caller's
 *
 * The digest chooses a cell and the {@link CELLS_PROBED} behind it. The first thread to put its
 * mark into a free one verifies; others with the same mark sleep on that word (futex-like,
 * Atomics.waitAsync) and then look in the caches, and for an outcome. Different credentials that
 * meet in one cell take different ones.
 *
 * Everything that can go wrong ends in verifying once more than needed, never in a wrong answer: an
 * owner that dies is overtaken when its tick is old, nine credentials in the same cells means no
 * coordination for the last, and two credentials with one mark means that one of them waits for
 * nothing. An outcome is taken over only if 41 bits of the digest agree, for
 * {@link OUTCOME_MS} ms, and it never says that a credential is good or bad.
 *
 * For the miss path only: it makes promises. Callers first share within their thread.
 */
import { assertInvariant } from '../runtime/assert-invariant.ts'
import type { TokenDigest } from './token-digest.ts'

/** Verifications under way at once are far fewer: queue and threads are bounded. */
const CELL_COUNT = 4_096
const CELL_WORDS = 4
const CELLS_PROBED = 8
const CLAIM_WORD = 0
const ABOUT_WORD = 1
const AT_WORD = 2
const OUTCOME_WORD = 3
const MARK_MASK = 0xf_ffff
const TICK_MS = 256
const TICK_MASK = 0xfff
/** An owner of another credential is dead for certain: longer than any verification may take. */
const DEAD_OWNER_TICKS = 512
const NOWHERE = -1

/** What verifying a signature may take, in ms, at the very worst. */
export const IN_FLIGHT_WAIT_MS_MAX = 2_048

/**
 * How long an outcome that decides nothing counts for those who come late, in ms: they have asked
 * at the same time, but their thread had not got round to it. Short: the next answer may be good.
 */
const OUTCOME_MS = 250

/** No outcome to share. */
export const NO_OUTCOME = 0

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
  /** First word of the cell. −1 for an owner who found none: no thread waits for it. */
  readonly cell: number
  /** What the cell held when claimed. */
  readonly stamp: number
  /** How long the owner may take, rounded up to ticks. */
  readonly ownerTicks: number
}

/** The shared table; made once, by the supervisor. */
export function createInFlightBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(CELL_COUNT * CELL_WORDS * Int32Array.BYTES_PER_ELEMENT)
}

export class InFlight {
  readonly #words: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer)
    assertInvariant(this.#words.length === CELL_COUNT * CELL_WORDS, 'four words a cell')
  }

  /**
   * Announces a verification after a miss. An owner must look in the caches once more (the former
   * owner may have finished between miss and claim), then verify, store the outcome, and
   * {@link InFlight.release} whatever came of it. Anybody else waits.
   *
   * @param nowMs Wall clock: the only one that threads agree on. A jump costs a verification.
   * @param ownerMsMax Longest that this verification takes: after that its owner has died, and
   *   another takes its place. The same in all threads for one credential.
   */
  claim(digest: TokenDigest, nowMs: number, ownerMsMax: number): InFlightClaim {
    const tick = Math.floor(nowMs / TICK_MS) & TICK_MASK
    const mark = markOf(digest)
    const stamp = (tick << 20) | mark
    const ownerTicks = Math.ceil(ownerMsMax / TICK_MS)
    const found = this.#cellOf(digest, mark)
    if (found !== NOWHERE) {
      const holder = Atomics.load(this.#words, found)
      const isSame = (holder & MARK_MASK) === mark
      if (isSame && ticksSince(holder, tick) <= ownerTicks) {
        return { isOwner: false, cell: found, stamp: holder, ownerTicks }
      }
      if (isSame && this.#take(found, holder, stamp)) {
        return { isOwner: true, cell: found, stamp, ownerTicks }
      }
    }
    return this.#claimFree(digest, stamp, tick, ownerTicks)
  }

  /**
   * Ends an owner's claim and wakes those who wait for it. Harmless when it was overtaken.
   *
   * @param outcome What they are told; {@link NO_OUTCOME}: to look in the caches.
   */
  release(claim: InFlightClaim, digest: TokenDigest, outcome: number, nowMs: number): void {
    const { isOwner, cell, stamp } = claim
    if (!isOwner || cell === NOWHERE) return
    if (outcome !== NO_OUTCOME) {
      // First, so that no thread takes the number for another credential's while it is written.
      Atomics.store(this.#words, cell + ABOUT_WORD, 0)
      Atomics.store(this.#words, cell + AT_WORD, nowMs | 0)
      Atomics.store(this.#words, cell + OUTCOME_WORD, outcome)
      Atomics.store(this.#words, cell + ABOUT_WORD, aboutOf(digest))
    }
    if (this.#take(cell, stamp, 0)) Atomics.notify(this.#words, cell + CLAIM_WORD)
  }

  /**
   * Waits until the owner released, or has had all of its time. Never rejects, and says nothing
   * about the outcome.
   *
   * @param timeoutMs No longer than this.
   */
  async wait(claim: InFlightClaim, timeoutMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (claim.isOwner) return
    const boundedMs = Math.min(timeoutMs, (claim.ownerTicks + 1) * TICK_MS)
    const waiting = waitAsync(this.#words, claim.cell + CLAIM_WORD, claim.stamp, boundedMs)
    if (waiting.async) await waiting.value
  }

  /** What a verification of this credential came to a moment ago, or {@link NO_OUTCOME}. */
  outcome(digest: TokenDigest, nowMs: number): number {
    const about = aboutOf(digest)
    for (let probe = 0; probe < CELLS_PROBED; probe += 1) {
      const cell = cellAt(digest, probe)
      if (Atomics.load(this.#words, cell + ABOUT_WORD) !== about) continue
      const outcome = Atomics.load(this.#words, cell + OUTCOME_WORD)
      const ageMs = ((nowMs | 0) - Atomics.load(this.#words, cell + AT_WORD)) | 0
      const isWhole = Atomics.load(this.#words, cell + ABOUT_WORD) === about
      if (isWhole && Math.abs(ageMs) <= OUTCOME_MS) return outcome
    }
    return NO_OUTCOME
  }

  /** The cell in which somebody verifies this credential. */
  #cellOf(digest: TokenDigest, mark: number): number {
    for (let probe = 0; probe < CELLS_PROBED; probe += 1) {
      const cell = cellAt(digest, probe)
      if ((Atomics.load(this.#words, cell) & MARK_MASK) === mark) return cell
    }
    return NOWHERE
  }

  #claimFree(digest: TokenDigest, stamp: number, tick: number, ownerTicks: number): InFlightClaim {
    for (let probe = 0; probe < CELLS_PROBED; probe += 1) {
      const cell = cellAt(digest, probe)
      const holder = Atomics.load(this.#words, cell)
      const isFree = holder === 0 || ticksSince(holder, tick) > DEAD_OWNER_TICKS
      if (isFree && this.#take(cell, holder, stamp)) {
        return { isOwner: true, cell, stamp, ownerTicks }
      }
      // Another thread was faster, perhaps with the same credential.
      const winner = Atomics.load(this.#words, cell)
      if ((winner & MARK_MASK) === (stamp & MARK_MASK)) {
        return { isOwner: false, cell, stamp: winner, ownerTicks }
      }
    }
    return { isOwner: true, cell: NOWHERE, stamp: 0, ownerTicks }
  }

  #take(cell: number, expected: number, next: number): boolean {
    return Atomics.compareExchange(this.#words, cell + CLAIM_WORD, expected, next) === expected
  }
}

function ticksSince(claim: number, tick: number): number {
  return (tick - (claim >>> 20)) & TICK_MASK
}

function cellAt(digest: TokenDigest, probe: number): number {
  return ((wordOf(digest, 12) + probe) & (CELL_COUNT - 1)) * CELL_WORDS
}

/** Never 0, which says that the cell is free. */
function markOf(digest: TokenDigest): number {
  return wordOf(digest, 16) & MARK_MASK || 1
}

/** Never 0, which says that there is no outcome. */
function aboutOf(digest: TokenDigest): number {
  return wordOf(digest, 20) | ((wordOf(digest, 23) & 0xff) << 24) || 1
}

function wordOf({ token, profile }: TokenDigest, at: number): number {
  return threeBytesAt(token, at) ^ threeBytesAt(profile.text, at)
}

function threeBytesAt(text: string, at: number): number {
  return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8) | (text.charCodeAt(at + 2) << 16)
}
