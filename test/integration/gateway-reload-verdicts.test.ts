/** Verdicts of introspection endpoints over a reload that has another one asked. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { outcomeOf } from '../support/gateway-answer.ts'
import { IntrospectionServer, json, newOpaqueToken } from '../support/introspection-server.ts'
import { bearer } from '../support/live-token.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

function planOf(server: IntrospectionServer, rest: object = {}) {
  return {
    issuers: { main: server.issuer('main', { cacheTtl: '1h', ...rest }) },
    routes: { '/*': { authenticate: ['introspection'] } },
  }
}

async function startEndpoint(context: TestContext, isActive: boolean) {
  const server = await IntrospectionServer.start()
  context.after(() => server.down())
  const active = { active: true, sub: 'alice', aud: 'api', exp: 4e9 }
  server.reply = json(isActive ? active : { active: false })
  return server
}

async function outcome(gateway: TestGateway, token: string): Promise<string> {
  return outcomeOf(await gateway.ask('/x', bearer(token)))
}

describe('verdicts of an introspection endpoint', () => {
  it('do not count for another one', async (context) => {
    const first = await startEndpoint(context, true)
    const second = await startEndpoint(context, false)
    const gateway = await openGateway(planOf(first))
    const token = newOpaqueToken()
    assert.equal(await outcome(gateway, token), 'passed')
    await gateway.reloaded(planOf(second))
    assert.equal(await outcome(gateway, token), '401 inactive_token')
  })

  it('do not count for another client of it', async (context) => {
    const server = await startEndpoint(context, true)
    const gateway = await openGateway(planOf(server))
    const token = newOpaqueToken()
    assert.equal(await outcome(gateway, token), 'passed')
    server.reply = json({ active: false })
    assert.equal(await outcome(gateway, token), 'passed')
    await gateway.reloaded(planOf(server, { clientId: 'other' }))
    assert.equal(await outcome(gateway, token), '401 inactive_token')
  })

  it('stay when it is asked in another way', async (context) => {
    const server = await startEndpoint(context, true)
    const gateway = await openGateway(planOf(server))
    const token = newOpaqueToken()
    assert.equal(await outcome(gateway, token), 'passed')
    await gateway.reloaded(planOf(server, { timeout: '900ms', clientSecret: 'another-s3cret' }))
    assert.equal(await outcome(gateway, token), 'passed')
    assert.equal(server.requests.length, 1)
  })
})
