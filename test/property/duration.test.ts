/** Durations of the configuration file. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseDuration } from '../../src/config/duration.ts'

const UNIT_MS = { ms: 1, s: 1_000, m: 60 * 1_000, h: 60 * 60 * 1_000 } as const
const anyUnit = fc.constantFrom('ms', 's', 'm', 'h') satisfies fc.Arbitrary<keyof typeof UNIT_MS>

describe('Durations', () => {
  it('are a number times its unit', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), anyUnit, (count, unit) => {
        assert.equal(parseDuration(`${count}${unit}`), count * UNIT_MS[unit])
      }),
    )
  })

  it('are always exact', () => {
    const largest = parseDuration('999999999h')
    assert.ok(largest !== null && Number.isSafeInteger(largest))
  })

  it('are nothing else', () => {
    const anyText = fc.oneof(
      fc.string(),
      fc.tuple(fc.string({ maxLength: 3 }), fc.nat(), anyUnit).map((parts) => parts.join('')),
      fc.tuple(fc.double(), anyUnit).map((parts) => parts.join('')),
      fc.constantFrom(
        '1',
        '1 s',
        '01s',
        '-1s',
        '+1s',
        '1S',
        '1sec',
        '1d',
        '1s\n',
        '1e3s',
        '٣s',
        '',
      ),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        const isDuration = /^(0|[1-9]\d{0,8})(ms|s|m|h)$/.test(text) && !text.endsWith('\n')
        assert.equal(parseDuration(text) !== null, isDuration)
      }),
      { numRuns: 2_000 },
    )
  })
})
