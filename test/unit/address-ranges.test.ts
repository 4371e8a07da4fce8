/** Ranges of addresses, and the lists that they make. */
import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { admitsAddress, hasAddressLists } from '../../src/http/address-lists.ts'
import { AddressRanges, parseAddressRange } from '../../src/http/address-ranges.ts'

describe('the text of an address range (RFC 4632 §3.1, RFC 4291 §2.3)', () => {
  const good = [
    ...['192.0.2.7', '192.0.2.7/32', '10.0.0.0/8', '0.0.0.0/0', '128.0.0.0/1', '192.0.2.254/31'],
    ...['::', '::/0', '2001:db8::1', '2001:DB8::/32', '2001:db8::1/128', 'fe80::/10', '::1/128'],
    ...['::ffff:10.0.0.0/104', '::ffff:192.0.2.7', '2001:db8:0:8000::/49'],
  ]
  for (const text of good) {
    it(`may be ${text}`, () => {
      assert.equal(parseAddressRange(text), text)
    })
  }

  const bad = [
    ...['', '/', '10.0.0.0/', '/8', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/+8', '10.0.0.0/8.0'],
    ...['10.0.0.0/-1', '10.0.0.0/1e1', '10.0.0.0/8/8', '10.0.0.0/ 8', ' 10.0.0.0/8', '10.0.0/8'],
    ...['10.0.0.0.0', '256.0.0.1', '010.0.0.1', '10.0.0.0-10.0.0.9', '10.*', 'localhost', '*'],
    ...[
      '::/129',
      '::1%eth0',
      'fe80::%1/10',
      '[::1]',
      '::1]:80',
      '192.0.2.7:80',
      ':',
      ':::',
      '::/-0',
    ],
  ]
  for (const text of bad) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parseAddressRange(text), null)
    })
  }

  it('has no bit behind its prefix, because it may have been meant as one address', () => {
    const texts = ['10.0.0.1/8', '192.0.2.255/31', '0.0.0.1/0', '2001:db8::1/64', '::1/0']
    for (const text of [...texts, '2001:db8:0:8000::/48', '::ffff:10.1.0.0/104']) {
      assert.equal(parseAddressRange(text), null, text)
    }
  })
})

describe('ranges of addresses', () => {
  it('begin and end where their prefix says', () => {
    const ranges = new AddressRanges(['10.1.0.0/16', '192.0.2.7', '2001:db8:0:8000::/49'])
    for (const address of ['10.1.0.0', '10.1.255.255', '192.0.2.7', '2001:db8:0:8000::']) {
      assert.equal(ranges.has(address), true, address)
    }
    assert.equal(ranges.has('2001:db8:0:ffff:ffff:ffff:ffff:ffff'), true)
    const outside = ['10.0.255.255', '10.2.0.0', '192.0.2.6', '192.0.2.8', '2001:db8:0:7fff::']
    for (const address of [...outside, '2001:db8:1::', '::']) {
      assert.equal(ranges.has(address), false, address)
    }
  })

  it('have no address in them when there is none, and nothing that is no address', () => {
    const none = new AddressRanges([])
    assert.equal(none.isEmpty, true)
    assert.equal(none.has('192.0.2.7'), false)
    const all = new AddressRanges(['0.0.0.0/0', '::/0'])
    assert.equal(all.isEmpty, false)
    for (const text of [
      '',
      'unknown',
      '1.2.3',
      '1.2.3.4:5',
      '[::1]',
      '::1%lo',
      'x'.repeat(16_384),
    ]) {
      assert.equal(all.has(text), false, text.slice(0, 20))
    }
  })

  it('of IPv6 hold no IPv4 address, however it is spelled, and the other way round', () => {
    const all6 = new AddressRanges(['::/0'])
    assert.equal(all6.has('192.0.2.7'), false)
    assert.equal(all6.has('::ffff:192.0.2.7'), false)
    assert.equal(all6.has('2001:db8::1'), true)
    const all4 = new AddressRanges(['0.0.0.0/0'])
    assert.equal(all4.has('::ffff:192.0.2.7'), true)
    assert.equal(all4.has('2001:db8::1'), false)
    const mapped = new AddressRanges(['::ffff:10.0.0.0/104'])
    assert.equal(mapped.has('10.255.0.1'), true)
    assert.equal(mapped.has('11.0.0.0'), false)
  })

  it('must have been checked: one that is none is never left out without a word', () => {
    assert.throws(() => new AddressRanges(['10.0.0.1/8']), /not checked/)
  })

  const range4 = fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, prefix]) => {
    const masked = (BigInt.asUintN(32, -1n << BigInt(32 - prefix)) & numberOf(address)).toString()
    return `${dotted(Number(masked))}/${prefix}`
  })

  it('are those that Node knows by the same text', () => {
    fc.assert(
      fc.property(fc.array(range4, { maxLength: 12 }), fc.ipV4(), fc.nat(12), (texts, any, at) => {
        const list = new BlockList()
        for (const text of texts) {
          const [address = '', prefix] = text.split('/')
          list.addSubnet(address, Number(prefix), 'ipv4')
        }
        const ranges = new AddressRanges(texts)
        const first = texts[at]?.split('/')[0] ?? any
        for (const address of [any, first]) {
          assert.equal(
            ranges.has(address),
            list.check(address, 'ipv4'),
            `${address} in ${texts.join()}`,
          )
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('lists of addresses that are allowed and denied', () => {
  const lists = { allowFrom: ['10.0.0.0/8', '2001:db8::/32'], denyFrom: ['10.1.0.0/16'] }

  it('admit what is allowed and not denied: deny wins', () => {
    assert.equal(admitsAddress(lists, '10.2.0.1'), true)
    assert.equal(admitsAddress(lists, '2001:db8::1'), true)
    assert.equal(admitsAddress(lists, '10.1.0.1'), false)
    assert.equal(admitsAddress(lists, '192.0.2.7'), false)
    const both = { allowFrom: ['192.0.2.7'], denyFrom: ['192.0.2.7'] }
    assert.equal(admitsAddress(both, '192.0.2.7'), false)
  })

  it('admit all that is not denied where nothing is allowed in particular', () => {
    const denied = { allowFrom: [], denyFrom: ['10.1.0.0/16'] }
    assert.equal(admitsAddress(denied, '192.0.2.7'), true)
    assert.equal(admitsAddress(denied, '10.1.0.1'), false)
    assert.equal(hasAddressLists({ allowFrom: [], denyFrom: [] }), false)
    assert.equal(hasAddressLists(denied), true)
  })

  it('admit an address that cannot be told only where nothing is allowed in particular', () => {
    assert.equal(admitsAddress(lists, ''), false)
    assert.equal(admitsAddress({ allowFrom: ['0.0.0.0/0', '::/0'], denyFrom: [] }, ''), false)
    assert.equal(admitsAddress({ allowFrom: [], denyFrom: ['0.0.0.0/0'] }, ''), true)
  })
})

function numberOf(address: string): bigint {
  assert.equal(isIP(address), 4)
  return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}
