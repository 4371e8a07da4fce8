/** What a container may use, from the files of its control groups: invented ones and real ones. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fittingMiB, readEnvironment } from '../../src/config/environment.ts'
import { machineLimits } from '../../src/config/machine-limits.ts'
import { LEAST_CONFIGURATION, parseText } from '../support/configuration-text.ts'

const MIB = 1_048_576
const CORES = availableParallelism()

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sallyport-machine-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function put(name: string, text: string): void {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), `${text}\n`)
}

describe('the limits of the machine', () => {
  it('are those of the system where there is no control group', () => {
    assert.deepEqual(machineLimits(root), { cores: CORES, memoryBytes: null })
  })

  it('are a quota and a memory limit of version 2', () => {
    put('proc/self/cgroup', '0::/')
    put('sys/fs/cgroup/cpu.max', '50000 100000')
    put('sys/fs/cgroup/memory.max', String(256 * MIB))
    assert.deepEqual(machineLimits(root), { cores: 1, memoryBytes: 256 * MIB })
  })

  it('are the tightest of all groups above, and "max" is none', () => {
    put('proc/self/cgroup', '0::/kubepods/pod1/c1')
    put('sys/fs/cgroup/kubepods/pod1/c1/cpu.max', 'max 100000')
    put('sys/fs/cgroup/kubepods/pod1/c1/memory.max', 'max')
    put('sys/fs/cgroup/kubepods/pod1/memory.max', String(512 * MIB))
    put('sys/fs/cgroup/kubepods/cpu.max', '100000 100000')
    assert.deepEqual(machineLimits(root), { cores: 1, memoryBytes: 512 * MIB })
  })

  it('are a quota and a memory limit of version 1, at the path or at the root', () => {
    put('proc/self/cgroup', '4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc')
    put('sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us', '-1')
    put('sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us', '100000')
    put('sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us', '20000')
    put('sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us', '100000')
    put('sys/fs/cgroup/memory/memory.limit_in_bytes', String(128 * MIB))
    assert.deepEqual(machineLimits(root), { cores: 1, memoryBytes: 128 * MIB })
    put('sys/fs/cgroup/memory/memory.limit_in_bytes', '9223372036854771712')
    assert.equal(machineLimits(root).memoryBytes, null)
  })

  it('are never more cores than there are', () => {
    put('proc/self/cgroup', '0::/')
    put('sys/fs/cgroup/cpu.max', '6400000 100000')
    assert.equal(machineLimits(root).cores, CORES)
  })

  it('of a real group hold for a process in it', (context) => {
    const group = `/sys/fs/cgroup/cpu/sallyport-test-${process.pid}`
    try {
      mkdirSync(group)
      writeFileSync(join(group, 'cpu.cfs_quota_us'), '50000')
    } catch {
      context.skip('no control group of version 1 can be made here')
      return
    }
    try {
      const module = new URL('../../src/config/machine-limits.js', import.meta.url).href
      const program = `import(${JSON.stringify(module)}).then((m) => console.log(m.machineLimits().cores))`
      const enter = 'echo $$ > "$0/cgroup.procs" && exec "$1" -e "$2"'
      const words = ['-c', enter, group, process.execPath, program]
      assert.equal(spawnSync('sh', words, { encoding: 'utf8' }).stdout, '1\n')
    } finally {
      rmdirSync(group)
    }
  })
})

describe('the defaults in a container', () => {
  it('with half a core are one listener thread and one verification thread', () => {
    const { tuning } = readEnvironment({}, { cores: 1, memoryBytes: 256 * MIB })
    assert.equal(tuning.listenerThreads, 1)
    assert.equal(tuning.verifyThreads, 1)
  })

  it('fit its memory', () => {
    const machine = { cores: 1, memoryBytes: 128 * MIB }
    const { cache, tuning } = parseText(LEAST_CONFIGURATION, { machine })
    assert.equal(cache.sizeMiB, 16)
    assert.equal(tuning.bodyMemoryBytes, 16 * MIB)
    assert.equal(tuning.memoryLimitMiB, 128)
    assert.equal(fittingMiB(1_024), 64)
    assert.equal(fittingMiB(null), 64)
  })

  it('can be changed, but not to a cache that takes more than half of its memory', () => {
    const machine = { cores: 1, memoryBytes: 128 * MIB }
    const environment = { SALLYPORT_CACHE_MIB: '64' }
    assert.equal(parseText(LEAST_CONFIGURATION, { machine, environment }).cache.sizeMiB, 64)
    const large = { SALLYPORT_CACHE_MIB: '65' }
    assert.throws(
      () => parseText(LEAST_CONFIGURATION, { machine, environment: large }),
      /SALLYPORT_CACHE_MIB.*at most half of the memory limit, which is 128 MiB/s,
    )
    const text = `${LEAST_CONFIGURATION}\ncache: { sizeMiB: 65 }`
    assert.throws(() => parseText(text, { machine }), /cache\.sizeMiB.*at most half/s)
  })
})
