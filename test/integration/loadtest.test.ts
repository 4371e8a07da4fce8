import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { compare, median } from '../../loadtest/comparison.ts'
import { cpuTimeMicros } from '../../loadtest/cpu-time.ts'
import { prepareCredentials } from '../../loadtest/credentials.ts'
import { runOverload } from '../../loadtest/overload-job.ts'
import type { Peer } from '../../loadtest/peer.ts'
import { barePeer } from '../../loadtest/peers/bare.ts'
import { fastifyPeer } from '../../loadtest/peers/fastify.ts'
import { renderMarkdown } from '../../loadtest/report.ts'
import { CONNECTIONS, scenarioNamed } from '../../loadtest/scenario.ts'
import { startUpstream } from '../../loadtest/upstream-process.ts'

const HOT = scenarioNamed('hot-es256')
const NEW = scenarioNamed('new-es256')

const OPTIONS = {
  rounds: 2,
  turnSeconds: 1,
  warmUpSeconds: 1,
  newTokensPerTurn: 64,
  threads: 1,
  connections: CONNECTIONS,
  rate: null,
}

const missingPeer: Peer = {
  name: 'missing',
  work: 'none',
  decides: false,
  start: () => Promise.resolve({ status: 'skipped', reason: 'missing: not installed, skipped' }),
}

const needsLinux = existsSync('/proc/self/stat') ? false : 'CPU time is read from /proc'

describe('Load test', { skip: needsLinux }, () => {
  it('reads the CPU time of a process from the kernel', () => {
    const beforeMicros = cpuTimeMicros(process.pid)
    const usedBefore = process.cpuUsage()
    while (process.cpuUsage(usedBefore).user < 100_000) Math.sqrt(2)
    const spentMicros = cpuTimeMicros(process.pid) - beforeMicros
    assert.ok(spentMicros >= 80_000 && spentMicros < 1_000_000, String(spentMicros))
  })

  it('measures a program over real connections and tells which one is missing', async () => {
    const outcome = await compare(HOT, [barePeer, missingPeer], OPTIONS)
    assert.deepEqual(outcome.skipped, ['missing: not installed, skipped'])
    const [bare] = outcome.peers
    assert.equal(bare?.turns.length, 2)
    assert.ok((bare?.cpuMicrosPerRequest ?? 0) > 1)
    assert.ok((bare?.requestsPerSecond ?? 0) > 100)
    const machine = {
      processor: 'x',
      cores: 1,
      memoryGiB: 1,
      kernel: 'x',
      node: 'x',
      loadBefore: 0,
    }
    const text = renderMarkdown({ machine, options: OPTIONS, scenarios: [outcome] })
    assert.match(text, /\| bare \| \d/)
    assert.match(text, /missing: not installed, skipped/)
  })

  it('tells how to install the packages of a program that are not where it looks', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-loadtest-'))
    const before = process.env['SALLYPORT_LOADTEST_MODULES']
    t.after(() => {
      rmSync(folder, { recursive: true })
      if (before === undefined) delete process.env['SALLYPORT_LOADTEST_MODULES']
      else process.env['SALLYPORT_LOADTEST_MODULES'] = before
    })
    process.env['SALLYPORT_LOADTEST_MODULES'] = folder
    const { peers, skipped } = await compare(NEW, [fastifyPeer], OPTIONS)
    assert.deepEqual(peers, [])
    assert.match(skipped.join(), /^fastify: not installed \(npm install .*@fastify\/jwt .*skipped$/)
  })

  it('sends each new token once', async () => {
    const outcome = await compare(NEW, [barePeer], OPTIONS)
    assert.deepEqual(
      outcome.peers[0]?.turns.map((turn) => turn.responses),
      [64, 64],
    )
  })

  it('voids a run in which a program answers anything but the upstream’s body', async () => {
    const refusing: Peer = {
      ...barePeer,
      // Passes through to a port where nothing listens, so that every answer is 502.
      start: (context) => barePeer.start({ ...context, upstreamPort: 1 }),
    }
    await assert.rejects(compare(NEW, [refusing], OPTIONS), /run is void/)
  })

  it('sends at a rate of arrival what its connections allow, and counts the rest', async () => {
    const upstream = await startUpstream()
    const { tokensFile } = prepareCredentials('ES256', 8)
    const job = {
      port: upstream.port,
      processId: process.pid,
      tokensFile,
      firstToken: 0,
      tokens: 8,
      repeatsTokens: true,
      durationSeconds: 1,
    }
    try {
      const few = await runOverload({ ...job, connections: 64, rate: 200 })
      assert.deepEqual(Object.keys(few.answers), ['200'])
      assert.equal(few.lost, 0)
      const many = await runOverload({ ...job, connections: 1, rate: 200_000 })
      assert.ok(many.unsent > (many.answers['200'] ?? 0), JSON.stringify(many))
    } finally {
      await upstream.stop()
    }
  })

  it('takes the middle of the rounds', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([4, 1, 2, 3]), 2.5)
  })
})
