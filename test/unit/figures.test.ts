import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  amount,
  duration,
  latency,
  mebibytes,
  percent,
  share,
} from '../../src/admin/page/figures.ts'

const shown = (format: (value: number) => string, values: readonly number[]) =>
  values.map((value) => format(value))

describe('figures of the live page', () => {
  it('have few digits, whatever their size', () => {
    assert.deepEqual(
      shown(amount, [0, 7, 0.25, 12.34, 123.4, 1_234, 12_345, 123_456, 12_345_678]),
      ['0', '7', '0.25', '12.3', '123', '1 234', '12.3 k', '123 k', '12.3 M'],
    )
    assert.equal(mebibytes(1_600 * 1_048_576), '1 600 MiB')
  })

  it('never call a little nothing, or not quite all everything', () => {
    assert.deepEqual(shown(percent, [0, 0.000_01, 0.0512, 0.999_99, 1]), [
      ...['0 %', '< 0.1 %', '5.1 %', '> 99.9 %', '100 %'],
    ])
    assert.deepEqual([share(1, 4), share(0, 0)], ['25.0 %', '–'])
  })

  it('name the unit in which they can be read', () => {
    assert.deepEqual(shown(latency, [0, 999, 1_000, 12_345, 123_456, 1_500_000]), [
      ...['0 µs', '999 µs', '1.00 ms', '12.3 ms', '123 ms', '1.50 s'],
    ])
    assert.deepEqual(shown(duration, [0, 59, 60, 3_600, 3_660, 90_000]), [
      ...['0 s', '59 s', '1 min', '1 h', '1 h 1 min', '1 d 1 h'],
    ])
  })
})
