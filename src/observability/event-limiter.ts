/** Bounds how often events of a kind are written, and counts those that are left out. */

interface Window {
  startMs: number
  written: number
  suppressed: number
}

/**
 * Lets the first few of each kind pass in each window and counts the rest. Keeps a window for every
 * kind that it was ever asked about: kinds are words of a closed list, never text from outside.
 */
export class EventLimiter {
  readonly #writtenMax: number
  readonly #windowMs: number
  readonly #windows = new Map<string, Window>()

  /** @param writtenMax Of one kind, within a window. */
  constructor(writtenMax: number, windowMs: number) {
    this.#writtenMax = writtenMax
    this.#windowMs = windowMs
  }

  /**
   * @param nowMs Monotonic.
   * @returns `null` when the event must not be written, otherwise how many of its kind were left
   *   out since the last one that was.
   */
  admit(kind: string, nowMs: number): number | null {
    const window = this.#windows.get(kind) ?? { startMs: nowMs, written: 0, suppressed: 0 }
    this.#windows.set(kind, window)
    if (nowMs - window.startMs >= this.#windowMs) {
      window.startMs = nowMs
      window.written = 0
    }
    if (window.written >= this.#writtenMax) {
      window.suppressed += 1
      return null
    }
    window.written += 1
    const { suppressed } = window
    window.suppressed = 0
    return suppressed
  }
}
