/** A request gets one decision, whether it comes to the gateway or a proxy asks about it. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { ADAPTERS, askedVia, type ProxiedRequest } from '../support/asked-via.ts'
import { decisionPlan, expired, HOST, KEY, portOfItsOwn, token } from '../support/decision-plan.ts'
import {
  type Answer,
  ask,
  echoOf,
  type Fields,
  statusAndCode,
  valuesOf,
} from '../support/gateway-answer.ts'
import { propertyRuns } from '../support/property-runs.ts'
import { reservePort } from '../support/reserved-port.ts'
import { testEngine } from '../support/test-engine.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const IDENTITY = ['x-user-id', 'x-tenant-id', 'x-token-scopes', 'x-user-roles', 'x-token-issuer']
const LIE = 'evil-7f3a'

const segment = fc.constantFrom(
  ...[
    'orders',
    'admin',
    'tenant',
    'open',
    'shadow',
    'pages',
    'client',
    'nowhere',
    'health',
    'live',
  ],
  ...[
    '1',
    '..',
    '.',
    '',
    '%2e%2e',
    '%2F',
    'a%20b',
    'a;b',
    'Orders',
    'OPEN',
    '%6Frders',
    '%00',
    '%',
  ],
  ...['_sallyport', 'decide', 'ext-authz', 'forward-auth', 'a#b', '*'],
)
/** node:http refuses them by itself, before it looks at the method. */
const beyondAscii = testEngine === 'native' ? ['äx'] : []
const target = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constantFrom('orders', ...beyondAscii)), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.constantFrom('', '?', '?a=b', '?a=%2F', '?access_token=x', '?a#b'),
  )
  .map(([segments, query]) => `/${segments.join('/')}${query}`)
const method = fc.constantFrom(
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'LOCK',
)
const host = fc.constantFrom(
  ...[HOST, `${HOST}:8443`, `${HOST}.`, HOST.toUpperCase(), 'acme.tenants.example.com'],
  ...['globex.tenants.example.com', 'none.tenants.example.com', '[::1]'],
)
const credential = fc.constantFrom<Fields>(
  [],
  [['Authorization', `Bearer ${token}`]],
  [['Authorization', `Bearer ${expired}`]],
  [['Authorization', `Bearer ${token}x`]],
  [['Authorization', 'Basic YTpi']],
  [['X-API-Key', KEY]],
  [['X-API-Key', `${KEY}x`]],
  [
    ['X-API-Key', KEY],
    ['Authorization', `Bearer ${token}`],
  ],
  [
    ['Authorization', `Bearer ${token}`],
    ['Authorization', `Bearer ${token}`],
  ],
  [['Cookie', '__Host-sid=unknown-0123456789abcdef0123456789']],
)
const more = fc.subarray<Fields[number]>([
  ['X-Tenant-Id', 'acme'],
  ['X-Tenant-Id', 'globex'],
  ['X-User-Id', LIE],
  ['X-Token-Scopes', LIE],
  ['X-Original-URL', `https://${LIE}/open/1`],
  ['X-Forwarded-Uri', '/open/1'],
  ['X-Forwarded-Method', 'OPTIONS'],
  ['X-Forwarded-For', '127.0.0.10'],
  ['Origin', 'https://app.example.com'],
  ['Accept', 'text/html'],
  ['User-Agent', 'kube-probe/1.29'],
  ['Remote-User', LIE],
])

describe('a decision', () => {
  let gateway: TestGateway
  let decisionPort: number

  before(async () => {
    const settings = { port: 0, host: '127.0.0.1' }
    const server = { trustedProxies: ['127.0.0.1'] }
    gateway = await openGateway(decisionPlan(await reservePort(), settings, server))
    decisionPort = await portOfItsOwn(gateway)
  })

  function itself({ method: asked, target: path, host: name, fields }: ProxiedRequest) {
    const own: Fields = [
      ['Host', name],
      ['X-Forwarded-Proto', 'https'],
    ]
    return ask(gateway.port, path, [...own, ...fields], asked)
  }

  /** What the service would learn of the caller; `null`: the request does not reach it. */
  function identityOf(answer: Answer, isEcho: boolean): Readonly<Record<string, string>> | null {
    if (answer.status !== 200) return null
    const fieldOf = (name: string) =>
      isEcho ? valuesOf(echoOf(answer), name).join() : (answer.field(name) ?? '')
    return Object.fromEntries(IDENTITY.map((name) => [name, fieldOf(name)]))
  }

  it('is that of the gateway itself, whoever asks and whatever the client makes up', async () => {
    const request = fc.record({ method, target, host, credential, more })
    await fc.assert(
      fc.asyncProperty(request, async (made) => {
        const asked: ProxiedRequest = {
          method: made.method,
          target: made.target,
          host: made.host,
          scheme: 'https',
          fields: [...made.credential, ...made.more],
        }
        const own = await itself(asked)
        // Its own endpoints are no requests for a service.
        if (/^\/(health|_sallyport)/.test(made.target)) return
        const isBodiless = made.method === 'HEAD'
        for (const adapter of ADAPTERS) {
          const told = await askedVia(decisionPort, adapter, asked)
          const words = `${adapter} ${made.method} ${made.host} ${made.target}`
          const wordOf = isBodiless ? ({ status }: Answer) => String(status) : statusAndCode
          assert.equal(wordOf(told), wordOf(own), words)
          if (told.status === 200 && !isBodiless) {
            assert.deepEqual(identityOf(told, false), identityOf(own, true), words)
          }
          assert.equal(JSON.stringify(told.headers).includes(LIE), false, words)
        }
      }),
      propertyRuns(250),
    )
  })
})
