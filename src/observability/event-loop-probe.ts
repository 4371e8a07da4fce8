/** Watches the event loop of the thread that asks: how late it runs, and how idle it is. */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** How often the loop is looked at. Finer costs wake-ups of an idle process. */
const RESOLUTION_MS = 20
const NANOS_PER_MICRO = 1_000

export interface EventLoopReading {
  /** Beyond the probe's own interval, since the last reading. */
  readonly delayP50Micros: number
  readonly delayP99Micros: number
  readonly delayMaxMicros: number
  /** Share of the time since the last reading in which the loop was busy, 0 to 1. */
  readonly utilization: number
}

/** Since the start of the thread. */
export interface EventLoopTimes {
  readonly activeMs: number
  readonly idleMs: number
}

export class EventLoopProbe {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  #utilization: EventLoopUtilization = performance.eventLoopUtilization()

  constructor() {
    this.#delay.enable()
  }

  /** What happened since the last reading; starts the next one. */
  read(): EventLoopReading {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization)
    this.#utilization = now
    const hasSamples = this.#delay.count > 0
    const reading = {
      delayP50Micros: hasSamples ? beyondInterval(this.#delay.percentile(50)) : 0,
      delayP99Micros: hasSamples ? beyondInterval(this.#delay.percentile(99)) : 0,
      delayMaxMicros: hasSamples ? beyondInterval(this.#delay.max) : 0,
      utilization,
    }
    this.#delay.reset()
    return reading
  }

  /** Unlike {@link read}, takes nothing away from the next reader. */
  times(): EventLoopTimes {
    const { active, idle } = performance.eventLoopUtilization()
    return { activeMs: active, idleMs: idle }
  }

  stop(): void {
    this.#delay.disable()
  }
}

/** The probe measures from one wake-up to the next, its own interval included. */
function beyondInterval(nanos: number): number {
  return Math.max(0, nanos / NANOS_PER_MICRO - RESOLUTION_MS * 1_000)
}

/**
 * Watches how idle the loop is, whatever keeps the thread from running. Two signs, of which the
 * clearer counts, because neither sees all: time in which nothing waited to be handled, and how
 * many events did not have to wait. The first takes for idle what a quota of CPU time or a busy
 * machine keeps from running.
 *
 * @returns Asked at any time: the share since it was last asked, 0 (always busy) to 1.
 */
export function watchIdleShare(): () => number {
  let lastTime = performance.eventLoopUtilization()
  let last = performance.nodeTiming.uvMetricsInfo
  return () => {
    const time = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(time, lastTime)
    const now = performance.nodeTiming.uvMetricsInfo
    const events = now.events - last.events
    const waited = now.eventsWaiting - last.eventsWaiting
    lastTime = time
    last = now
    return 1 - Math.max(utilization, events === 0 ? 0 : waited / events)
  }
}
