import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  isAcceptableRequestId,
  REQUEST_ID_LENGTH_MAX,
  RequestIds,
} from '../../src/observability/request-id.ts'
import { randomHex } from '../../src/runtime/randomness.ts'

const UUID_VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('Request ids (RFC 9562 §5.7)', () => {
  it('are UUIDs of version 7 that carry the time they were made', () => {
    const requestIds = new RequestIds(randomHex)
    const instant = fc.double({ min: 0, max: 2 ** 48 - 1, noNaN: true })
    fc.assert(
      fc.property(instant, (wallMs) => {
        const id = requestIds.create(wallMs)
        assert.match(id, UUID_VERSION_7)
        assert.equal(Number.parseInt(id.slice(0, 13).replace('-', ''), 16), Math.trunc(wallMs))
      }),
    )
  })

  it('match the example of RFC 9562 §A.6', () => {
    // The fourth digit only chooses the variant: '1' stands for the '9' of the example.
    const text = 'cc318c4dc0c0c07398f'.padEnd(2_560, '0')
    const id = new RequestIds(() => text).create(0x017f22e279b0)
    assert.equal(id, '017f22e2-79b0-7cc3-98c4-dc0c0c07398f')
  })

  it('are never given twice, across refills of the pool', () => {
    const requestIds = new RequestIds(randomHex)
    const ids = new Set(Array.from({ length: 5_000 }, () => requestIds.create(1)))
    assert.equal(ids.size, 5_000)
  })

  it('sort by time', () => {
    const requestIds = new RequestIds(randomHex)
    const ids = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000].map((wallMs) =>
      requestIds.create(wallMs),
    )
    assert.deepEqual(ids.toSorted(), ids)
  })

  it('are taken over from a proxy only when they are short and harmless', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (value) => {
        const expected = /^[A-Za-z0-9._:-]{1,128}$/.test(value) && !value.endsWith('\n')
        assert.equal(isAcceptableRequestId(value), expected)
      }),
      { examples: [['abc\n'], ['a b'], ['"x"'], [''], ['a'.repeat(REQUEST_ID_LENGTH_MAX)]] },
    )
    assert.equal(isAcceptableRequestId('a'.repeat(REQUEST_ID_LENGTH_MAX)), true)
    assert.equal(isAcceptableRequestId('a'.repeat(REQUEST_ID_LENGTH_MAX + 1)), false)
    assert.equal(isAcceptableRequestId(new RequestIds(randomHex).create(5)), true)
  })
})
