/**
 * Promise 3 as a property: no set of client fields lets a value of the client's through where the
 * gateway sets one. What an upstream hears of each such field is the gateway's value, once.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { CredentialStripper } from '../../src/credentials/strip-credential.ts'
import { fieldLines } from '../../src/http/header-list.ts'
import { renderIdentityHeaders } from '../../src/identity/identity-headers.ts'
import { reservedFieldNames } from '../../src/identity/strip-identity-headers.ts'
import { EMPTY_IDENTITY } from '../../src/protocol/verification.ts'
import { forwardedFields } from '../../src/proxy/forwarded-headers.ts'
import { FIRST_OWN_FIELD } from '../../src/proxy/gateway-fields.ts'
import { createRequestFilter, requestHeaders } from '../../src/proxy/hop-by-hop-headers.ts'
import { splitRequestFields } from '../../src/proxy/request-fields.ts'
import {
  clientFields,
  LIE,
  lenientName,
  NEAR_MISSES,
  ORIGIN_NAMES,
} from '../support/client-fields.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, echoOf, type Fields } from '../support/gateway-answer.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { anyPlace, propertyRuns } from '../support/property-runs.ts'
import { readHead } from '../support/read-head.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'
import { IDENTITY_NAMES } from './attacks/identity-spoofing.ts'

type Heard = ReadonlyMap<string, readonly string[]>

/** Values by name, as a lenient server reads them. */
function heardFields(fields: Iterable<readonly [name: string, value: string]>): Heard {
  const heard = new Map<string, string[]>()
  for (const [name, value] of fields) {
    const key = lenientName(name)
    heard.set(key, [...(heard.get(key) ?? []), value])
  }
  return heard
}

/** Fields that a client may send but not fill: each with what it must be. */
type Expected = Readonly<Record<string, string | RegExp | null>>

function assertHeard(heard: Heard, expected: Expected): void {
  for (const [name, wanted] of Object.entries(expected)) {
    const values = heard.get(lenientName(name)) ?? []
    if (wanted === null) assert.deepEqual(values, [], name)
    else {
      assert.equal(values.length, 1, `${name}: ${values.join(' | ')}`)
      assert.match(values[0] ?? '', wanted instanceof RegExp ? wanted : exactly(wanted), name)
    }
  }
  const lies = [...heard].filter(([, values]) => values.some((value) => value.includes(LIE)))
  assert.deepEqual(lies, [])
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)
}

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/
const UUID = /^[0-9a-f-]{36}$/
const ABSENT = Object.fromEntries([...IDENTITY_NAMES, ...ORIGIN_NAMES].map((name) => [name, null]))

/** What holds for every request, whoever sends it. */
const ALWAYS: Expected = {
  ...ABSENT,
  'X-Forwarded-For': '127.0.0.1',
  'X-Forwarded-Proto': 'http',
  'X-Forwarded-Host': 'gateway.test',
  'X-Real-IP': '127.0.0.1',
  Forwarded: 'for=127.0.0.1;host="gateway.test";proto=http',
}

describe('the fields of a client, through the functions that remove them', () => {
  const names = {
    ...{
      userId: 'X-User-Id',
      clientId: 'X-Client-Id',
      email: 'X-User-Email',
      tenant: 'X-Tenant-Id',
    },
    ...{ roles: 'X-User-Roles', scopes: 'X-Token-Scopes', organisation: null, tenantPlan: null },
    ...{ issuer: 'X-Token-Issuer', expires: null, sessionId: null },
  }
  const identity = { ...EMPTY_IDENTITY, subject: 'true-user', roles: ['reader'], tenant: 'acme' }
  const filter = createRequestFilter([
    ...reservedFieldNames(Object.values(names)),
    ...['traceparent', 'tracestate'],
  ])
  const stripper = new CredentialStripper([{ kind: 'header', name: 'x-token', scheme: null }])
  const identityLines = fieldLines(renderIdentityHeaders(identity, names))

  it('never become the value of a field that the gateway sets', () => {
    let reached = 0
    fc.assert(
      fc.property(clientFields, (fields) => {
        const head = readHead('GET', '/', [...fields, ['Host', 'gateway.test']])
        assert.ok(typeof head !== 'string')
        const { framing, lines } = splitRequestFields(
          requestHeaders(head.headers, filter, stripper),
        )
        const forwarded = forwardedFields({
          ...{ peerAddress: '127.0.0.1', scheme: 'http', authority: head.authority },
          ...{ forwarding: null, sendsForwarded: true, strippedPrefix: '' },
        })
        assert.deepEqual(framing, ['host', 'gateway.test'])
        const text = `${FIRST_OWN_FIELD}: ${forwarded}${lines}${identityLines}`
        const heard = heardFields(text.split('\r\n').map(nameAndValue))
        assertHeard(heard, {
          ...ALWAYS,
          ...{ 'X-User-Id': 'true-user', 'X-User-Roles': 'reader', 'X-Tenant-Id': 'acme' },
        })
        reached += NEAR_MISSES.filter((name) => heard.has(name.toLowerCase())).length
      }),
      propertyRuns(3_000),
    )
    assert.ok(reached > 300, `only ${reached} fields of clients were left`)
  })
})

