/** What a configuration may say of pages in browsers, and what `check` says to it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { warnOfBrowsers } from '../../src/cli/check-browsers.ts'
import { ISSUERS, parseText, problemLinesOf } from '../support/configuration-text.ts'

const APP = 'https://app.example.com'
const ORIGIN =
  'must be *, null, or an origin such as https://app.example.com, https://*.example.com or ' +
  'capacitor://localhost, without path, query and credentials'
const FIELD =
  'must be the name of a header: browsers take * for a name where there are credentials, and ' +
  'never for Authorization'

/** JSON is YAML. */
function text(route: object, more: object = {}): string {
  return JSON.stringify({
    issuers: ISSUERS,
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'a', match: { path: '/a' }, upstream: 'users', ...route }],
    sessions: { store: 'memory' },
    ...more,
  })
}

const cors = (members: object, route: object = {}, more: object = {}) =>
  text({ cors: { origins: [APP], ...members }, ...route }, more)

describe('cors of a route', () => {
  it('allows what the route reads, where nothing is said', () => {
    const tenants = {
      resolve: [{ from: 'header', name: 'X-Tenant-Id' }],
      registry: { acme: {} },
    }
    const apiKeys = { keys: [{ sha256: '0'.repeat(64), userId: 'u' }] }
    const { routes } = parseText(cors({}, {}, { tenants, apiKeys }))
    assert.deepEqual(routes[0]?.cors, {
      origins: [APP],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      headers: ['content-type', 'authorization', 'x-api-key', 'x-tenant-id'],
      exposedHeaders: [],
      credentials: false,
      maxAgeSeconds: 600,
      replacesUpstream: true,
      takesTenantOrigins: false,
    })
  })

  it('takes the methods of the route, and what is written out', () => {
    const match = { path: '/a', methods: ['GET', 'PUT'] }
    assert.deepEqual(parseText(cors({}, { match })).routes[0]?.cors?.methods, [
      'GET',
      'PUT',
      'HEAD',
    ])
    const written = { methods: ['PUT'], headers: [], maxAge: '0s', upstream: 'keep' }
    const { routes } = parseText(cors(written, { match }))
    assert.deepEqual(routes[0]?.cors?.methods, ['PUT'])
    assert.deepEqual(routes[0]?.cors?.headers, [])
    assert.equal(routes[0]?.cors?.maxAgeSeconds, 0)
    assert.equal(routes[0]?.cors?.replacesUpstream, false)
  })

  const refused: readonly (readonly [string, string, readonly string[]])[] = [
    ['no origin', cors({ origins: [] }), ['routes[0].cors.origins must list at least one']],
    ['a path', cors({ origins: [`${APP}/x`] }), [`routes[0].cors.origins[0] ${ORIGIN}`]],
    [
      'every page with cookies, as APISIX refuses it',
      cors({ origins: ['*'], credentials: true }),
      [
        'routes[0].cors.credentials cannot be combined with *: any page could read what its ' +
          'visitor may read. List the origins',
      ],
    ],
    [
      'every page and one more',
      cors({ origins: ['*', APP] }),
      ['routes[0].cors.origins has * for every page: it must stand alone, without tenantOrigins'],
    ],
    ['* as a header', cors({ headers: ['*'] }), [`routes[0].cors.headers[0] ${FIELD}`]],
    [
      '* as a header to read',
      cors({ exposedHeaders: ['*'] }),
      [`routes[0].cors.exposedHeaders[0] ${FIELD}`],
    ],
    [
      'a line end in a header',
      cors({ exposedHeaders: ['a\r\nb'] }),
      [`routes[0].cors.exposedHeaders[0] ${FIELD}`],
    ],
    [
      'a method that the route does not take',
      cors({ methods: ['PUT'] }, { match: { path: '/a', methods: ['GET'] } }),
      ['routes[0].cors.methods[0] is not in match.methods: the route never gets it'],
    ],
    [
      'more than Firefox remembers',
      cors({ maxAge: '25h' }),
      ['routes[0].cors.maxAge must be from 0s to 24h'],
    ],
    ['half a second', cors({ maxAge: '500ms' }), ['routes[0].cors.maxAge must be whole seconds']],
    [
      'pages of tenants, where there are none',
      cors({ tenantOrigins: true }),
      ['routes[0].cors.tenantOrigins needs tenants, but the requests of the route have none'],
    ],
  ]
  for (const [what, yaml, problems] of refused) {
    it(`is refused with ${what}`, () => assert.deepEqual(problemLinesOf(yaml), problems))
  }
})

describe('check', () => {
  function warningsOf(yaml: string): readonly string[] {
    const lines: string[] = []
    warnOfBrowsers(parseText(yaml), { printError: (line) => lines.push(line) })
    return lines
  }

  it('warns of csrf: off, where there is a cookie to send along', () => {
    const [line = ''] = warningsOf(text({ csrf: 'off' }))
    assert.match(line, /^warning: routes\[0\]\.csrf: off: pages of any site can/)
    assert.deepEqual(warningsOf(text({ csrf: 'off', authenticate: 'none' })), [])
  })

  it('warns of null, which sandboxed frames of any site say', () => {
    const [line = ''] = warningsOf(cors({ origins: [APP, 'null'] }))
    assert.match(line, /^warning: routes\[0\]\.cors\.origins: null is the origin of sandboxed/)
  })

  it('warns of tokens that pages cannot send', () => {
    const [line = ''] = warningsOf(cors({ headers: ['Content-Type'] }))
    assert.match(line, /^warning: routes\[0\]\.cors\.headers: leaves out the header of the token/)
    assert.deepEqual(warningsOf(cors({ headers: ['AUTHORIZATION'] })), [])
    const credentials = [{ from: 'cookie', name: 'token' }]
    assert.deepEqual(warningsOf(cors({ headers: [] }, { credentials })), [])
  })

  it('warns of pages that may read with cookies, and change nothing with them', () => {
    const members = { credentials: true }
    const session = { authenticate: ['session'] }
    const [line = ''] = warningsOf(cors(members, session))
    assert.match(line, /^warning: routes\[0\]\.cors\.credentials: pages of "https:\/\/app\.example/)
    const sessions = { store: 'memory', allowedOrigins: [APP] }
    assert.deepEqual(warningsOf(cors(members, session, { sessions })), [])
    assert.deepEqual(warningsOf(cors({ ...members, methods: ['GET'] }, session)), [])
    assert.deepEqual(warningsOf(cors(members)), [])
  })

  it('says nothing of what refuses by default', () => {
    assert.deepEqual(warningsOf(text({})), [])
    assert.deepEqual(warningsOf(cors({})), [])
  })
})
