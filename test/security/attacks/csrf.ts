/**
 * Where a request comes from that a page of another site made a browser send (CWE-352): each of
 * these with an unsafe method and a good cookie.
 */
import type { Fields } from '../../support/gateway-answer.ts'

/** What the gateway is told to allow. */
export const ALLOWED_ORIGINS = ['https://good.example', 'https://admin.good.example:8443']
/** What it is told to allow for one tenant alone. */
export const TENANT_ORIGIN = 'https://acme.example'

export type CrossSiteRequest = readonly [name: string, fields: Fields]

const ORIGINS: Readonly<Record<string, string>> = {
  'the origin null': 'null',
  'an empty origin': '',
  'a host that begins like an allowed one': 'https://good.example.evil.tld',
  'a host that ends like an allowed one': 'https://evilgood.example',
  'a host below an allowed one': 'https://x.good.example',
  'the host above an allowed one': 'https://example',
  'another port': 'https://good.example:8443',
  'the port that an allowed one has not': 'https://admin.good.example',
  'the usual port written out': 'https://good.example:443',
  'another scheme': 'http://good.example',
  'the scheme of an extension': 'chrome-extension://good.example',
  'no scheme': 'good.example',
  'a scheme that follows the page': '//good.example',
  'another case': 'https://GOOD.example',
  'a dot at the end': 'https://good.example.',
  'a slash at the end': 'https://good.example/',
  'a path': 'https://good.example/form',
  'a user': 'https://good.example@evil.tld',
  'a user who is allowed': 'https://evil.tld@good.example',
  'a fragment': 'https://evil.tld#https://good.example',
  'an allowed one behind another': 'https://evil.tld https://good.example',
  'an allowed one before another': 'https://good.example https://evil.tld',
  'a list': 'https://good.example, https://evil.tld',
  'an encoded dot': 'https://good%2Eexample',
  'a look-alike in its ASCII form': 'https://xn--god-fna.example',
  'a tenant that the request does not name': TENANT_ORIGIN,
  'a host that begins like the gateway': 'http://gateway.test.evil.tld',
  'a host that ends like the gateway': 'http://evilgateway.test',
  'a host below the gateway': 'http://x.gateway.test',
  'another port of the gateway': 'http://gateway.test:8080',
  'the usual port of the gateway, written out': 'http://gateway.test:80',
  'another scheme of the gateway': 'https://gateway.test',
  'the gateway in another case': 'http://GATEWAY.test',
  'the gateway with a path': 'http://gateway.test/',
}

/** Where the requests go. */
const OWN_ORIGIN = 'http://gateway.test'

const SITES = ['cross-site', 'same-site', 'none', '', 'Same-Origin', 'same-origin, cross-site', 'x']

const ALLOWED = ALLOWED_ORIGINS[0] ?? ''

export const CROSS_SITE_REQUESTS: readonly CrossSiteRequest[] = [
  ['nothing that says where it comes from', []],
  ['a Referer alone', [['Referer', `${ALLOWED}/form`]]],
  ['a Host that is allowed', [['Host', 'good.example']]],
  ['an allowed origin under an old name', [['X-Origin', ALLOWED]]],
  ['an allowed origin under a name with an underscore', [['X_Origin', ALLOWED]]],
  ...Object.entries(ORIGINS).map(
    ([name, origin]): CrossSiteRequest => [`as Origin ${name}`, [['Origin', origin]]],
  ),
  ...Object.entries(ORIGINS).map(
    ([name, origin]): CrossSiteRequest => [
      `as Origin ${name}, from another site`,
      [
        ['Sec-Fetch-Site', 'cross-site'],
        ['Origin', origin],
      ],
    ],
  ),
  ...SITES.map(
    (site): CrossSiteRequest => [
      `Sec-Fetch-Site ${JSON.stringify(site)}`,
      [['Sec-Fetch-Site', site]],
    ],
  ),
  ...SITES.map(
    (site): CrossSiteRequest => [
      `the origin of the gateway itself, and Sec-Fetch-Site ${JSON.stringify(site)}`,
      [
        ['Sec-Fetch-Site', site],
        ['Origin', OWN_ORIGIN],
      ],
    ],
  ),
  [
    'the origin that a peer who is not trusted calls ours',
    [
      ['Origin', 'https://evil.tld'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'evil.tld'],
    ],
  ],
  [
    'the origin of the gateway twice',
    [
      ['Origin', OWN_ORIGIN],
      ['Origin', OWN_ORIGIN],
    ],
  ],
  [
    'two origins, the allowed one first',
    [
      ['Origin', ALLOWED],
      ['Origin', 'https://evil.tld'],
    ],
  ],
  [
    'two origins, the allowed one last',
    [
      ['Origin', 'https://evil.tld'],
      ['Origin', ALLOWED],
    ],
  ],
  [
    'an allowed origin twice',
    [
      ['Origin', ALLOWED],
      ['origin', ALLOWED],
    ],
  ],
  [
    'two sites',
    [
      ['Sec-Fetch-Site', 'same-origin'],
      ['Sec-Fetch-Site', 'cross-site'],
    ],
  ],
  [
    'the same origin, and two others',
    [
      ['Sec-Fetch-Site', 'same-origin'],
      ['Origin', ALLOWED],
      ['Origin', 'https://evil.tld'],
    ],
  ],
]

/** As a browser sends them: these pass. */
export const SAME_SITE_REQUESTS: readonly CrossSiteRequest[] = [
  ['the same origin', [['Sec-Fetch-Site', 'same-origin']]],
  ['the same origin, by a browser that says no site', [['Origin', OWN_ORIGIN]]],
  ...ALLOWED_ORIGINS.map((origin): CrossSiteRequest => [origin, [['Origin', origin]]]),
]
