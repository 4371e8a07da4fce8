import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createLogBufferMemory, LogBuffer } from '../../src/observability/log-buffer.ts'
import { Logger } from '../../src/observability/logger.ts'
import type { CircuitState } from '../../src/resilience/circuit-breaker.ts'
import { CircuitWatch } from '../../src/supervisor/circuit-watch.ts'
import { ManualClock } from '../support/manual-clock.ts'

const LOOK_EVERY_MS = 500

class Rig {
  issuers: { readonly issuer: string; state: CircuitState; opened: number }[] = []
  readonly #sink = new LogBuffer(createLogBufferMemory(65_536), () => {})
  readonly #test: TestContext

  constructor(test: TestContext) {
    this.#test = test
    test.mock.timers.enable({ apis: ['setInterval'] })
    const options = { level: 'info', thread: null, sink: this.#sink, alerts: null } as const
    const watch = new CircuitWatch(() => this.#read(), new Logger(options, new ManualClock()))
    watch.start()
    test.after(() => watch.stop())
  }

  /** Events of the next look. */
  look(): string[] {
    this.#test.mock.timers.tick(LOOK_EVERY_MS)
    const target = Buffer.alloc(65_536)
    const lines = target.toString('utf8', 0, this.#sink.take(target)).split('\n').filter(Boolean)
    return lines.map((line) => {
      const { event, issuer } = JSON.parse(line) as { event: string; issuer: string }
      return `${issuer} ${event}`
    })
  }

  #read() {
    return this.issuers.map(({ issuer, state, opened }) => ({
      issuer,
      circuits: [{ callers: 'all' as const, state, opened }],
      pauses: [],
    }))
  }
}

describe('breakers of introspection endpoints', () => {
  it('are told once for each change', (test) => {
    const rig = new Rig(test)
    rig.issuers = [{ issuer: 'main', state: 'closed', opened: 0 }]
    assert.deepEqual(rig.look(), [])
    rig.issuers = [{ issuer: 'main', state: 'open', opened: 1 }]
    assert.deepEqual([rig.look(), rig.look()], [['main circuit_opened'], []])
    rig.issuers = [{ issuer: 'main', state: 'half_open', opened: 1 }]
    assert.deepEqual(rig.look(), ['main circuit_half_open'])
    rig.issuers = [{ issuer: 'main', state: 'closed', opened: 1 }]
    assert.deepEqual(rig.look(), ['main circuit_closed'])
  })

  it('are told when they opened and closed between two looks', (test) => {
    const rig = new Rig(test)
    rig.issuers = [{ issuer: 'main', state: 'closed', opened: 1 }]
    assert.deepEqual(rig.look(), ['main circuit_opened', 'main circuit_closed'])
  })

  it('are watched of issuers that come with a later configuration', (test) => {
    const rig = new Rig(test)
    assert.deepEqual(rig.look(), [])
    rig.issuers = [{ issuer: 'late', state: 'open', opened: 1 }]
    assert.deepEqual(rig.look(), ['late circuit_opened'])
  })
})
