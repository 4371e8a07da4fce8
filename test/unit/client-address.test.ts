/** Whose request it is, behind the proxies that there are. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AddressRanges } from '../../src/http/address-ranges.ts'
import { addressKey } from '../../src/http/client-address.ts'
import { HOPS_MAX } from '../../src/http/forwarded-field.ts'
import { clientOf } from '../support/client-of.ts'

/** What is in front of us, in every case. */
const TRUSTED = new AddressRanges(['10.0.0.0/8', 'fd00::/8', '198.51.100.1'])
const PROXY = '10.0.0.1'
const CLIENT = '203.0.113.7'

function behind(peer: string, ...values: readonly string[]): string {
  return clientOf(
    peer,
    values.flatMap((value) => ['x-forwarded-for', value]),
    TRUSTED,
  )
}

type Row = readonly [name: string, expected: string, peer: string, ...values: string[]]

const FORMS: readonly Row[] = [
  ['no field: the peer', PROXY, PROXY],
  ['nginx, $proxy_add_x_forwarded_for', '203.0.113.7', PROXY, '203.0.113.7'],
  ['nginx behind nginx', '203.0.113.7', PROXY, '203.0.113.7, 10.0.0.2'],
  ['nginx without a space', '203.0.113.7', PROXY, '203.0.113.7,10.0.0.2'],
  ['nginx with a client on a Unix socket', PROXY, PROXY, '203.0.113.7, unix:'],
  [
    'HAProxy, option forwardfor: a field of its own',
    '203.0.113.7',
    PROXY,
    '6.6.6.6',
    '203.0.113.7',
  ],
  ['HAProxy behind a client with an empty field', '203.0.113.7', PROXY, '', '203.0.113.7'],
  ['Envoy, appended', '203.0.113.7', PROXY, '6.6.6.6,203.0.113.7'],
  [
    'Envoy in front of Envoy (xff_num_trusted_hops: 1)',
    '203.0.113.7',
    PROXY,
    '203.0.113.7,10.0.0.9',
  ],
  ['Traefik', '203.0.113.7', PROXY, '203.0.113.7, 10.0.0.3'],
  ['AWS ALB', '203.0.113.7', PROXY, '203.0.113.7'],
  ['AWS ALB with the port of the client', '203.0.113.7', PROXY, '203.0.113.7:48532'],
  ['AWS ALB, IPv6', '2001:db8::21f:5bff:febf:ce22', PROXY, '2001:DB8::21f:5bff:febf:ce22'],
  ['AWS ALB, IPv6 with a port', '2001:db8::1', PROXY, '[2001:db8::1]:48532'],
  ['Azure Application Gateway, always with ports', '203.0.113.7', PROXY, '203.0.113.7:50233'],
  ['Azure behind Azure', '203.0.113.7', PROXY, '203.0.113.7:50233, 10.0.0.4:1024'],
  ['IIS ARR, IPv6 in brackets without a port', '2001:db8::1', PROXY, '[2001:db8::1]'],
  ['Cloudflare in front of nginx', '203.0.113.7', PROXY, '203.0.113.7, 198.51.100.1'],
  ['Google: client and balancer', '203.0.113.7', PROXY, '6.6.6.6,203.0.113.7,198.51.100.1'],
  ['Squid, forwarded_for off', PROXY, PROXY, '203.0.113.7, unknown'],
  ['a socket for both families', '203.0.113.7', PROXY, '::ffff:203.0.113.7'],
  ['the same in hexadecimal', '203.0.113.7', PROXY, '::FFFF:cb00:7107'],
  ['a trusted proxy, mapped', '203.0.113.7', PROXY, '203.0.113.7, ::ffff:10.0.0.2'],
  ['Windows, with a zone', 'fe80::1', PROXY, 'fe80::1%12'],
  ['a zone with a name, and a port', 'fe80::1', PROXY, '[fe80::1%vEthernet]:58904'],
  ['white space, also a tab', '203.0.113.7', PROXY, ' \t203.0.113.7\t ,  10.0.0.2 '],
  ['all proxies are trusted: the first of them', '10.9.9.9', PROXY, '10.9.9.9, 10.0.0.2'],
  ['IPv6 proxies', '203.0.113.7', 'fd00::1', '203.0.113.7, FD00:0:0::2'],
]

const SPOOFED: readonly Row[] = [
  ['a client that is no proxy at all', '203.0.113.7', '203.0.113.7', '10.0.0.1'],
  [
    'Express, Rack and Fastify reported: the leftmost entry',
    '203.0.113.7',
    PROXY,
    '6.6.6.6, 203.0.113.7',
  ],
  ['the address of a proxy in front', '203.0.113.7', PROXY, '6.6.6.6, 10.0.0.1, 203.0.113.7'],
  ['a first field of its own', '203.0.113.7', PROXY, '6.6.6.6', '10.0.0.1', '203.0.113.7'],
  ['the loopback', '203.0.113.7', PROXY, '127.0.0.1, 203.0.113.7'],
  ['commas', '203.0.113.7', PROXY, ',,,,,203.0.113.7'],
  ['white space of 8 KiB', '203.0.113.7', PROXY, `6.6.6.6,${' '.repeat(8_192)}, 203.0.113.7`],
  ['quotes and brackets', '203.0.113.7', PROXY, '"[6.6.6.6, 203.0.113.7'],
  ['a trusted address that ends in rubbish', '203.0.113.7', PROXY, '10.0.0.1x, 203.0.113.7'],
  ['the name of a proxy', PROXY, PROXY, '6.6.6.6, proxy.internal'],
]

