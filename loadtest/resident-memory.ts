/** Resident memory of another process, as the kernel accounts for it (proc(5)). */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 150
/** Readings that must agree, one after the other. */
const AGREEING = 5
const AGREEMENT_KIB = 32
/** Two processes that share a machine never agree for long; then the last reading counts. */
const SETTLE_MS_MAX = 4_000

/**
 * VmRSS in KiB: what is in memory, shared pages included. Buffers of sockets are the kernel's own
 * and not in it.
 *
 * @throws When the process is gone, or on a system without `/proc`.
 */
function residentKib(processId: number): number {
  const status = readFileSync(`/proc/${processId}/status`, 'latin1')
  const kib = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]
  if (kib === undefined) throw new Error(`The kernel tells no resident memory of ${processId}.`)
  return Number(kib)
}

/** The same in KiB when it changes no more, or after {@link SETTLE_MS_MAX}. */
export async function settledKib(processId: number): Promise<number> {
  const readings: number[] = []
  const deadlineMs = performance.now() + SETTLE_MS_MAX
  for (;;) {
    const last = residentKib(processId)
    readings.push(last)
    const compared = readings.slice(-AGREEING)
    const spread = Math.max(...compared) - Math.min(...compared)
    if (compared.length === AGREEING && spread <= AGREEMENT_KIB) return last
    if (performance.now() > deadlineMs) return last
    await sleep(POLL_MS)
  }
}

/** Files and connections that a process started from this one may have open at once. */
export function openFilesMax(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1')
  // Node raises the soft limit, the first figure, to the hard one when it starts.
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1]
  return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
}
