import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseOwnRate } from '../../src/resilience/own-rate.ts'
import { parseRate } from '../../src/resilience/rate.ts'

describe('a rate', () => {
  it('is a count and a unit of time', () => {
    assert.deepEqual(parseRate('10/m'), { count: 10, periodSeconds: 60 })
    assert.deepEqual(parseRate('100000/s'), { count: 100_000, periodSeconds: 1 })
    assert.deepEqual(parseRate('5/h'), { count: 5, periodSeconds: 3_600 })
    assert.deepEqual(parseRate('1/d'), { count: 1, periodSeconds: 86_400 })
  })

  it('is nothing else', () => {
    const bad = [
      '',
      '10',
      '0/s',
      '01/s',
      '-1/s',
      '1.5/s',
      '1/w',
      '1 /s',
      '1/s ',
      '100001/s',
      '1e3/s',
    ]
    for (const text of bad) assert.equal(parseRate(text), null, text)
  })
})

describe('the rate of a record', () => {
  it('may be left out, and lets its whole rate come at once unless it says otherwise', () => {
    for (const absent of [undefined, null, []]) assert.equal(parseOwnRate(absent), null)
    assert.deepEqual(parseOwnRate({ rate: '5/m' }), { count: 5, periodSeconds: 60, burst: 5 })
    assert.deepEqual(parseOwnRate({ rate: '5/m', burst: 2 }), {
      count: 5,
      periodSeconds: 60,
      burst: 2,
    })
  })

  it('is refused when it is anything else', () => {
    const bad = ['5/m', 5, ['5/m'], {}, { rate: 5 }, { rate: '5' }, { rate: '5/m', burst: 0 }]
    for (const value of [...bad, { rate: '5/m', burst: '2' }, { rate: '5/m', burst: 1.5 }]) {
      assert.equal(parseOwnRate(value), undefined, JSON.stringify(value))
    }
  })
})
