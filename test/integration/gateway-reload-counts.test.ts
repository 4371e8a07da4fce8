/** What a reload makes of counters, and of what old requests hold. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { HeldUpstream } from '../support/held-upstream.ts'
import { IntrospectionServer, newOpaqueToken } from '../support/introspection-server.ts'
import { bearer } from '../support/live-token.ts'
import { unusedOrigin } from '../support/opened-parts.ts'
import { openGateway } from '../support/test-gateway.ts'

describe('requests to an introspection endpoint', () => {
  it('are counted on when its settings change', async (context) => {
    const server = await IntrospectionServer.start()
    context.after(() => server.down())
    const planOf = (timeout: string) => ({
      issuers: { main: server.issuer('main', { timeout }) },
      routes: { '/*': { authenticate: ['introspection'] } },
    })
    const gateway = await openGateway(planOf('1s'))
    const ask = async () => (await gateway.ask('/x', bearer(newOpaqueToken()))).status
    const decided = () =>
      gateway.metric('sallyport_introspection_requests_total', {
        issuer: 'main',
        result: 'decided',
      })
    assert.equal(await ask(), 401)
    assert.equal(await decided(), 1)
    await gateway.reloaded(planOf('900ms'))
    assert.equal(await decided(), 1)
    assert.equal(await ask(), 401)
    assert.equal(await decided(), 2)
  })
})

describe('failures of an upstream', () => {
  it('are counted on when its settings change, and told when it is gone', async () => {
    const target = await unusedOrigin()
    const upstreams = (settings: object) => ({ a: { targets: [target], ...settings } })
    const gateway = await openGateway({ upstreams: upstreams({}) })
    const failures = () => gateway.metric('sallyport_upstream_failures_total', { upstream: 'a' })
    const upstream = gateway.upstream.origin
    await gateway.ask('/a/x')
    const first = await failures()
    assert.ok(first > 0)
    await gateway.reloaded({ upstream, upstreams: upstreams({ responseTimeout: '7s' }) })
    assert.equal(await failures(), first)
    await gateway.ask('/a/x')
    const second = await failures()
    assert.ok(second > first, `${second}`)
    await gateway.reloaded({ upstream })
    assert.equal(await failures(), second)
  })
})

describe('revisions that requests still run under', () => {
  it('are counted, until the last request of each is over', async (context) => {
    const held = await HeldUpstream.start()
    context.after(() => held.close())
    const plan = { upstream: held.origin }
    const gateway = await openGateway(plan)
    const inUse = () => gateway.metric('sallyport_configuration_revisions_in_use')
    const answers: Promise<unknown>[] = []
    for (const correlationId of ['X-One', 'X-Two']) {
      answers.push(gateway.ask('/held'))
      await eventually('it is under way', () => held.heldCount === answers.length)
      await gateway.reloaded({ ...plan, identity: { headers: { correlationId } } })
    }
    // A thread that had neither of them has one, and one that had both has three.
    assert.ok((await inUse()) >= 2)
    held.answerAfter(0)
    await Promise.all(answers)
    await eventually('only the one in use is left', async () => (await inUse()) === 1)
  })
})
