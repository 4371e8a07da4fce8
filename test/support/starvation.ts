/**
 * How long a busy machine has kept programs from running. Where a test promises a time, this is
 * what the machine adds to it and the code under test cannot help; a quiet machine adds nothing.
 */
import { readdirSync, readFileSync } from 'node:fs'

const NANOS_PER_MS = 1_000_000
/** So much computing tells how busy the machine is. */
const PROBE_MICROS = 50_000

/**
 * Begins to watch.
 *
 * @param processIds Through which the time goes that is measured, one after the other.
 * @returns Asked at any later time: how many milliseconds these processes have waited for a
 *   processor since then, each by its thread that waited longest. Always 0 where the system does
 *   not tell (`/proc/<pid>/task/<tid>/schedstat` of Linux).
 */
export function watchStarvation(processIds: readonly number[] = [process.pid]): () => number {
  const before = processIds.map(waitsOf)
  return () => {
    let sum = 0
    for (const [index, processId] of processIds.entries()) {
      let longest = 0
      for (const [thread, waited] of waitsOf(processId)) {
        longest = Math.max(longest, waited - (before[index]?.get(thread) ?? 0))
      }
      sum += longest / NANOS_PER_MS
    }
    return sum
  }
}

/**
 * How many times as long as on a quiet machine it takes now to compute something; at least 1. For
 * times that a test configures, so that what has to happen within them can.
 */
export function slowness(): number {
  const startMs = performance.now()
  const before = process.cpuUsage()
  let usedMicros = 0
  while (usedMicros < PROBE_MICROS) {
    const { user, system } = process.cpuUsage(before)
    usedMicros = user + system
  }
  return Math.max(1, ((performance.now() - startMs) * 1_000) / usedMicros)
}

/** Nanoseconds that each thread has been ready to run and did not run. */
function waitsOf(processId: number): Map<string, number> {
  const waits = new Map<string, number>()
  const folder = `/proc/${processId}/task`
  // This process waits in its main thread only, and may ask often.
  const threads = processId === process.pid ? [String(processId)] : foldersIn(folder)
  for (const thread of threads) {
    const waited = Number(textOf(`${folder}/${thread}/schedstat`).split(' ')[1] ?? 0)
    waits.set(thread, waited)
  }
  return waits
}

function foldersIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Another system, or the process has ended.
    return []
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // The thread has just ended.
    return ''
  }
}
