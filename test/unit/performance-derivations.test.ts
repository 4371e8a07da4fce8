import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { capacityWith, contentionOf } from '../../loadtest/contention.ts'
import { runtimePackages } from '../../loadtest/installed-size.ts'
import { bytesEach } from '../../loadtest/memory-readings.ts'

describe('What more threads bring', () => {
  it('is as many times more where work costs the same with two as with one', () => {
    assert.equal(contentionOf(20, 20), 0)
    assert.deepEqual(
      [1, 2, 16].map((threads) => capacityWith(threads, 0)),
      [1, 2, 16],
    )
  })

  it('never is more than that, although noise can make two look cheaper', () => {
    assert.equal(contentionOf(20, 19), 0)
  })

  it('with two is exactly what the costs say, and nears one over sigma with more', () => {
    const sigma = contentionOf(20, 25)
    assert.equal(sigma, 0.25)
    assert.equal(capacityWith(1, sigma), 1)
    assert.equal(capacityWith(2, sigma), (2 * 20) / 25)
    assert.equal(capacityWith(9, sigma), 3)
    assert.ok(capacityWith(100_000, sigma) < 4 && capacityWith(100_000, sigma) > 3.99)
  })

  it('is no more than one where the two only take turns', () => {
    assert.equal(capacityWith(2, contentionOf(20, 40)), 1)
    assert.equal(capacityWith(16, contentionOf(20, 40)), 1)
  })
})

describe('Memory of one more', () => {
  it('is the growth between the first and the last reading', () => {
    const points = [
      { count: 1_000, kib: 100 },
      { count: 4_000, kib: 999 },
      { count: 8_000, kib: 7_100 },
    ]
    assert.equal(bytesEach(points), 1_024)
  })

  it('is not known from one reading, or none', () => {
    assert.ok(Number.isNaN(bytesEach([{ count: 1, kib: 1 }])))
    assert.ok(Number.isNaN(bytesEach([])))
  })
})

describe('Packages of an image', () => {
  it('are those that are not for development and fit its system', () => {
    const locked = {
      '': {},
      'node_modules/needed': {},
      'node_modules/tool': { dev: true },
      'node_modules/needed/node_modules/own': { os: ['linux'] },
      'node_modules/elsewhere': { os: ['darwin', 'win32'] },
    }
    assert.deepEqual(runtimePackages(locked, 'linux'), [
      'node_modules/needed',
      'node_modules/needed/node_modules/own',
    ])
  })
})
