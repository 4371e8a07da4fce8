import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ForwardedFacts, forwardedFields } from '../../src/proxy/forwarded-headers.ts'
import { FIRST_OWN_FIELD } from '../../src/proxy/gateway-fields.ts'

const FACTS: ForwardedFacts = {
  peerAddress: '192.0.2.7',
  scheme: 'https',
  authority: 'api.example.com:8443',
  trusted: false,
}

function forwarded(received: string[], facts: Partial<ForwardedFacts> = {}): Map<string, string> {
  const text = forwardedFields(received, { ...FACTS, ...facts })
  const fields = new Map<string, string>()
  for (const line of `${FIRST_OWN_FIELD}: ${text}`.split('\r\n')) {
    const [name = '', ...value] = line.split(': ')
    assert.ok(!fields.has(name), 'each field is set once')
    fields.set(name, value.join(': '))
  }
  return fields
}

describe('forwarded fields (RFC 7239)', () => {
  it('tells address, scheme and host of the request in both forms', () => {
    assert.deepEqual(
      [...forwarded([])],
      [
        ['x-forwarded-for', '192.0.2.7'],
        ['x-forwarded-proto', 'https'],
        ['x-forwarded-host', 'api.example.com:8443'],
        ['forwarded', 'for=192.0.2.7;host="api.example.com:8443";proto=https'],
      ],
    )
  })

  it('brackets and quotes an IPv6 address in Forwarded (§6)', () => {
    const fields = forwarded([], { peerAddress: '2001:db8::1' })
    assert.equal(fields.get('x-forwarded-for'), '2001:db8::1')
    assert.match(fields.get('forwarded') ?? '', /^for="\[2001:db8::1\]";/)
  })

  it('leaves out a host that could end the quoted string', () => {
    for (const authority of ['a"b', 'a\\b']) {
      assert.equal(forwarded([], { authority }).get('forwarded'), 'for=192.0.2.7;proto=https')
    }
  })

  it('believes nothing that an untrusted peer says', () => {
    const received = ['x-forwarded-for', '203.0.113.9', 'forwarded', 'for=203.0.113.9']
    assert.deepEqual([...forwarded(received)], [...forwarded([])])
  })

  it('appends to what a trusted proxy says, in order', () => {
    const received = [
      'x-forwarded-for',
      '203.0.113.9',
      'x-forwarded-for',
      '203.0.113.10',
      'x-forwarded-proto',
      'http',
      'x-forwarded-host',
      'www.example.com',
      'forwarded',
      'for=203.0.113.9',
    ]
    const fields = forwarded(received, { trusted: true })
    assert.equal(fields.get('x-forwarded-for'), '203.0.113.9, 203.0.113.10, 192.0.2.7')
    assert.equal(fields.get('x-forwarded-proto'), 'http')
    assert.equal(fields.get('x-forwarded-host'), 'www.example.com')
    assert.equal(
      fields.get('forwarded'),
      'for=203.0.113.9, for=192.0.2.7;host="api.example.com:8443";proto=https',
    )
  })

  it('takes no scheme, host or elements from a trusted proxy that cannot be what they say', () => {
    for (const [name, values] of [
      ['x-forwarded-proto', ['ftp', 'HTTPS', 'https, http', 'https"']],
      ['x-forwarded-host', ['a b', 'a/b', 'a, b', 'a"b', 'user@a', 'a'.repeat(256)]],
      ['forwarded', ['for="a', 'for="a\\"', 'for=a;host="b", for="c']],
    ] as const) {
      for (const value of values) {
        const fields = forwarded([name, value], { trusted: true })
        assert.equal(fields.get(name), forwarded([]).get(name), `${name}: ${value}`)
      }
    }
  })

  it('keeps whole quoted strings in the elements of a trusted proxy (§4)', () => {
    const received = ['forwarded', 'for="[2001:db8::9]:80";host="a", for=b']
    assert.match(
      forwarded(received, { trusted: true }).get('forwarded') ?? '',
      /^for="\[2001:db8::9\]:80";host="a", for=b, for=192\.0\.2\.7;/,
    )
  })

  it('sets its own facts where a trusted proxy says nothing', () => {
    assert.deepEqual([...forwarded(['x-forwarded-for', ''], { trusted: true })], [...forwarded([])])
  })
})
