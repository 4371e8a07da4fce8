/** Calls of the decision endpoint that say nothing, or come from somebody who may not ask. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { ADAPTERS, askedVia, BASE, callAbout } from '../support/asked-via.ts'
import { decisionPlan, HOST, portOfItsOwn, request } from '../support/decision-plan.ts'
import { type Answer, ask, type Fields, statusAndCode } from '../support/gateway-answer.ts'
import { proxyHeader, tcp4Payload } from '../support/proxy-header.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { reservePort } from '../support/reserved-port.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

let closedPort: number

before(async () => {
  closedPort = await reservePort()
})

/** Calls that do not say which request they are about. */
const UNREADABLE: Readonly<Record<string, () => { target: string; fields: Fields }>> = {
  ...Object.fromEntries(
    (['forward-auth', 'auth-request'] as const).flatMap((adapter) => {
      const { target, fields } = callAbout(adapter, request('/open/1'))
      return fields.flatMap(([name, value]) => [
        [
          `no ${name} (${adapter})`,
          () => ({ target, fields: fields.filter(([other]) => other !== name) }),
        ],
        [`two of ${name} (${adapter})`, () => ({ target, fields: [...fields, [name, value]] })],
        [
          `an empty ${name} (${adapter})`,
          () => ({ target, fields: fields.map((it) => (it[0] === name ? [name, ''] : it)) }),
        ],
      ])
    }),
  ),
  'a path of no kind of call': () => ({ target: `${BASE}/`, fields: [] }),
  'another path below it': () => ({ target: `${BASE}/others`, fields: [] }),
  'a path behind forward-auth': () => ({ target: `${BASE}/forward-auth/open/1`, fields: [] }),
  'no path behind ext-authz': () => ({ target: `${BASE}/ext-authz`, fields: [] }),
  'a URL without scheme': () => ({
    target: `${BASE}/auth-request`,
    fields: [
      ['X-Original-Method', 'GET'],
      ['X-Original-URL', '/open/1'],
    ],
  }),
  'a host with a user in front': () => ({
    target: `${BASE}/auth-request`,
    fields: [
      ['X-Original-Method', 'GET'],
      ['X-Original-URL', `https://a@${HOST}/open/1`],
    ],
  }),
  'two schemes': () => ({
    target: `${BASE}/forward-auth`,
    fields: callAbout('forward-auth', request('/open/1')).fields.map((it) =>
      it[0] === 'X-Forwarded-Proto' ? [it[0], 'https,http'] : it,
    ),
  }),
}

async function reasonOf(gateway: TestGateway, answer: Answer): Promise<unknown> {
  const { request_id: id } = JSON.parse(answer.text) as { readonly request_id: string }
  const { body } = await gateway.admin(`/refusals/${id}`)
  return body['reason']
}

for (const settings of [{}, { port: 0, host: '127.0.0.1' }]) {
  const where = 'port' in settings ? 'a port of its own' : 'the main port'

  describe(`a call that says nothing, on ${where}`, { concurrency: true }, () => {
    let gateway: TestGateway
    let port: number

    before(async () => {
      gateway = await openGateway(decisionPlan(closedPort, settings))
      port = 'port' in settings ? await portOfItsOwn(gateway) : gateway.port
    })

    for (const [about, change] of Object.entries(UNREADABLE)) {
      it(`is refused with ${about}`, async () => {
        const { target, fields } = change()
        const answer = await ask(port, target, fields)
        assert.equal(statusAndCode(answer), '400 invalid_request')
        assert.equal(await reasonOf(gateway, answer), 'decision_call_malformed')
      })
    }
  })

  it(`a caller that is not trusted gets 400, whatever it asks, on ${where}`, async () => {
    const gateway = await openGateway(
      decisionPlan(closedPort, { ...settings, trustedPeers: ['192.0.2.1'] }),
    )
    const port = 'port' in settings ? await portOfItsOwn(gateway) : gateway.port
    for (const adapter of ADAPTERS) {
      const answer = await askedVia(port, adapter, request('/open/1'))
      assert.equal(statusAndCode(answer), '400 invalid_request')
      assert.equal(await reasonOf(gateway, answer), 'decision_peer_untrusted')
    }
    await gateway.stop()
  })
}

it('a path that is refused is found by the id and the client that the proxy named', async () => {
  const gateway = await openGateway(decisionPlan(closedPort, {}))
  for (const adapter of ['forward-auth', 'auth-request'] as const) {
    const named: Fields = [
      ['X-Request-Id', `from-${adapter}`],
      ['X-Forwarded-For', '192.0.2.7'],
    ]
    await askedVia(gateway.port, adapter, request('/orders/../open/1', named))
    const { body } = await gateway.admin(`/refusals/from-${adapter}`)
    assert.equal(body['reason'], 'request_malformed')
    assert.equal(body['clientAddress'], '192.0.2.7')
  }
  await gateway.stop()
})

it('a PROXY header on the port of its own makes no trusted caller of another', async () => {
  const settings = { port: 0, host: '127.0.0.1', trustedPeers: ['192.0.2.1'] }
  const server = { trustedProxies: ['127.0.0.1'] }
  const gateway = await openGateway(decisionPlan(closedPort, settings, server))
  const { target, fields } = callAbout('forward-auth', request('/open/1'))
  const lines = [['Host', HOST], ...fields].map(([name, value]) => `${name}: ${value}\r\n`)
  const payload = tcp4Payload('192.0.2.1')
  const preamble = proxyHeader({ command: 'proxy', family: 'tcp4', payload })
  const head = Buffer.from(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`)
  const port = await portOfItsOwn(gateway)
  const { answers } = await exchangeRaw({ port }, Buffer.concat([preamble, head]))
  assert.equal(answers[0]?.status, 400)
  await gateway.stop()
})