/** None of these is believed, and nothing in front of it is read. */
const UNREADABLE = [
  ...['', ' ', '\t', 'unknown', 'Unknown', '_hidden', '_gazonk:80', 'localhost', 'null', '-'],
  ...[
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '0x7f.1',
    '1.2.3.4/32',
    '1.2.3.4:',
    '1.2.3.4:x',
  ],
  ...[
    '1.2.3.4:123456',
    '1.2.3.4:80:80',
    '[1.2.3.4]',
    '[1.2.3.4]:80',
    '1.2.3.4%eth0',
    '1.2.3.4 5.6.7.8',
  ],
  ...[
    '[::1',
    '::1]',
    '[::1]80',
    '[::1]:',
    '[::1]:x',
    '[]',
    '[]:80',
    '[',
    '%',
    '::1%',
    '%eth0',
    '[::1%]',
  ],
  ...[
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '2001:db8:0:0:0:0:0:1:567',
    '"::1"',
    '"[::1]:80"',
  ],
  ...['for=1.2.3.4', '1.2.3.4;5.6.7.8', 'http://1.2.3.4', '１.2.3.4', `${' '.repeat(200)}1.2.3.4`],
]

describe('the client behind proxies', () => {
  for (const [name, expected, peer, ...values] of FORMS) {
    it(`is read as they write it: ${name}`, () => {
      assert.equal(behind(peer, ...values), expected)
    })
  }

  for (const [name, expected, peer, ...values] of SPOOFED) {
    it(`is never what the client put in front: ${name}`, () => {
      assert.equal(behind(peer, ...values), expected)
    })
  }

  for (const entry of UNREADABLE) {
    it(`is the proxy that wrote ${JSON.stringify(entry).slice(0, 40)} instead of an address`, () => {
      assert.equal(behind(PROXY, `6.6.6.6, ${entry}`), PROXY)
      assert.equal(behind(PROXY, `6.6.6.6, ${entry}, 10.0.0.2`), '10.0.0.2')
    })
  }

  it('is told by no other field', () => {
    const fields = ['x-real-ip', 'cf-connecting-ip', 'true-client-ip', 'x-client-ip']
    const received = fields.flatMap((name) => [name, '6.6.6.6'])
    assert.equal(clientOf(PROXY, received, TRUSTED), PROXY)
  })

  it('is never told by Forwarded of a peer that is no proxy', () => {
    assert.equal(clientOf(CLIENT, ['forwarded', 'for=10.0.0.1'], TRUSTED), CLIENT)
  })

  it('is the peer where no proxy is trusted, and nothing when the peer cannot be told', () => {
    const received = ['x-forwarded-for', '6.6.6.6']
    assert.equal(clientOf(PROXY, received, new AddressRanges([])), PROXY)
    assert.equal(clientOf('', received, TRUSTED), '')
  })

  it(`is looked for behind ${HOPS_MAX} trusted proxies, and no further`, () => {
    const hops = (count: number) => Array.from({ length: count }, (_, at) => `10.0.1.${at}`)
    assert.equal(behind(PROXY, ['6.6.6.6', ...hops(HOPS_MAX - 1)].join()), '6.6.6.6')
    assert.equal(behind(PROXY, ['6.6.6.6', ...hops(HOPS_MAX)].join()), '10.0.1.0')
    assert.equal(behind(PROXY, '6.6.6.6', ...hops(HOPS_MAX)), '10.0.1.0')
  })

  it('is found in microseconds, whatever 16 KiB the client sends', () => {
    const bytes = 16_384
    const hostile = [
      ','.repeat(bytes),
      ' '.repeat(bytes),
      '1'.repeat(bytes),
      ':'.repeat(bytes),
      '['.repeat(bytes),
      '10.0.0.1,'.repeat(bytes / 9),
      '::ffff:10.0.0.1, '.repeat(bytes / 17),
      `${'1:'.repeat(bytes / 2)}1`,
    ]
    const rounds = 200
    const before = process.cpuUsage()
    for (let round = 0; round < rounds; round += 1) {
      for (const value of hostile) {
        behind(PROXY, value)
        behind(PROXY, `${value},203.0.113.7`)
      }
    }
    const { user } = process.cpuUsage(before)
    const each = user / (rounds * hostile.length * 2)
    assert.ok(each < 500, `${each} µs each, on average`)
  })
})

describe('the key by which a client is counted', () => {
  it('is an IPv4 address as it is, mapped or not', () => {
    assert.equal(addressKey('203.0.113.7'), '203.0.113.7')
    assert.equal(addressKey('::ffff:203.0.113.7'), '203.0.113.7')
    assert.equal(addressKey('::ffff:cb00:7107'), '203.0.113.7')
  })

  it('is the /64 of an IPv6 address, one for all addresses in it', () => {
    assert.equal(addressKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
    assert.equal(addressKey('2001:DB8:1:2::'), '2001:db8:1:2::/64')
    assert.equal(addressKey('2001:db8::1'), '2001:db8::/64')
    assert.equal(addressKey('::1'), '::/64')
    assert.notEqual(addressKey('2001:db8:1:3::1'), addressKey('2001:db8:1:2::1'))
  })

  it('is what cannot be read as it is', () => {
    assert.equal(addressKey(''), '')
  })
})
