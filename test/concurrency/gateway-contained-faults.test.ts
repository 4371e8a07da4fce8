/** Defects that a call of the supervisor meets in a listener thread: each costs that call alone. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { FAULTY_TEXT } from '../support/thread-faults.ts'

describe('a listener thread that meets a defect', () => {
  let gateway: TestGateway

  before(async () => {
    gateway = await openGateway()
  })

  const tells = (where: string) => () =>
    gateway.log.some((it) => it['event'] === 'unexpected_failure' && it['where'] === where)
  const assertNothingEnded = async () => {
    assert.equal(await gateway.metric('sallyport_listener_restarts_total'), 0)
    assert.equal((await gateway.ask('/x')).status, 200)
  }
  const explain = (question: object) =>
    gateway.admin('/explain', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
    })

  it('while it prepares a reload refuses that one, and goes on', async () => {
    const { status, body } = await gateway.reload({
      upstreams: { a: { targets: [`http://${FAULTY_TEXT}:81`] } },
    })
    assert.equal(status, 422)
    const problem = 'a listener thread cannot serve it: it failed, and the log says more'
    assert.deepEqual(body['problems'], [problem])
    await eventually('the log says more', tells('reload'))
    await assertNothingEnded()
    // Nor is anything left of it.
    assert.equal(await gateway.metric('sallyport_configuration_revisions_in_use'), 1)
    assert.equal(
      (await gateway.reload({ upstreams: { a: { targets: [gateway.upstream.origin] } } })).status,
      200,
    )
  })

  it('while it explains a request answers with that, and goes on', async () => {
    assert.equal((await explain({ method: 'POST', url: '/x', body: FAULTY_TEXT })).status, 503)
    await eventually('the log says more', tells('explain'))
    await assertNothingEnded()
    assert.equal((await explain({ method: 'POST', url: '/x', body: 'a' })).status, 200)
  })
})
