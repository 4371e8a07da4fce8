/** CPU time of another process, as the kernel accounts for it (proc(5)). */
import { readFileSync } from 'node:fs'

/** Linux reports these fields in hundredths of a second on every architecture that Node runs on. */
const TICK_MICROS = 10_000
/** Places of `utime` and `stime` among the fields behind the process name. */
const USER_TIME_FIELD = 11
const SYSTEM_TIME_FIELD = 12

/**
 * User plus system time that all threads of a process, ended ones included, have used so far.
 *
 * Granularity is 10 ms: over a run of several seconds that is well under one per cent. Children
 * are not counted.
 *
 * @throws When the process is gone, or on a system without `/proc`.
 */
export function cpuTimeMicros(processId: number): number {
  const line = readFileSync(`/proc/${processId}/stat`, 'latin1')
  // The name in parentheses may itself contain spaces and parentheses.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[USER_TIME_FIELD]) + Number(fields[SYSTEM_TIME_FIELD])
  return ticks * TICK_MICROS
}
