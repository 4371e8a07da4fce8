/**
 * Hot path: rate limits and lock-outs by key, exact over all threads of the process.
 *
 * A limit is GCRA (ITU-T I.371, virtual scheduling): all that is kept of a key is the theoretical
 * arrival time (TAT) of its next request. A request conforms if that is at most `burst − 1`
 * emissions ahead of now, and moves it on by one emission, from now at the least. So in any span
 * of time at most `span / emission + burst` requests pass, whichever threads they come to.
 *
 * The number of keys is bounded; see cell-table.ts for which one goes, and for how threads meet in
 * one cell. A key that goes before it is idle begins anew with a whole burst, and is counted as
 * evicted. Keys spread over sets of eight cells by chance: of as many keys as half of the cells one
 * in 120 has to go, of a quarter one in 7 000. Locks go last. Where a flood of other keys takes all
 * that is left, of as many locks as an eighth of the cells one in 1 450 goes before it ends, of a
 * quarter one in 89: those that end first.
 *
 * Time is in microseconds of `Clock.processMs`, and must not be negative. That of different threads
 * may differ by a little: a limit is then off by as much.
 *
 * A rate may change from one question to the next. What was taken at a rate that allowed less keeps
 * no key waiting longer than a burst of the new one that is used up, and a second. A TAT that is
 * further ahead cannot be of this rate, unless clocks are {@link CLOCKS_APART_TICKS} apart. To
 * answer as if it were less is not enough, or the key would have to wait for it all the same: a
 * take that is refused sets it back. Without that second, two threads whose clocks differ could set
 * back what the other took, again and again. While two threads ask about one key at two rates, as
 * when one of them has yet to learn of the new rate, the one that allows more counts.
 */
import { type CellFill, readCellFill } from './cell-fill.ts'
import { CellTable, type LimitCounters, NOWHERE } from './cell-table.ts'
import { derivedSeed, type Hash, type HashSeed, hashSeed, keyedHash } from './keyed-hash.ts'
import {
  type CellMemory,
  createCellMemory,
  FAILING,
  FAILURES_MAX,
  LIMIT,
  LOCKED,
  mapCells,
  secretOf,
  TICKS_MAX,
  TICKS_PER_MICRO,
  WINDOW_UNIT_TICKS,
} from './layout.ts'
import type { FailureRule, LimitRate } from './limit-rule.ts'

/** No two threads that ask at one time read clocks so far apart, even where one had to wait. */
const CLOCKS_APART_TICKS = 1_000_000 * TICKS_PER_MICRO

/**
 * Names a rule: all threads, and all configurations, that use one name count together. A name may
 * serve a limit and a lock-out, which do not meet. Belongs to the buffer for which it was made.
 */
export interface CellGroup {
  readonly limits: HashSeed
  readonly failures: HashSeed
}

/**
 * The memory that all threads share, with a secret of its own; made once.
 *
 * @param cellsMax Keys that can be counted at once: 1 to 8 388 608, rounded up to a multiple of 8;
 *   16 bytes each.
 */
export function createLimitCellsBuffer(cellsMax: number): SharedArrayBuffer {
  return createCellMemory(cellsMax)
}

/** One thread's view of the cells. */
export class LimitCells {
  readonly counters: LimitCounters
  readonly #memory: CellMemory
  readonly #table: CellTable
  readonly #seed: HashSeed
  /** Of the key asked about last. */
  readonly #hash: Hash = { low: 0, high: 0 }

  constructor(buffer: SharedArrayBuffer) {
    this.#memory = mapCells(buffer)
    this.#table = new CellTable(this.#memory)
    const [secretLow = 0, secretHigh = 0] = secretOf(buffer)
    this.#seed = hashSeed(secretLow, secretHigh)
    this.counters = this.#table.counters
  }

