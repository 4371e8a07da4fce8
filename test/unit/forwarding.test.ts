/** What proxies in front say of a request, as they write it, and what their clients write. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { AddressRanges } from '../../src/http/address-ranges.ts'
import { HOPS_MAX } from '../../src/http/forwarded-field.ts'
import { type Forwarding, readForwarding } from '../../src/http/forwarding.ts'
import { propertyRuns } from '../support/property-runs.ts'

const TRUSTED = new AddressRanges(['10.0.0.0/8'])
const PROXY = '10.0.0.1'
const CLIENT = '203.0.113.7'

/** As `X-Forwarded-For: …` and the like are written, without `X-Forwarded-`. */
type Said = Partial<Record<'for' | 'proto' | 'host' | 'port' | 'prefix' | 'element', string>>

function fieldsOf({ element, ...said }: Said): string[] {
  const older = Object.entries(said).flatMap(([name, value]) => [`x-forwarded-${name}`, value])
  return element === undefined ? older : ['forwarded', element, ...older]
}

function read(said: Said): Forwarding {
  return readForwarding(PROXY, fieldsOf(said), TRUSTED)
}

function assertSays(found: Forwarding, expected: Partial<Forwarding>): void {
  assert.deepEqual({ ...found, ...expected }, found)
}

type Case = readonly [name: string, said: Said, expected: Partial<Forwarding>]

const AS_WRITTEN: readonly Case[] = [
  ['localtunnel: https,http', { proto: 'https,http' }, { scheme: 'https' }],
  ['IIS and some balancers: HTTPS', { proto: 'HTTPS' }, { scheme: 'https' }],
  ['Cloudflare in front of a cloud balancer', { proto: 'https, https' }, { scheme: 'https' }],
  ['lighttpd behind two others', { proto: 'https, http, http' }, { scheme: 'https' }],
  [
    'two proxies that both append: what the farther one saw',
    { for: `${CLIENT}, 10.0.0.2`, proto: 'https, http', host: 'shop.example, inner' },
    { client: CLIENT, scheme: 'https', host: 'shop.example' },
  ],
  [
    'Apache httpd behind Apache httpd, with a port',
    { for: `${CLIENT}, 10.0.0.2`, host: 'first.dev.lan:81, second.dev.lan' },
    { host: 'first.dev.lan:81' },
  ],
  ['a host with _', { host: 'my_shop.example' }, { host: 'my_shop.example' }],
  ['an IPv6 host', { host: '[2001:db8::1]:8443' }, { host: '[2001:db8::1]:8443' }],
  ['an empty first entry', { host: ', www.example.com' }, { host: 'www.example.com' }],
  ['AWS ALB', { for: CLIENT, proto: 'https', port: '443' }, { scheme: 'https', port: '443' }],
  ['Azure Front Door', { host: 'shop.azurefd.net' }, { host: 'shop.azurefd.net' }],
  ['Traefik, StripPrefix', { prefix: '/api' }, { prefix: '/api' }],
  ['Spring Cloud Gateway, twice', { prefix: '/first, /second/' }, { prefix: '/first/second' }],
  [
    'RFC 7239 §4, in any case',
    { element: 'For="[2001:db8:cafe::17]:4711";Proto=HTTPS;HOST=shop' },
    { client: '2001:db8:cafe::17', scheme: 'https', host: 'shop' },
  ],
  [
    'RFC 7239, two proxies: what the farther one saw',
    { element: `for=${CLIENT};proto=https;host=shop, for=10.0.0.2;proto=http;host=inner` },
    { client: CLIENT, scheme: 'https', host: 'shop', addresses: `${CLIENT}, 10.0.0.2` },
  ],
  [
    'RFC 7239, where only the nearer one says the scheme',
    { element: `for=${CLIENT}, for=10.0.0.2;proto=https;by=_x` },
    { client: CLIENT, scheme: 'https', host: null },
  ],
  [
    'Spring Cloud Gateway: an element without for',
    { element: 'proto=https;host=shop' },
    { client: PROXY, scheme: 'https', host: 'shop' },
  ],
  [
    'a proxy that hides its client',
    { element: 'for=_hidden;proto=https' },
    { client: PROXY, scheme: 'https' },
  ],
  ['a comma within quotes', { element: `for=${CLIENT};by="a, b"` }, { client: CLIENT }],
  ['an IPv6 address without quotes', { element: 'for=[2001:db8::1]' }, { client: '2001:db8::1' }],
]

