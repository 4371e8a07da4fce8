import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ACCESS_KINDS,
  AccessLog,
  type AccessLogOptions,
} from '../../src/observability/access-log.ts'

const NONE = { answered: 0, refused: 0, failed: 0 }

function accessLog(options: Partial<AccessLogOptions>): AccessLog {
  return new AccessLog({
    shares: NONE,
    linesPerSecondMax: 1_000_000,
    onLeftOut: () => undefined,
    ...options,
  })
}

function countWanted(
  log: AccessLog,
  kind: (typeof ACCESS_KINDS)[number],
  requests: number,
  nowMs = 0,
): number {
  let wanted = 0
  for (let request = 0; request < requests; request += 1) {
    if (log.wants(kind, nowMs)) wanted += 1
  }
  return wanted
}

describe('Access log sampling', () => {
  it('has a share of its own for answers, refusals and failures', () => {
    for (const kind of ACCESS_KINDS) {
      const log = accessLog({ shares: { ...NONE, [kind]: 1 } })
      for (const other of ACCESS_KINDS) {
        assert.equal(countWanted(log, other, 50), other === kind ? 50 : 0)
      }
    }
  })

  it('logs evenly what is asked for', () => {
    const log = accessLog({ shares: { ...NONE, answered: 0.25 } })
    assert.equal(countWanted(log, 'answered', 4), 1)
    assert.equal(countWanted(log, 'answered', 996), 249)
  })

  it('writes so many lines of a kind within a second, and counts what it leaves out', () => {
    const leftOut: string[] = []
    const log = accessLog({
      shares: { answered: 1, refused: 0.5, failed: 1 },
      linesPerSecondMax: 5,
      onLeftOut: (kind) => leftOut.push(kind),
    })
    assert.equal(countWanted(log, 'refused', 100, 10), 5)
    assert.equal(leftOut.length, 45)
    // A flood of one kind takes no room from another.
    assert.equal(countWanted(log, 'failed', 6, 10), 5)
    assert.equal(leftOut.at(-1), 'failed')
    assert.equal(countWanted(log, 'refused', 10, 1_009), 0)
    assert.equal(countWanted(log, 'refused', 10, 1_010), 5)
  })
})
