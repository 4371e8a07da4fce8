import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addressText } from '../../src/server/peer-address.ts'

const ipv6 = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(':', ''), 'hex'))

describe('peer addresses (RFC 5952)', () => {
  it('writes IPv4 dotted, and nothing for a peer that is gone', () => {
    assert.equal(addressText(Uint8Array.of(192, 0, 2, 7)), '192.0.2.7')
    assert.equal(addressText(new Uint8Array(0)), '')
  })

  it('compresses IPv6', () => {
    assert.equal(addressText(ipv6('2001:0db8:0000:0000:0000:0000:0000:0001')), '2001:db8::1')
    assert.equal(addressText(ipv6('0000:0000:0000:0000:0000:0000:0000:0001')), '::1')
  })

  it('knows an IPv4 peer on an IPv6 socket', () => {
    assert.equal(addressText(ipv6('0000:0000:0000:0000:0000:ffff:7f00:0001')), '127.0.0.1')
    assert.equal(addressText(ipv6('0000:0000:0000:0000:0000:ffff:c000:02ff')), '192.0.2.255')
  })

  it('writes every address so that it can be read again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        assert.notEqual(isIP(addressText(bytes)), 0)
      }),
    )
  })
})
