import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AccessLog } from '../../src/observability/access-log.ts'

function countWanted(log: AccessLog, status: number, requests: number): number {
  let wanted = 0
  for (let request = 0; request < requests; request += 1) if (log.wants(status)) wanted += 1
  return wanted
}

describe('Access log sampling', () => {
  it('logs every request with a share of 1 and none with 0', () => {
    assert.equal(
      countWanted(new AccessLog({ sampledShare: 1, failureSampledShare: 0 }), 200, 50),
      50,
    )
    assert.equal(
      countWanted(new AccessLog({ sampledShare: 0, failureSampledShare: 1 }), 200, 50),
      0,
    )
  })

  it('logs evenly what is asked for', () => {
    const log = new AccessLog({ sampledShare: 0.25, failureSampledShare: 0 })
    assert.equal(countWanted(log, 404, 4), 1)
    assert.equal(countWanted(log, 200, 996), 249)
  })

  it('has a share of its own for failures', () => {
    const log = new AccessLog({ sampledShare: 0, failureSampledShare: 1 })
    assert.equal(countWanted(log, 499, 10), 0)
    assert.equal(countWanted(log, 500, 10), 10)
  })
})
