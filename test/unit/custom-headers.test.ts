/** Claims as headers of their own. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CustomHeader, renderIdentityHeaders } from '../../src/identity/identity-headers.ts'
import { byPart } from '../../src/protocol/identity-parts.ts'
import { keptClaimOf } from '../../src/protocol/kept-claims.ts'
import { EMPTY_IDENTITY } from '../../src/protocol/verification.ts'
import { propertyRuns } from '../support/property-runs.ts'

const NO_NAMES = {
  ...byPart(() => null),
  ...{ userId: null, clientId: null, tenantPlan: null },
  ...{ issuer: null, expires: null, sessionId: null },
}

function render(value: unknown, format: CustomHeader['format'] = 'text'): string | undefined {
  const claims = [value === undefined ? null : keptClaimOf(JSON.stringify(value))]
  const custom = [{ name: 'X-Department', place: 0, format }]
  const list = renderIdentityHeaders({ ...EMPTY_IDENTITY, claims }, NO_NAMES, null, custom)
  assert.ok(list.length === 0 || (list.length === 2 && list[0] === 'X-Department'))
  return list[1]
}

describe('a header that tells a claim', () => {
  it('holds scalars as text, and lists comma separated', () => {
    assert.equal(render('Sales'), 'Sales')
    assert.equal(render(42), '42')
    assert.equal(render(false), 'false')
    assert.equal(render(['a', 7, true]), 'a,7,true')
  })

  it('is not sent without a value', () => {
    assert.equal(render(undefined), undefined)
    assert.equal(render(['', null]), undefined)
    assert.equal(render(['', null], 'json'), '["",null]')
  })

  it('has a comma only between values, so that one value never reads as two', () => {
    assert.equal(render('sales,admin'), 'sales%2Cadmin')
    assert.equal(render(['sales,admin', 'x']), 'sales%2Cadmin,x')
  })

  it('holds JSON in ASCII where that is asked for', () => {
    assert.equal(
      render({ city: 'Köln 😀', n: [1] }, 'json'),
      '{"city":"K\\u00f6ln \\ud83d\\ude00","n":[1]}',
    )
    assert.equal(render('a, b', 'json'), '"a, b"')
  })

  it('cannot end a line or a text, whatever a claim holds', () => {
    for (const value of ['x\r\nX-User-Id: root', 'x\nX: y', 'x\0y', '\u0085', '\u2028', '\x7f']) {
      for (const format of ['text', 'json'] as const) {
        assert.match(render(value, format) ?? '', /^[\x20-\x7e]+$/, JSON.stringify(value))
        assert.match(render([value], format) ?? '', /^[\x20-\x7e]+$/)
      }
    }
  })

  it('tells two different values apart, and JSON as it was', () => {
    const anyText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        assert.equal(render(one) === render(other), one === other)
        assert.equal(decodeURIComponent(render(one) ?? ''), one)
        const both = (render([one, other]) ?? '').split(',').map(decodeURIComponent)
        assert.deepEqual(both, [one, other])
      }),
      propertyRuns(500),
    )
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = render({ value }, 'json') ?? ''
        assert.match(text, /^[\x20-\x7e]+$/)
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify({ value })))
      }),
      propertyRuns(500),
    )
  })
})
