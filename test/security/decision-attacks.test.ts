/**
 * Attacks that other gateways with such an endpoint were open to (oauth2-proxy before 7.15.2,
 * heimdall before 2026, and forward authentication at large), against each kind of call.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { ADAPTERS, type Adapter, askedVia, BASE, callAbout } from '../support/asked-via.ts'
import { decisionPlan, HOST, portOfItsOwn, request, token } from '../support/decision-plan.ts'
import { ask, type Fields, statusAndCode } from '../support/gateway-answer.ts'
import { bearer } from '../support/live-token.ts'
import { reservePort } from '../support/reserved-port.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const PROBES = [
  ...['kube-probe/1.29', 'GoogleHC/1.0', 'ELB-HealthChecker/2.0', 'Envoy/HC', 'Go-http-client/1.1'],
  ...['Blackbox Exporter/0.24', 'curl/8.5.0', ''],
]
/** Fields that some program takes for the request that was really made. */
const OTHER_REQUESTS: Fields = [
  ['X-Original-URI', '/open/1'],
  ['X-Rewrite-URL', '/open/1'],
  ['X-Auth-Request-Redirect', '/open/1'],
  ['X-Forwarded-Path', '/open/1'],
  ['X-Envoy-Original-Path', '/open/1'],
  ['X-Replaced-Path', '/open/1'],
  ['X-HTTP-Method-Override', 'OPTIONS'],
  ['X-Method-Override', 'OPTIONS'],
  ['Forwarded', `host=${HOST};proto=http;for=127.0.0.10`],
]
/** What the adapters of other proxies read. */
const OF_OTHERS: Readonly<Record<Adapter, Fields>> = {
  'forward-auth': [
    ['X-Original-URL', `https://${HOST}/open/1`],
    ['X-Original-Method', 'OPTIONS'],
  ],
  'auth-request': [
    ['X-Forwarded-Method', 'OPTIONS'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', HOST],
    ['X-Forwarded-Uri', '/open/1'],
  ],
  'ext-authz': [
    ['X-Forwarded-Uri', '/open/1'],
    ['X-Forwarded-Method', 'OPTIONS'],
    ['X-Original-URL', `https://${HOST}/open/1`],
    ['X-Original-Method', 'OPTIONS'],
  ],
}
/** Paths that some program reads as `/orders/1`. */
const ROUNDABOUT = [
  ...['/open/../orders/1', '/open/%2e%2e/orders/1', '/open/..;/orders/1', '/open/..%2forders/1'],
  ...['//orders/1', '/open//../orders/1', '/open\\..\\orders\\1', '/open/%5c..%5corders/1'],
  ...['/open/%00/../orders/1', '/./orders/1', '/orders%2f1', '/%6frders/1', '/ORDERS/1'],
  ...['/orders/1#/open/1', '/open/1#/../../orders/1', '/open/1?#', '/orders/1;/../open/1'],
]
const HOSTS = [
  ...[`${HOST},evil.example`, `${HOST}@evil.example`, `evil.example\\@${HOST}`],
  ...[
    `${HOST}:port`,
    `${HOST}:443:443`,
    `${HOST}?`,
    `${HOST}?a=`,
    `${HOST}#`,
    `[${HOST}]`,
    ' ',
    `${HOST}%00`,
  ],
]

describe('a decision is not led astray', { concurrency: true }, () => {
  let gateway: TestGateway
  let port: number

  before(async () => {
    gateway = await openGateway(decisionPlan(await reservePort(), { port: 0, host: '127.0.0.1' }))
    port = await portOfItsOwn(gateway)
  })

  for (const adapter of ADAPTERS) {
    it(`by the name of a health check (${adapter})`, async () => {
      for (const agent of PROBES) {
        const asked = request('/orders/1', [['User-Agent', agent]])
        assert.equal(
          statusAndCode(await askedVia(port, adapter, asked)),
          '401 missing_token',
          agent,
        )
      }
      for (const path of ['/health/live', '/health/ready', '/ping', '/ready', '/oauth2/auth']) {
        assert.notEqual((await askedVia(port, adapter, request(path))).status, 200, path)
      }
    })

    it(`by a request that only the client tells of (${adapter})`, async () => {
      const { method, target, fields } = callAbout(adapter, request('/orders/1'))
      for (const lie of [...OTHER_REQUESTS, ...OF_OTHERS[adapter]]) {
        const answer = await ask(port, target, [lie, ...fields], method)
        assert.equal(statusAndCode(answer), '401 missing_token', lie[0])
      }
      const all = [...OTHER_REQUESTS, ...OF_OTHERS[adapter], ...fields]
      assert.equal(statusAndCode(await ask(port, target, all, method)), '401 missing_token')
    })

    it(`by a path that is read in two ways, or its fragment (${adapter})`, async () => {
      for (const path of ROUNDABOUT) {
        const { status } = await askedVia(port, adapter, request(path))
        assert.notEqual(status, 200, path)
      }
      const whole = await askedVia(port, adapter, request('/open/1#/orders/1', bearer(token)))
      assert.equal(statusAndCode(whole), '400 invalid_request')
    })

    it(`by a host that is none, or two (${adapter})`, async () => {
      for (const host of HOSTS) {
        const asked = { ...request('/open/1'), host }
        assert.equal(
          statusAndCode(await askedVia(port, adapter, asked)),
          '400 invalid_request',
          host,
        )
      }
    })
  }

  for (const adapter of ['forward-auth', 'auth-request'] as const) {
    it(`by other words for scheme, host and prefix, on the way to a login page (${adapter})`, async () => {
      const asked = request('/pages/1', [['Accept', 'text/html']])
      const { method, target, fields } = callAbout(adapter, asked)
      const own = new Set(fields.map(([name]) => name))
      const lies: Fields = [
        ['X-Forwarded-Host', 'evil.example'],
        ['X-Forwarded-Proto', 'http'],
        ['X-Forwarded-Port', '8443'],
        ['X-Forwarded-Prefix', '/evil'],
        ['Forwarded', 'host=evil.example;proto=http'],
      ]
      const sent = await ask(
        port,
        target,
        [...lies.filter(([name]) => !own.has(name)), ...fields],
        method,
      )
      const back = encodeURIComponent(`https://${HOST}/pages/1`)
      assert.equal(sent.field('location'), `/login?return_to=${back}`)
    })
  }

  it('by a path of the endpoint that is written otherwise', async () => {
    for (const path of [
      ...[
        `${BASE}/ext-authz/../forward-auth`,
        `${BASE}//ext-authz/open/1`,
        `${BASE}/EXT-AUTHZ/open/1`,
      ],
      ...[
        `${BASE}/ext-authz%2fopen/1`,
        `${BASE}/ext-authzopen/1`,
        `${BASE.toUpperCase()}/ext-authz/open/1`,
      ],
    ]) {
      assert.notEqual((await ask(port, path)).status, 200, path)
    }
  })
})
