import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plainAddress } from '../../src/server/plain-address.ts'

describe('peer addresses (RFC 5952)', () => {
  it('leaves IPv4 and the address of a peer that is gone as they are', () => {
    assert.equal(plainAddress('192.0.2.7'), '192.0.2.7')
    assert.equal(plainAddress(''), '')
  })

  it('compresses IPv6', () => {
    assert.equal(plainAddress('2001:0db8:0000:0000:0000:0000:0000:0001'), '2001:db8::1')
    assert.equal(plainAddress('0000:0000:0000:0000:0000:0000:0000:0001'), '::1')
  })

  it('knows an IPv4 peer on an IPv6 socket', () => {
    assert.equal(plainAddress('0000:0000:0000:0000:0000:ffff:7f00:0001'), '127.0.0.1')
    assert.equal(plainAddress('0000:0000:0000:0000:0000:ffff:c000:02ff'), '192.0.2.255')
  })
})
