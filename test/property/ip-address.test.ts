/** IP addresses as text, against Node's own reading of them. */
import assert from 'node:assert/strict'
import { isIP, SocketAddress } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addressBits, bitsOfBytes, bitsText, isIpv4 } from '../../src/http/ip-address.ts'

const RUNS = { numRuns: 3_000 }

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 })
const bytes4 = fc.uint8Array({ minLength: 4, maxLength: 4 })
/** Many zeros, so that `::` is written. */
const sparse = fc
  .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => groups.map((group) => group.toString(16)))

/** What is almost an address. */
const almost = fc.oneof(
  fc.array(fc.constantFrom(':', '::', '.', '0', '1', 'a', 'F', 'ffff', '255', '256', '01', 'g'), {
    maxLength: 20,
  }),
  fc.array(fc.constantFrom('1', 'ab', '::', ':', ':2', '.3'), { maxLength: 16 }),
  sparse.map((groups) => [groups.join(':')]),
  sparse.map((groups) => [groups.slice(0, 6).join(':'), ':192.0.2.1']),
  fc
    .tuple(sparse, fc.nat(8), fc.nat(8))
    .map(([groups, from, count]) => [
      `${groups.slice(0, from).join(':')}::${groups.slice(from + count).join(':')}`,
    ]),
  fc.tuple(fc.ipV4(), fc.string({ maxLength: 2 })).map((parts) => parts),
  fc.tuple(fc.ipV6(), fc.string({ maxLength: 2 })).map((parts) => parts),
)

describe('the text of an address (RFC 4291 §2.2)', () => {
  it('is read exactly where Node reads one, zones aside', () => {
    fc.assert(
      fc.property(almost, (pieces) => {
        const text = pieces.join('')
        if (text.includes('%')) return
        const family = isIP(text)
        const bits = addressBits(text)
        assert.equal(bits !== null, family !== 0, text)
        if (family === 4 && bits !== null) assert.ok(isIpv4(bits), text)
      }),
      RUNS,
    )
  })

  it('is read as the address that Node reads', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV6(),
          sparse.map((groups) => groups.join(':')),
        ),
        (text) => {
          const bits = addressBits(text)
          assert.ok(bits !== null, text)
          const expected = new SocketAddress({ address: text, family: 'ipv6' }).address
          assert.equal(addressBits(expected), bits, `${text} and ${expected}`)
          // Where Node writes an embedded IPv4 address, RFC 5952 §5 leaves the choice.
          if (!expected.includes('.')) assert.equal(bitsText(bits), expected, text)
        },
      ),
      RUNS,
    )
  })

  it('has one spelling, which is read again as the same address', () => {
    fc.assert(
      fc.property(fc.oneof(bytes16, bytes4), (bytes) => {
        const bits = bitsOfBytes(bytes)
        assert.equal(addressBits(bitsText(bits)), bits)
      }),
      RUNS,
    )
  })

  it('is one for IPv4 and for IPv6 that maps it', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        assert.equal(addressBits(`::ffff:${text}`), addressBits(text))
        const bits = addressBits(text)
        assert.ok(bits !== null && isIpv4(bits))
        assert.equal(bitsText(bits), text)
      }),
    )
  })

  it('compares as the numbers do', () => {
    fc.assert(
      fc.property(bytes16, bytes16, (one, other) => {
        const isLess = Buffer.compare(one, other) < 0
        assert.equal(bitsOfBytes(one) < bitsOfBytes(other), isLess)
      }),
    )
  })
})
