/**
 * Keeps a flood of bad requests from taking the time of good ones: while the thread is busy,
 * refusals wait for their answers.
 *
 * Most clients ask again when they are answered, so a flood comes as fast as its answers go out.
 * With a signature to verify, a refusal costs three times what a request that passes does, and up
 * to eight times in a small share of a processor. So while the event loop is busy, one refusal is
 * answered for twelve requests that pass; once it is idle again, more and more, and soon all at
 * once. loadtest/flood.ts measures it.
 *
 *     refusal ─► allowance of this tick left? ─► answered now
 *                       └─► held ─► a later tick, 2 s later at most
 *
 * Nothing runs while nothing is refused.
 */
import { watchIdleShare } from '../observability/event-loop-probe.ts'
import type { Refused } from '../protocol/verification.ts'
import type { LimitRefusal } from '../rate-limit/limit-refusal.ts'
import type { Clock } from '../runtime/clock.ts'

const TICK_MS = 10
/** Of the time of a tick: with less, the loop counts as busy. */
const IDLE_SHARE_MIN = 0.25
/**
 * Refusals in a tick, before it is known how busy the loop is, and at most. The first is more than
 * one client gets answers in a turn of the loop: while one of them waited, the native server would
 * close the connection of a client that pipelines.
 */
const ALLOWANCE_FIRST = 128
const ALLOWANCE_MAX = 1_024
/** While the loop is busy, so many requests pass for one that is refused. */
const PASSED_PER_REFUSAL = 12
/** No refusal waits longer. */
const HELD_MS_MAX = 2_000
/** A thread has no more refusals waiting; others are answered at once. */
const HELD_MAX = 8_192
/** Without a refusal for so many ticks nothing more is watched. */
const QUIET_TICKS_MAX = 100

/** A request that will be refused. */
export interface RefusableRequest {
  /** Answers it; ignored once the client has gone. */
  refuse(refused: Refused | LimitRefusal): void
  /** Its answer will come later: nothing of its body is kept meanwhile. */
  holdBack(): void
  /** Ends it, because of a defect. */
  fail(error: unknown): void
}

interface HeldRefusal {
  readonly request: RefusableRequest
  readonly refused: Refused | LimitRefusal
  readonly heldAtMs: number
}

export interface RefusalPaceParts {
  readonly monotonicMs: () => number
  /** How idle this thread's event loop was since it was last asked, 0 to 1. */
  readonly idleShare: () => number
  /** @returns Stops it. */
  readonly every: (run: () => void, intervalMs: number) => () => void
}

export class RefusalPace {
  readonly #parts: RefusalPaceParts
  /** In the order of their arrival. */
  #held: HeldRefusal[] = []
  #passed = 0
  /** Requests that passed in earlier ticks, too few for another refusal. */
  #passedBefore = 0
  #allowance = ALLOWANCE_FIRST
  #left = ALLOWANCE_FIRST
  #quietTicks = 0
  /** `null`: nothing is watched. */
  #stopWatching: (() => void) | null = null

  constructor(parts: RefusalPaceParts) {
    this.#parts = parts
  }

  /** How many wait now. */
  get heldCount(): number {
    return this.#held.length
  }

  /** Hot path: a request passed. */
  notePassed(): void {
    this.#passed += 1
  }

  /** Answers now, or within two seconds. */
  refuse(request: RefusableRequest, refused: Refused | LimitRefusal): void {
    this.#quietTicks = 0
    if (this.#stopWatching === null) this.#watch()
    if (this.heldCount >= HELD_MAX) request.refuse(refused)
    else if (this.heldCount === 0 && this.#left > 0) {
      this.#left -= 1
      request.refuse(refused)
    } else {
      request.holdBack()
      this.#held.push({ request, refused, heldAtMs: this.#parts.monotonicMs() })
    }
  }

  /** Begins with what was idle before forgotten: it may have been a night. */
  #watch(): void {
    this.#parts.idleShare()
    this.#passed = 0
    this.#passedBefore = 0
    this.#allowance = ALLOWANCE_FIRST
    this.#left = ALLOWANCE_FIRST
    this.#stopWatching = this.#parts.every(this.#tick, TICK_MS)
  }

  readonly #tick = (): void => {
    const isBusy = this.#parts.idleShare() < IDLE_SHARE_MIN
    this.#allowance = isBusy ? this.#earned() : nextAllowance(this.#allowance)
    this.#passed = 0
    this.#left = this.#allowance
    this.#answerHeld()
    this.#quietTicks += 1
    if (this.#quietTicks < QUIET_TICKS_MAX || this.heldCount > 0) return
    this.#stopWatching?.()
    this.#stopWatching = null
  }

  /** While nothing passes, refusals hold nothing up. */
  #earned(): number {
    if (this.#passed === 0) return 1
    const passed = this.#passedBefore + this.#passed
    this.#passedBefore = passed % PASSED_PER_REFUSAL
    return Math.floor(passed / PASSED_PER_REFUSAL)
  }

  #answerHeld(): void {
    const overdueMs = this.#parts.monotonicMs() - HELD_MS_MAX
    const isDue = ({ heldAtMs }: HeldRefusal, place: number) =>
      place < this.#left || heldAtMs <= overdueMs
    const waiting = this.#held.findIndex((held, place) => !isDue(held, place))
    const due = this.#held.splice(0, waiting === -1 ? this.#held.length : waiting)
    this.#left -= due.length
    for (const { request, refused } of due) {
      try {
        request.refuse(refused)
      } catch (error) {
        // A defect costs this request alone, as it does where nothing waits.
        request.fail(error)
      }
    }
  }
}

function nextAllowance(allowance: number): number {
  return Math.min(ALLOWANCE_MAX, Math.max(1, allowance * 2))
}

/** Paces the refusals of the thread that it is created in. */
export function createRefusalPace(clock: Clock): RefusalPace {
  return new RefusalPace({
    monotonicMs: () => clock.monotonicMs(),
    idleShare: watchIdleShare(),
    every: (run, intervalMs) => {
      const timer = setInterval(run, intervalMs).unref()
      return () => clearInterval(timer)
    },
  })
}
