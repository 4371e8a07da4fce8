import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AddressRanges } from '../../src/http/address-ranges.ts'
import { readForwarding } from '../../src/http/forwarding.ts'
import { forwardedFields } from '../../src/proxy/forwarded-headers.ts'
import { FIRST_OWN_FIELD } from '../../src/proxy/gateway-fields.ts'

const PEER = '192.0.2.7'
const PROXIES = new AddressRanges([PEER, '10.0.0.0/8'])

const FACTS = {
  peerAddress: PEER,
  scheme: 'https',
  authority: 'api.example.com:8443',
  forwarding: null,
  sendsForwarded: true,
  strippedPrefix: '',
} as const

/** @param received Of a trusted proxy; `null`: the peer is none. */
function forwarded(received: readonly string[] | null, facts: object = {}): Map<string, string> {
  const forwarding = received === null ? null : readForwarding(PEER, received, PROXIES)
  const text = forwardedFields({ ...FACTS, forwarding, ...facts })
  const fields = new Map<string, string>()
  for (const line of `${FIRST_OWN_FIELD}: ${text}`.split('\r\n')) {
    const [name = '', ...value] = line.split(': ')
    assert.ok(!fields.has(name), 'each field is set once')
    fields.set(name, value.join(': '))
  }
  return fields
}

const OWN = [
  ['x-forwarded-for', PEER],
  ['x-forwarded-proto', 'https'],
  ['x-forwarded-host', 'api.example.com:8443'],
  ['x-real-ip', PEER],
  ['forwarded', 'for=192.0.2.7;host="api.example.com:8443";proto=https'],
]

describe('forwarded fields (RFC 7239)', () => {
  it('tell address, scheme and host of the request in both forms', () => {
    assert.deepEqual([...forwarded(null)], OWN)
  })

  it('bracket and quote an IPv6 address in Forwarded (§6)', () => {
    const fields = forwarded(null, { peerAddress: '2001:db8::1' })
    assert.equal(fields.get('x-forwarded-for'), '2001:db8::1')
    assert.match(fields.get('forwarded') ?? '', /^for="\[2001:db8::1\]";/)
  })

  it('leave out a host that could end the quoted string', () => {
    for (const authority of ['a"b', 'a\\b']) {
      assert.equal(forwarded(null, { authority }).get('forwarded'), 'for=192.0.2.7;proto=https')
    }
  })

  it('leave Forwarded out where that is asked for, of the same peer before and after', () => {
    const without = OWN.slice(0, -1)
    assert.deepEqual([...forwarded(null, { sendsForwarded: false })], without)
    assert.deepEqual([...forwarded(null)], OWN)
    assert.deepEqual([...forwarded([], { sendsForwarded: false })], without)
  })

  it('set its own facts where a trusted proxy says nothing', () => {
    assert.deepEqual([...forwarded(['x-forwarded-for', ''])], OWN)
  })

  it('append the peer to what a trusted proxy says, in order', () => {
    const received = ['x-forwarded-for', '203.0.113.9', 'x-forwarded-for', '203.0.113.10']
    const fields = forwarded(received)
    assert.equal(fields.get('x-forwarded-for'), '203.0.113.9, 203.0.113.10, 192.0.2.7')
    assert.equal(fields.get('x-real-ip'), '203.0.113.10')
    assert.match(fields.get('forwarded') ?? '', /^for=203\.0\.113\.10;/)
  })
})

describe('one client and one URL, whichever field is read', () => {
  it("is what Spring's ForwardedHeaderFilter builds URLs of behind a TLS front", () => {
    const fields = forwarded(
      ['x-forwarded-for', '203.0.113.9', 'x-forwarded-proto', 'https', 'x-forwarded-host', 'shop'],
      { scheme: 'http', authority: '10.1.2.3:8080' },
    )
    assert.equal(fields.get('forwarded'), 'for=203.0.113.9;host="shop";proto=https')
    assert.equal(fields.get('x-forwarded-proto'), 'https')
    assert.equal(fields.get('x-forwarded-host'), 'shop')
  })

  it('is not what a client put into Forwarded, which nginx and AWS ALB pass on', () => {
    const fields = forwarded([
      ...['forwarded', 'for=6.6.6.6;host=evil.example;proto=https'],
      ...['x-forwarded-for', '203.0.113.9', 'x-forwarded-proto', 'http'],
    ])
    const element = 'for=203.0.113.9;host="api.example.com:8443";proto=http'
    assert.equal(fields.get('forwarded'), element)
    assert.equal([...fields.values()].join().includes('6.6.6.6'), false)
    assert.equal([...fields.values()].join().includes('evil.example'), false)
  })

  it('is what a proxy says that speaks RFC 7239 alone, in the older fields too', () => {
    const received = ['forwarded', 'for="[2001:db8::9]:443";host=shop;proto=https, for=10.0.0.9']
    assert.deepEqual(
      [...forwarded(received, { scheme: 'http' })],
      [
        ['x-forwarded-for', '2001:db8::9, 10.0.0.9, 192.0.2.7'],
        ['x-forwarded-proto', 'https'],
        ['x-forwarded-host', 'shop'],
        ['x-real-ip', '2001:db8::9'],
        ['forwarded', 'for="[2001:db8::9]";host="shop";proto=https'],
      ],
    )
  })

  it('keeps port and prefix of a trusted proxy: Traefik StripPrefix, AWS ALB', () => {
    const received = ['x-forwarded-port', '8443', 'x-forwarded-prefix', '/shop/']
    const fields = forwarded(received)
    assert.equal(fields.get('x-forwarded-port'), '8443')
    assert.equal(fields.get('x-forwarded-prefix'), '/shop')
    const moved = { strippedPrefix: '/orders' }
    assert.equal(forwarded(received, moved).get('x-forwarded-prefix'), '/shop/orders')
    assert.equal(forwarded(null, moved).get('x-forwarded-prefix'), '/orders')
    assert.deepEqual([...forwarded(['x-forwarded-port', '443, 80'])].at(-1), [
      'x-forwarded-port',
      '443',
    ])
  })

  it('takes X-Real-IP of a trusted proxy where nothing else names the client', () => {
    const real = ['x-real-ip', '203.0.113.7']
    assert.equal(forwarded(real).get('x-real-ip'), '203.0.113.7')
    const both = ['x-forwarded-for', '203.0.113.9, 10.0.0.9', 'x-real-ip', '10.0.0.9']
    assert.equal(forwarded(both).get('x-real-ip'), '203.0.113.9')
    for (const value of ['unknown', '203.0.113.7, 203.0.113.8', 'a"b']) {
      assert.equal(forwarded(['x-real-ip', value]).get('x-real-ip'), PEER, value)
    }
  })
})
