/**
 * What this process may use of the machine: a container's share, where there is one, and the whole
 * machine where there is none. Only Linux tells of shares, in the files of its control groups.
 *
 *     version 2   cpu.max "50000 100000"                          memory.max "268435456" or "max"
 *     version 1   cpu.cfs_quota_us "50000", cpu.cfs_period_us …   memory.limit_in_bytes "268435456"
 *
 * A group is bound by those above it, too. Inside a container the path of its own group may be
 * that of the host, while the files are at the root of the mount: so every folder on the way from
 * the path to the root is looked at, and the tightest limit counts.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

export interface MachineLimits {
  /** At least 1. Part of a core counts as one. */
  readonly cores: number
  /** `null`: none but the machine's. */
  readonly memoryBytes: number | null
}

/** Version 1 writes a number near 2^63 for "no limit". */
const MEMORY_BYTES_MAX = 2 ** 50
/** Where version 2 is mounted: alone, or beside version 1. */
const VERSION_2_MOUNTS = ['sys/fs/cgroup', 'sys/fs/cgroup/unified']

/** @param root Where the file system begins. */
export function machineLimits(root = '/'): MachineLimits {
  const folders = groupFolders(root)
  const quota = Math.min(...folders.map(coresOf))
  const memoryBytes = Math.min(...folders.map(memoryOf))
  return {
    cores: Math.max(1, Math.min(availableParallelism(), Math.ceil(quota))),
    memoryBytes: memoryBytes < MEMORY_BYTES_MAX ? memoryBytes : null,
  }
}

/** All that may hold a limit for this process. */
function groupFolders(root: string): readonly string[] {
  const folders = new Set<string>()
  for (const line of textOf(join(root, 'proc/self/cgroup')).split('\n')) {
    // <number>:<controllers>:<path>; version 2 has no controllers.
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    for (const mount of mountsOf(controllers)) {
      for (const folder of wayToRoot(path)) folders.add(join(root, mount, folder))
    }
  }
  return [...folders]
}

function mountsOf(controllers: string): readonly string[] {
  if (controllers === '') return VERSION_2_MOUNTS
  return [controllers, ...controllers.split(',')].map((name) => `sys/fs/cgroup/${name}`)
}

function wayToRoot(path: string): readonly string[] {
  return path === '/' ? [path] : [path, ...wayToRoot(dirname(path))]
}

function coresOf(folder: string): number {
  const [quota = '', period = ''] = textOf(join(folder, 'cpu.max')).split(' ')
  return Math.min(
    share(quota, period),
    share(textOf(join(folder, 'cpu.cfs_quota_us')), textOf(join(folder, 'cpu.cfs_period_us'))),
  )
}

function share(quota: string, period: string): number {
  return isCount(quota) && isCount(period) ? Number(quota) / Number(period) : Infinity
}

function memoryOf(folder: string): number {
  const limits = ['memory.max', 'memory.limit_in_bytes'].map((name) => textOf(join(folder, name)))
  return Math.min(...limits.map((limit) => (isCount(limit) ? Number(limit) : Infinity)))
}

/** "max", "-1" and nothing at all are no limit. */
function isCount(text: string): boolean {
  return /^[1-9][0-9]{0,18}$/.test(text)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    // Another version, another system, or a group that is not visible from here.
    return ''
  }
}
