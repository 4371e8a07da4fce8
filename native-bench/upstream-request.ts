/**
 * What building the head of one upstream request costs, by part and by what the client sent: its
 * own fields, the forwarded fields, and the identity. Run:
 * `node build/native-bench/upstream-request.js`.
 */
import { BROWSER_FIELDS } from '../loadtest/scenario.ts'
import { AUTHORIZATION_BEARER } from '../src/credentials/credential-source.ts'
import { CredentialStripper } from '../src/credentials/strip-credential.ts'
import { AddressRanges } from '../src/http/address-ranges.ts'
import { readForwarding } from '../src/http/forwarding.ts'
import type { HeaderList } from '../src/http/header-list.ts'
import type { IdentityHeaderNames } from '../src/identity/identity-headers.ts'
import { IdentityHeaders, type IdentitySlots } from '../src/identity/identity-strategy.ts'
import { reservedFieldNames } from '../src/identity/strip-identity-headers.ts'
import { byPart } from '../src/protocol/identity-parts.ts'
import type { Verified } from '../src/protocol/verification.ts'
import { type ForwardedFacts, forwardedFields } from '../src/proxy/forwarded-headers.ts'
import {
  createRequestFilter,
  requestHeaders,
  TRACE_FIELDS,
} from '../src/proxy/hop-by-hop-headers.ts'
import { splitRequestFields } from '../src/proxy/request-fields.ts'
import { verdict } from '../test/support/verdicts.ts'
import { type BenchCase, runBench } from './bench.ts'

const TIMES_PER_ROUND = 50_000
/** Characters of a token: an RS256 one with a dozen claims. */
const TOKEN_LENGTH = 900
/** What the native parser takes besides those that every request here has. */
const MANY_FIELDS = 94
const PEERS = 64
/** Larger than any head of this bench. */
const SCRATCH = Buffer.allocUnsafeSlow(16_384)

const NAMES: IdentityHeaderNames = {
  ...byPart(({ header }) => header),
  userId: 'X-User-Id',
  clientId: 'X-Client-Id',
  tenantPlan: 'X-Tenant-Plan',
  issuer: 'X-Token-Issuer',
  expires: 'X-Token-Expires',
  sessionId: 'X-Session-Id',
}
const FILTER = createRequestFilter([...reservedFieldNames(Object.values(NAMES)), ...TRACE_FIELDS])

const bearer = new CredentialStripper([AUTHORIZATION_BEARER])
const cookie = new CredentialStripper([{ kind: 'cookie', name: 'jwt' }])
const identityHeaders = new IdentityHeaders(NAMES, [])

let sink: unknown = null

/** As from the socket: texts of their own, no constants of this program. */
function received(...fields: readonly string[]): HeaderList {
  return fields.map((text) => Buffer.from(text, 'latin1').toString('latin1'))
}

const token = 'aZ09-_'.repeat(TOKEN_LENGTH / 6)
const authorization = ['authorization', `Bearer ${token}`] as const
const base = ['host', 'api.example.com', ...authorization] as const
const browser = [...base, ...Object.entries(BROWSER_FIELDS).flat()]

const tool = received(...base, 'user-agent', 'curl/8.5.0', 'accept', '*/*')
const page = received(...browser)
const many = received(
  ...base,
  ...Array.from({ length: MANY_FIELDS }, (_, at) => [`x-field-${at}`, 'value']).flat(),
)
const hostile = received(
  ...browser,
  ...['x-user-id', 'admin', 'x-user-roles', 'admin', 'x-tenant-id', 'other', 'remote-user', 'root'],
  ...['x-forwarded-for', '10.0.0.1', 'x-real-ip', '10.0.0.1', 'x-original-url', '/admin'],
)
const nominating = received(...browser, 'connection', 'x-one, x-two', 'x-one', '1', 'x-two', '2')
const inCookie = received(
  ...['host', 'api.example.com', 'cookie', `theme=dark; jwt=${token}; consent=yes`],
  ...Object.entries(BROWSER_FIELDS).flat(),
)

