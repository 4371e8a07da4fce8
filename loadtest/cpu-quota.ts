/**
 * Bounds the processor time of a process as a container's limit does (cgroups, version 1 or 2), so
 * that clients on the same machine can send several times what it can serve.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = '/sys/fs/cgroup'
/** Short, so that the process is never stopped for long: the quota must be 1 ms at least. */
const PERIOD_MICROS = 10_000

export interface CpuQuota {
  /** The process may go on without. */
  remove(): void
}

/**
 * @param share Of one processor.
 * @throws Where control groups cannot be written: it takes Linux, root and, of version 2, `cpu`
 *   among the controllers of the root; or for less than a tenth of a processor.
 */
export function limitCpu(processId: number, share: number): CpuQuota {
  const isVersion1 = existsSync(join(ROOT, 'cpu', 'cgroup.procs'))
  const folder = join(ROOT, isVersion1 ? 'cpu' : '', `sallyport-loadtest-${processId}`)
  const quota = String(Math.round(share * PERIOD_MICROS))
  // One of an earlier process with this id may have been left.
  mkdirSync(folder, { recursive: true })
  try {
    if (isVersion1) {
      writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD_MICROS))
      writeFileSync(join(folder, 'cpu.cfs_quota_us'), quota)
    } else writeFileSync(join(folder, 'cpu.max'), `${quota} ${PERIOD_MICROS}`)
    writeFileSync(join(folder, 'cgroup.procs'), String(processId))
  } catch (error) {
    rmdirSync(folder)
    const needs = 'it takes Linux, root, control groups, and at least a tenth of a processor'
    throw new Error(`No quota of processor time, ${needs}: ${String(error)}`, { cause: error })
  }
  const remove = (): void => {
    process.off('exit', removeAtExit)
    try {
      writeFileSync(join(folder, '..', 'cgroup.procs'), String(processId))
    } catch {
      // It has ended, so that nothing is left in the group.
    }
    rmdirSync(folder)
  }
  const removeAtExit = (): void => {
    try {
      remove()
    } catch {
      // Nothing may keep the others that listen for the end from theirs.
    }
  }
  // Before what this process started is killed: a group goes only once the dead in it are reaped.
  process.prependOnceListener('exit', removeAtExit)
  return { remove }
}