const SPOOFED: readonly Case[] = [
  [
    'X-Forwarded-Proto, both lists appended to',
    { for: `6.6.6.6, ${CLIENT}`, proto: 'https, http' },
    { scheme: 'http', client: CLIENT },
  ],
  [
    'X-Forwarded-Host, both lists appended to',
    { for: `10.0.0.9, 6.6.6.6, ${CLIENT}`, host: 'evil, evil, shop' },
    { host: 'shop', client: CLIENT },
  ],
  [
    'Forwarded, through nginx with X-Forwarded-For alone',
    { for: CLIENT, element: 'for=6.6.6.6;proto=https;host=evil' },
    { client: CLIENT, scheme: null, host: null },
  ],
  [
    'Forwarded, through a proxy that says the scheme alone',
    { proto: 'http', element: 'for=6.6.6.6;proto=https;host=evil' },
    { client: PROXY, scheme: 'http', host: null },
  ],
  [
    'Forwarded, in front of what the proxy appends',
    { element: `for=6.6.6.6;proto=https;host=evil, for=${CLIENT};proto=http` },
    { client: CLIENT, scheme: 'http', host: null, addresses: CLIENT },
  ],
  [
    'Forwarded, with a quote that is left open',
    { element: `for="10.0.0.9, for=${CLIENT};proto=http` },
    { client: CLIENT, scheme: 'http' },
  ],
  [
    'Forwarded, with the address of a proxy and an open quote',
    { element: `for=6.6.6.6, for=10.0.0.9";host=", for=${CLIENT}` },
    { client: CLIENT },
  ],
  ['one thing said twice', { element: `for=6.6.6.6;for=${CLIENT}` }, { client: PROXY }],
  ['an escape', { element: 'for="6.6.6\\.6";proto=https' }, { client: PROXY, scheme: null }],
  ['a scheme that is none', { proto: 'javascript' }, { scheme: null }],
  ['a scheme in quotes', { proto: '"https"' }, { scheme: null }],
  ['a host with a path', { host: 'shop/..//evil' }, { host: null }],
  ['a host with user information', { host: 'shop@evil' }, { host: null }],
  ['a host that is too long', { host: 'a'.repeat(256) }, { host: null }],
  ['a prefix that is a host', { prefix: '//evil.example' }, { prefix: null }],
  ['a prefix that becomes a host', { prefix: '/, /evil.example' }, { prefix: '/evil.example' }],
  ['a prefix with dots', { prefix: '/a/../b' }, { prefix: null }],
  ['a prefix with a query', { prefix: '/a?b' }, { prefix: null }],
  ['a port that is none', { port: '0' }, { port: null }],
  ['a port beyond all', { port: '65536' }, { port: null }],
  ['a port with more behind', { port: '443/evil' }, { port: null }],
]

describe('what proxies in front say', () => {
  for (const [name, said, expected] of AS_WRITTEN) {
    it(`is read as they write it: ${name}`, () => {
      assertSays(read(said), expected)
    })
  }

  for (const [name, said, expected] of SPOOFED) {
    it(`is not what their client wrote: ${name}`, () => {
      assertSays(read(said), expected)
    })
  }

  it(`is read behind ${HOPS_MAX} proxies in Forwarded, and no further`, () => {
    const hops = (count: number) => Array.from({ length: count }, (_, at) => `for=10.0.1.${at}`)
    const behind = (count: number) => read({ element: ['for=6.6.6.6', ...hops(count)].join() })
    assert.equal(behind(HOPS_MAX - 1).client, '6.6.6.6')
    assert.equal(behind(HOPS_MAX).client, '10.0.1.0')
  })

  it('is the same whatever a client puts in front of an element of its proxy', () => {
    const piece = fc.constantFrom('"', '\\', ',', ';', '=', 'for=', '10.0.0.2', 'proto=https', ' ')
    fc.assert(
      fc.property(fc.array(piece), fc.boolean(), (pieces, isOwnField) => {
        const lie = pieces.join('')
        const own = `for=${CLIENT};proto=http;host="shop"`
        const received = isOwnField
          ? ['forwarded', lie, 'forwarded', own]
          : ['forwarded', `${lie}, ${own}`]
        const { client, scheme, host } = readForwarding(PROXY, received, TRUSTED)
        assert.deepEqual([client, scheme, host], [CLIENT, 'http', 'shop'])
      }),
      propertyRuns(500),
    )
  })
})
