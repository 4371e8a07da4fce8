import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isTraceparent, TraceParents } from '../../src/observability/trace-context.ts'
import { randomHex } from '../../src/runtime/randomness.ts'

const EXAMPLE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const traceParents = new TraceParents(randomHex)

/** The grammar of W3C Trace Context Level 1 §3.2.2 and §3.2.4, written the slow and obvious way. */
function followsGrammar(value: string): boolean {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s.exec(value)
  if (match === null) return false
  const [, version, traceId, parentId, , rest] = match
  if (version === 'ff' || /^0+$/.test(traceId ?? '') || /^0+$/.test(parentId ?? '')) return false
  return version !== '00' || rest === undefined
}

describe('traceparent (W3C Trace Context §3.2)', () => {
  it('is accepted exactly when it follows the grammar', () => {
    const hex = (length: number) =>
      fc.oneof(
        fc.string({
          unit: fc.constantFrom(...Array.from('0123456789abcdef')),
          minLength: length,
          maxLength: length,
        }),
        fc.constant('0'.repeat(length)),
        fc.string({
          unit: fc.constantFrom(...Array.from('0fFg-')),
          minLength: length,
          maxLength: length,
        }),
      )
    const nearly = fc
      .tuple(
        fc.constantFrom('00', '01', 'cc', 'ff', 'f0', '0', 'FF'),
        hex(32),
        hex(16),
        hex(2),
        fc.constantFrom('', '-', '-x', 'x', '-00-é'),
      )
      .map(
        ([version, trace, parent, flags, rest]) => `${version}-${trace}-${parent}-${flags}${rest}`,
      )
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (value) => {
        assert.equal(isTraceparent(value), followsGrammar(value))
      }),
      { numRuns: 2_000, examples: [[EXAMPLE], [`${EXAMPLE} `], [EXAMPLE.toUpperCase()]] },
    )
  })

  it('is continued with the same trace, a new parent and only the flag that is defined', () => {
    for (let flags = 0; flags < 256; flags += 1) {
      const incoming = EXAMPLE.slice(0, 53) + flags.toString(16).padStart(2, '0')
      const continued = traceParents.continue(incoming)
      assert.ok(isTraceparent(continued))
      assert.equal(continued.slice(0, 35), EXAMPLE.slice(0, 35))
      assert.notEqual(continued.slice(36, 52), EXAMPLE.slice(36, 52))
      assert.equal(continued.slice(53), flags % 2 === 1 ? '01' : '00')
    }
  })

  it('is continued in version 00, whatever version came in', () => {
    const continued = traceParents.continue(`cc${EXAMPLE.slice(2)}-what-the-future-brings`)
    assert.ok(continued.startsWith(EXAMPLE.slice(0, 35)))
    assert.equal(continued.length, EXAMPLE.length)
  })

  it('is valid and new each time when started', () => {
    const started = Array.from({ length: 500 }, (_, index) => traceParents.start(index % 2 === 0))
    for (const value of started) assert.ok(isTraceparent(value))
    assert.equal(new Set(started.map((value) => value.slice(3, 35))).size, 500)
    assert.ok(started[0]?.endsWith('-01'))
    assert.ok(started[1]?.endsWith('-00'))
  })

  it('is valid even when the source of randomness gives zeroes', () => {
    const broken = new TraceParents((sizeBytes) => '0'.repeat(sizeBytes * 2))
    assert.ok(isTraceparent(broken.start(true)))
    assert.ok(isTraceparent(broken.continue(EXAMPLE)))
  })
})