function relaying(name: string, headers: HeaderList, stripper: CredentialStripper): BenchCase {
  const run = (times: number): void => {
    for (let index = 0; index < times; index += 1) {
      sink = splitRequestFields(requestHeaders(headers, FILTER, stripper))
    }
  }
  return { name: `request, ${name}`, run, timesPerRound: TIMES_PER_ROUND }
}

const NO_PROXY: ForwardedFacts = {
  peerAddress: '203.0.113.7',
  scheme: 'https',
  authority: 'api.example.com',
  forwarding: null,
  sendsForwarded: true,
  strippedPrefix: '',
}
const proxies = new AddressRanges(['10.0.0.0/8'])
const PROXIED: ForwardedFacts = {
  ...NO_PROXY,
  peerAddress: '10.0.0.1',
  forwarding: readForwarding(
    '10.0.0.1',
    ['x-forwarded-for', '203.0.113.7, 10.0.0.2', 'x-forwarded-proto', 'https'],
    proxies,
  ),
}

function forwarding(name: string, facts: readonly ForwardedFacts[]): BenchCase {
  const run = (times: number): void => {
    for (let index = 0; index < times; index += 1) {
      sink = forwardedFields(facts[index % facts.length] ?? NO_PROXY)
    }
  }
  return { name: `forwarded, ${name}`, run, timesPerRound: TIMES_PER_ROUND }
}

function emptySlots(): IdentitySlots {
  return { headerLines: null, headerTenant: null, minted: null }
}

function telling(name: string, verified: Verified, isKept: boolean): BenchCase {
  const slots = emptySlots()
  const run = (times: number): void => {
    for (let index = 0; index < times; index += 1) {
      if (!isKept) slots.headerLines = null
      sink = identityHeaders.linesFor(slots, verified, null)
    }
  }
  return { name: `identity, ${name}`, run, timesPerRound: isKept ? 1_000_000 : 10_000 }
}

/** Written as well: text that was added up is put together when it goes to the socket. */
function whole(name: string, headers: HeaderList): BenchCase {
  const verified = verdict()
  const slots = emptySlots()
  const run = (times: number): void => {
    for (let index = 0; index < times; index += 1) {
      const { lines } = splitRequestFields(requestHeaders(headers, FILTER, bearer))
      const identity = identityHeaders.linesFor(slots, verified, null)
      sink = SCRATCH.write(forwardedFields(NO_PROXY) + lines + identity, 'latin1')
    }
  }
  return { name: `all of it and written, ${name}`, run, timesPerRound: TIMES_PER_ROUND }
}

const peers = Array.from({ length: PEERS }, (_, at) => ({
  ...NO_PROXY,
  peerAddress: `203.0.113.${at}`,
}))
const hosts = [NO_PROXY, { ...NO_PROXY, authority: 'www.example.com' }]
const manyRoles = Array.from({ length: 60 }, (_, at) => `department-${at}:role-${at}`)

await runBench('CPU for the head of one upstream request', [
  relaying('of a command-line client', tool, bearer),
  relaying('of a browser', page, bearer),
  relaying(`with ${MANY_FIELDS} fields of its own`, many, bearer),
  relaying('of a browser, token in a cookie', inCookie, cookie),
  relaying("of a browser, and the gateway's names", hostile, bearer),
  relaying('of a browser, Connection names two', nominating, bearer),
  forwarding('the same peer', [NO_PROXY]),
  forwarding(`${PEERS} peers in turn`, peers),
  forwarding('another host each time', hosts),
  forwarding('a trusted proxy in front', [PROXIED]),
  telling('rendered before', verdict(), true),
  telling('rendered, two roles', verdict(), false),
  telling('rendered, 60 roles', verdict({ roles: manyRoles }), false),
  telling('rendered, beyond ASCII', verdict({ subject: 'Jörg Müller', tenant: '日本' }), false),
  whole('of a command-line client', tool),
  whole('of a browser', page),
])
void sink
