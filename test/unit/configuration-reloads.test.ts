import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError } from '../../src/config/config-error.ts'
import { createLogBufferMemory, LogBuffer } from '../../src/observability/log-buffer.ts'
import { Logger } from '../../src/observability/logger.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import {
  ConfigurationReloads,
  type ConfigurationReloadsParts,
} from '../../src/supervisor/configuration-reloads.ts'
import { LEAST_CONFIGURATION, parseText } from '../support/configuration-text.ts'

const FIRST = parseText(LEAST_CONFIGURATION)
const SECOND = parseText(`${LEAST_CONFIGURATION}\nwatch: true\n`)
const MOVED = parseText(`${LEAST_CONFIGURATION}\nserver: { port: 8081 }\n`)

function createReloads(parts: Partial<ConfigurationReloadsParts>) {
  const sink = new LogBuffer(createLogBufferMemory(65_536), () => {})
  return new ConfigurationReloads(FIRST, {
    load: () => ({ configuration: SECOND, files: new Map() }),
    clock: systemClock,
    logger: new Logger({ level: 'error', thread: null, sink, alerts: null }, systemClock),
    isEnding: () => false,
    prepare: () => Promise.resolve({ commit: () => Promise.resolve() }),
    onFiles: () => {},
    onRefusedFiles: () => {},
    ...parts,
  })
}

describe('Loading the configuration anew', () => {
  it('happens once more for all that ask while one is under way', async () => {
    let loads = 0
    let prepared = 0
    let atOnce = 0
    const reloads = createReloads({
      load: () => {
        loads += 1
        return { configuration: loads % 2 === 1 ? SECOND : FIRST, files: new Map() }
      },
      prepare: async () => {
        prepared += 1
        atOnce += 1
        assert.equal(atOnce, 1)
        await new Promise((resolve) => setImmediate(resolve))
        atOnce -= 1
        return { commit: () => Promise.resolve() }
      },
    })
    const first = reloads.request('signal')
    const others = Array.from({ length: 50 }, () => reloads.request('signal'))
    assert.equal((await first).revision, 2)
    const outcomes = await Promise.all(others)
    assert.deepEqual([...new Set(outcomes.map(({ revision }) => revision))], [3])
    assert.deepEqual([loads, prepared], [2, 2])
    assert.equal((await reloads.request('file')).revision, 4)
  })

  it('changes nothing when a part cannot serve it or when it needs a restart', async () => {
    const cannot = createReloads({ prepare: () => Promise.resolve(['a thread is gone']) })
    const moved = createReloads({ load: () => ({ configuration: MOVED, files: new Map() }) })
    const ending = createReloads({ isEnding: () => true })
    const broken = createReloads({ prepare: () => Promise.reject(new Error('a defect')) })
    for (const [reloads, problem] of [
      [cannot, 'a thread is gone'],
      [moved, 'server.port needs a restart'],
      [ending, 'the process ends'],
      [broken, 'an unexpected failure: the log says more'],
    ] as const) {
      const { outcome, revision, problems } = await reloads.request('request')
      assert.deepEqual([outcome, revision, problems], ['refused', 1, [problem]])
      assert.equal(reloads.configuration, FIRST)
      assert.equal(reloads.reading().isLastSuccessful, false)
    }
  })

  it('forgets why it was refused when it is not refused again', async () => {
    let isGood = false
    const problem = { path: 'routes', message: 'is required', line: null, column: null }
    const reloads = createReloads({
      load: () => {
        if (!isGood) throw new ConfigError([problem])
        return { configuration: FIRST, files: new Map() }
      },
    })
    assert.deepEqual((await reloads.request('file')).problems, ['routes is required'])
    isGood = true
    assert.equal((await reloads.request('file')).outcome, 'unchanged')
    const { outcomes, isLastSuccessful, problems } = reloads.reading()
    assert.deepEqual(outcomes, { reloaded: 0, unchanged: 1, refused: 1 })
    assert.deepEqual([isLastSuccessful, problems], [true, []])
  })
})
