/**
 * Bounds the time that anything asynchronous may take, for work that cannot be cancelled.
 *
 * After a pause of this process, or a long turn of the event loop, all timers are over at once,
 * while answers that came in time lie unread. So a deadline that has passed counts only when the
 * sockets have been read once more: the event loop does so between timers and immediates.
 */
import { systemClock } from '../runtime/clock.ts'

/** A timer may be so much ahead of the clock. */
const TIMER_EARLY_MS = 1

/**
 * Calls `onLate` once when `timeoutMs` have passed and what has arrived until then has been read.
 *
 * @returns Cancels it.
 */
export function afterListening(timeoutMs: number, onLate: () => void): () => void {
  const endMs = systemClock.monotonicMs() + timeoutMs
  let immediate: NodeJS.Immediate | undefined
  const expire = (): void => {
    // Timers count from when the event loop last looked at the clock, which may be long ago.
    const leftMs = endMs - systemClock.monotonicMs()
    if (leftMs > TIMER_EARLY_MS) timer = setTimeout(expire, leftMs)
    else immediate = setImmediate(onLate)
  }
  let timer = setTimeout(expire, timeoutMs)
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}

/**
 * Settles with what `work` resolves to, or with `fallback` once `timeoutMs` have passed or `work`
 * has rejected. Never rejects. The work itself goes on: its late result is dropped.
 */
export function withinDeadline<T>(work: Promise<T>, timeoutMs: number, fallback: T): Promise<T> {
  return new Promise((resolve) => {
    const cancel = afterListening(timeoutMs, () => resolve(fallback))
    work.then(
      (value) => {
        cancel()
        resolve(value)
      },
      () => {
        cancel()
        resolve(fallback)
      },
    )
  })
}
