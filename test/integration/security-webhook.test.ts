/** Security events on their way to a webhook that is well, away, or takes nothing. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { WebhookReceiver } from '../support/webhook-receiver.ts'

const SECRET = 'key-of-the-webhook-in-this-test'
const REQUESTS_OF_LOAD = 40

describe('the webhook of security events', () => {
  const receiver = new WebhookReceiver()
  let gateway: TestGateway

  before(async () => {
    await receiver.up()
    gateway = await openGateway({
      issuers: {
        main: { issuer: 'https://a.example.com/', audiences: ['api'], ...sharedSecret() },
      },
      routes: { '/*': { authenticate: ['jwt'], mode: 'shadow' } },
      logging: {
        accessLog: { enabled: false },
        webhook: { url: `${receiver.origin}/hook?team=a`, secret: SECRET, queueMax: 15 },
      },
    })
  })
  after(() => receiver.down())

  const delivered = (result: string) => gateway.metric('sallyport_webhook_events_total', { result })
  const nextSecurityEvent = async () => {
    await gateway.admin('/revocations', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sub: 'bob', issuer: 'https://a.example.com/' }),
    })
  }

  it('gets what listener threads and the supervisor tell, as it is in the log', async () => {
    assert.equal((await gateway.ask('/x')).status, 200)
    await nextSecurityEvent()
    const names = () => new Set(receiver.events.map(({ event }) => event))
    await eventually('both came', () =>
      Promise.resolve(names().has('shadow_refused') && names().has('admin_call')),
    )
    for (const event of receiver.events) {
      await eventually('it is in the log', () =>
        gateway.log.some((line) => JSON.stringify(line) === JSON.stringify(event)),
      )
    }
  })

  it('can check who sent it, what and when', () => {
    const [{ fields, body } = { fields: {}, body: '' }] = receiver.deliveries
    const timestamp = String(fields['sallyport-timestamp'])
    const expected = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex')
    assert.equal(fields['sallyport-signature'], `v1=${expected}`)
    assert.ok(Math.abs(Date.now() / 1_000 - Number(timestamp)) < 60)
    assert.match(String(fields['sallyport-delivery']), /^[0-9a-f]{32}$/)
    assert.equal(fields['content-type'], 'application/json')
  })

  it('gets a batch again under the same name when it did not take it', async () => {
    receiver.status = 500
    const seen = receiver.deliveries.length
    await nextSecurityEvent()
    await eventually('it was sent', () => Promise.resolve(receiver.deliveries.length > seen))
    receiver.status = 204
    await eventually('it was sent again', () =>
      Promise.resolve(receiver.deliveries.length > seen + 1),
    )
    const [first, second] = receiver.deliveries.slice(seen)
    assert.equal(first?.body, second?.body)
    assert.equal(first?.fields['sallyport-delivery'], second?.fields['sallyport-delivery'])
    const told = () => gateway.log.map(({ event }) => event)
    await eventually('it is told', () => Promise.resolve(told().includes('webhook_recovered')))
    assert.equal(told().filter((event) => event === 'webhook_failed').length, 1)
  })

  it('loses what it refuses for good, counted', async () => {
    receiver.status = 422
    const before = await delivered('dropped_refused')
    await nextSecurityEvent()
    await eventually('it is dropped', async () => (await delivered('dropped_refused')) > before)
    receiver.status = 204
  })

  it('is never waited for, and what finds no room is counted', async () => {
    await receiver.down()
    for (let count = 0; count < REQUESTS_OF_LOAD; count += 1) {
      const { status, durationMs } = await gateway.ask('/x')
      assert.equal(status, 200)
      assert.ok(durationMs < 2_000, `${durationMs} ms`)
      await nextSecurityEvent()
    }
    await eventually('some are dropped', async () => (await delivered('dropped_queue_full')) > 0)
    assert.equal(await gateway.metric('sallyport_webhook_queued_events'), 15)
  })

  it('gets what waits when the process ends', async () => {
    const seen = receiver.events.length
    await receiver.up()
    assert.equal(await gateway.stop(), 0)
    assert.ok(receiver.events.length >= seen + 15, `${receiver.events.length - seen}`)
  })
})

describe('a batch that was not taken when the process ends', () => {
  const receiver = new WebhookReceiver()
  before(() => receiver.up())
  after(() => receiver.down())

  it('is sent once more under the name that it has, which is signed', async () => {
    const gateway = await openGateway({
      issuers: {
        main: { issuer: 'https://a.example.com/', audiences: ['api'], ...sharedSecret() },
      },
      routes: { '/*': { authenticate: ['jwt'], mode: 'shadow' } },
      logging: { webhook: { url: `${receiver.origin}/hook`, secret: SECRET } },
    })
    receiver.status = 500
    await gateway.ask('/x')
    await eventually('it was sent', () => receiver.deliveries.length > 0)
    receiver.status = 204
    assert.equal(await gateway.stop(), 0)
    const [first, second] = receiver.deliveries
    assert.deepEqual(second?.body, first?.body)
    const [name, nameAtTheEnd] = [first, second].map((it) => it?.fields['sallyport-delivery'])
    assert.equal(nameAtTheEnd, name)
    assert.equal((JSON.parse(second?.body ?? '') as { delivery: unknown }).delivery, name)
    const batches = new Map(receiver.deliveries.map(({ fields, body }) => [body, fields]))
    const names = [...batches.values()].map((fields) => fields['sallyport-delivery'])
    assert.equal(new Set(names).size, batches.size)
  })
})

function sharedSecret() {
  return { algorithms: ['HS256'], secret: 'a shared secret of thirty-two bytes at the least' }
}