function nameAndValue(line: string): readonly [string, string] {
  const colon = line.indexOf(': ')
  return [line.slice(0, colon), line.slice(colon + 2)]
}

describe('the fields of a client, through a gateway', () => {
  const issuer = 'https://idp.example.com/'
  const key = mintKey('ES256', 'ec')
  let jwks: FaultyServer
  let upstream: UpstreamServer
  let gateway: TestGateway

  before(async () => {
    upstream = await startEchoUpstream()
    jwks = await FaultyServer.start()
    jwks.publish(publishedJwk(key))
    gateway = await openGateway({
      authenticate: ['jwt'],
      upstream: upstream.origin,
      issuers: { main: { issuer, audiences: [AUDIENCE], jwks: { uri: jwks.jwksUri } } },
      routes: {
        '/none/*': { authenticate: 'none' },
        '/optional/*': { authenticate: 'optional' },
        '/*': {},
      },
    })
  })
  after(async () => {
    await gateway.stop()
    await jwks.down()
    await upstream.close()
  })

  const nothingSaid: Expected = {
    ...ALWAYS,
    ...{ 'X-Request-Id': UUID, 'X-Correlation-Id': UUID, Traceparent: TRACEPARENT },
    Host: 'gateway.test',
  }
  const said: Expected = {
    ...nothingSaid,
    ...{ 'X-User-Id': 'true-user', 'X-User-Email': 'someone@example.com' },
    ...{ 'X-User-Roles': 'admin,reader', 'X-Tenant-Id': 'acme', 'X-Org-Id': 'org-1' },
    ...{ 'X-Token-Issuer': issuer, 'X-Token-Scopes': 'read,write', 'X-Token-Expires': /^\d{10}$/ },
    'X-Session-Id': /^[0-9a-f]{64}$/,
  }

  const kinds = [
    ['/any', true],
    ['/optional/a', true],
    ['/optional/a', false],
    ['/none/a', false],
  ] as const

  it('never become the value of a field that the gateway sets', async () => {
    const token = liveToken(key, issuer, { sub: 'true-user' })
    const arbitrary = fc.tuple(clientFields, fc.constantFrom(...kinds), anyPlace)
    await fc.assert(
      fc.asyncProperty(arbitrary, async ([fields, [path, hasToken], place]) => {
        const at = Math.floor(place * (fields.length + 1))
        const credential: Fields = hasToken ? bearer(token) : []
        const sent = [...fields.slice(0, at), ...credential, ...fields.slice(at)]
        const answer = await ask(gateway.port, path, sent)
        assert.equal(answer.status, 200, answer.text)
        const { rawHeaders } = echoOf(answer)
        const pairs = rawHeaders.flatMap((name, index) =>
          index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ''] as const] : [],
        )
        const requestId = answer.field('x-request-id') ?? ''
        assertHeard(heardFields(pairs), {
          ...(hasToken ? said : nothingSaid),
          ...{ 'X-Request-Id': requestId, 'X-Correlation-Id': requestId },
        })
      }),
      propertyRuns(400),
    )
  })
})