  /** At load, not per request. */
  group(name: string): CellGroup {
    return {
      limits: derivedSeed(this.#seed, `limit:${name}`),
      failures: derivedSeed(this.#seed, `failures:${name}`),
    }
  }

  /**
   * Asks for one request of this key, and counts it if it may pass. A key for which no cell
   * could be had passes, which takes a lost race; see cell-table.ts.
   *
   * @param key Some hundred characters at most; not checked.
   * @returns 0 or more: it passes, and so many more could come now. Less than 0: it is refused, and
   *   one would pass after so many microseconds.
   */
  take(group: CellGroup, key: string, rate: LimitRate, nowMicros: number): number {
    const nowTicks = Math.floor(nowMicros * TICKS_PER_MICRO)
    const emissionTicks = emissionTicksOf(rate)
    keyedHash(group.limits, key, this.#hash)
    const table = this.#table
    // Ends: an exchange fails only when that of another thread has succeeded.
    for (;;) {
      const cell = table.findOrClaim(this.#hash, nowTicks)
      if (cell === NOWHERE) return rate.burst - 1
      const arrivalTicks = arrivalIn(table, emissionTicks, rate.burst, nowTicks)
      const answer = answerTo(arrivalTicks, emissionTicks, rate.burst, nowTicks)
      if (answer < 0) {
        if (arrivalTicks === table.ticks) return answer
        if (table.exchange(cell, LIMIT, arrivalTicks)) return answer
        continue
      }
      const nextTicks = Math.min(arrivalTicks + emissionTicks, TICKS_MAX)
      if (table.exchange(cell, LIMIT, nextTicks)) return answer
    }
  }

  /**
   * The answer that {@link LimitCells.take} would give, and takes nothing. For explain, and to test
   * several limits before any is charged.
   */
  peek(group: CellGroup, key: string, rate: LimitRate, nowMicros: number): number {
    const nowTicks = Math.floor(nowMicros * TICKS_PER_MICRO)
    keyedHash(group.limits, key, this.#hash)
    const table = this.#table
    const emissionTicks = emissionTicksOf(rate)
    const isKnown = table.find(this.#hash) !== NOWHERE
    const arrivalTicks = isKnown ? arrivalIn(table, emissionTicks, rate.burst, nowTicks) : nowTicks
    return answerTo(arrivalTicks, emissionTicks, rate.burst, nowTicks)
  }

  /** @returns Microseconds until the lock ends; 0: not locked. */
  lockedMicros(group: CellGroup, key: string, nowMicros: number): number {
    keyedHash(group.failures, key, this.#hash)
    const table = this.#table
    if (table.find(this.#hash) === NOWHERE) return 0
    const nowTicks = Math.floor(nowMicros * TICKS_PER_MICRO)
    return isLocked(table, nowTicks) ? microsOf(table.ticks - nowTicks) : 0
  }

  /**
   * Counts one failure. Changes nothing while the key is locked, nor where it is not tracked.
   *
   * @returns Microseconds for which the key is locked by this very failure; 0: it is not, or it was
   *   locked before.
   */
  fail(group: CellGroup, key: string, rule: FailureRule, nowMicros: number): number {
    const nowTicks = Math.floor(nowMicros * TICKS_PER_MICRO)
    keyedHash(group.failures, key, this.#hash)
    const table = this.#table
    for (;;) {
      const cell = table.findOrClaim(this.#hash, nowTicks)
      if (cell === NOWHERE || isLocked(table, nowTicks)) return 0
      const failures = failuresIn(table, nowTicks) + 1
      if (failures < Math.min(rule.threshold, FAILURES_MAX)) {
        const endTicks = windowEnd(nowTicks, rule.windowMicros)
        if (table.exchange(cell, FAILING, endTicks + failures)) return 0
      } else {
        const endTicks = later(nowTicks, rule.lockoutMicros)
        if (table.exchange(cell, LOCKED, endTicks)) return microsOf(endTicks - nowTicks)
      }
    }
  }

  /** Locks, as another instance says. Never shortens a lock; one that is over changes nothing. */
  lock(group: CellGroup, key: string, untilMicros: number, nowMicros: number): void {
    const nowTicks = Math.floor(nowMicros * TICKS_PER_MICRO)
    const untilTicks = Math.min(Math.ceil(untilMicros * TICKS_PER_MICRO), TICKS_MAX)
    if (untilTicks <= nowTicks) return
    keyedHash(group.failures, key, this.#hash)
    const table = this.#table
    for (;;) {
      const cell = table.findOrClaim(this.#hash, nowTicks)
      if (cell === NOWHERE) return
      if (table.kind === LOCKED && table.ticks >= untilTicks) return
      if (table.exchange(cell, LOCKED, untilTicks)) return
    }
  }

  /** Cells that count something now, those that are locked among them, and all there are. */
  fill(nowMicros: number): CellFill {
    return readCellFill(this.#memory, Math.floor(nowMicros * TICKS_PER_MICRO))
  }
}

/**
 * TAT of the cell found last: now at the least, and where it cannot be of this rate, that of a
 * burst which is used up.
 */
function arrivalIn(
  { kind, ticks }: CellTable,
  emissionTicks: number,
  burst: number,
  nowTicks: number,
): number {
  if (kind !== LIMIT || ticks <= nowTicks) return nowTicks
  const usedUpTicks = nowTicks + burst * emissionTicks
  return ticks > usedUpTicks + CLOCKS_APART_TICKS ? usedUpTicks : ticks
}

/** What a take is told that finds the key's time of arrival, now at the least. */
function answerTo(
  arrivalTicks: number,
  emissionTicks: number,
  burst: number,
  nowTicks: number,
): number {
  const roomTicks = nowTicks + (burst - 1) * emissionTicks - arrivalTicks
  if (roomTicks < 0) return -microsOf(-roomTicks)
  return Math.floor(roomTicks / emissionTicks)
}

function emissionTicksOf({ emissionMicros }: LimitRate): number {
  return Math.max(1, Math.round(emissionMicros * TICKS_PER_MICRO))
}

/** Rounded up: after so many microseconds it is certain. */
function microsOf(ticks: number): number {
  return Math.ceil(ticks / TICKS_PER_MICRO)
}

function later(nowTicks: number, micros: number): number {
  return Math.min(nowTicks + Math.round(micros * TICKS_PER_MICRO), TICKS_MAX)
}

/** The first end of this window that a cell can hold, with room for the count of failures. */
function windowEnd(nowTicks: number, windowMicros: number): number {
  const units = Math.ceil(later(nowTicks, windowMicros) / WINDOW_UNIT_TICKS)
  return Math.min(units * WINDOW_UNIT_TICKS, TICKS_MAX - FAILURES_MAX)
}

/** Failures that the cell found still counts. */
function failuresIn({ kind, ticks }: CellTable, nowTicks: number): number {
  const failures = ticks % WINDOW_UNIT_TICKS
  return kind === FAILING && nowTicks <= ticks - failures ? failures : 0
}

function isLocked({ kind, ticks }: CellTable, nowTicks: number): boolean {
  return kind === LOCKED && ticks > nowTicks
}
