/** The strict reader against the definition: a segment is what encoding some bytes gives. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseCompactJws } from '../../src/protocol/compact-jws.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 })
const nearSegment = fc.string({
  unit: fc.constantFrom(...Array.from(`${ALPHABET}=+/ \n.\u00e9\u0141`)),
  maxLength: 8,
})

function encoded(segment: Uint8Array): string {
  return Buffer.from(segment).toString('base64url')
}

/** The slow and obvious way: whatever decodes and encodes to itself. */
function isCanonical(segment: string): boolean {
  return segment !== '' && Buffer.from(segment, 'base64url').toString('base64url') === segment
}

describe('compact serialization (RFC 7515 §7.1)', () => {
  it('takes every three strings of bytes', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, (header, payload, signature) => {
        const parsed = parseCompactJws([header, payload, signature].map(encoded).join('.'))
        assert.deepEqual(parsed, {
          protectedHeader: encoded(header),
          payload: encoded(payload),
          signatureBytes: signature.length,
        })
      }),
    )
  })

  it('takes exactly those segments that are the encoding of what they decode to', () => {
    fc.assert(
      fc.property(nearSegment, fc.integer({ min: 0, max: 2 }), (segment, place) => {
        const segments = ['e30', 'e30', 'AAAA']
        segments[place] = segment
        assert.equal(parseCompactJws(segments.join('.')) !== null, isCanonical(segment))
      }),
      { numRuns: 5_000 },
    )
  })
})
