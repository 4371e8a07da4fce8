/** Refusals that come before any credential is looked at, on the wire of a whole gateway. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AUTH_ERRORS, type AuthErrorCode } from '../../src/protocol/auth-error.ts'
import { answerHeader, exchangeRaw, type RawReply } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

let upstream: UpstreamServer
let gateway: TestGateway

before(async () => {
  upstream = await startEchoUpstream()
  gateway = await openGateway({
    authenticate: ['jwt'],
    accessLog: 1,
    upstream: upstream.origin,
    issuers: {},
    routes: { '/known/*': { authenticate: 'none' }, '/exact': { authenticate: 'none' } },
  })
})

after(async () => {
  await gateway.stop()
  await upstream.close()
})

function get(target: string, fields = ''): Promise<RawReply> {
  const head = `GET ${target} HTTP/1.1\r\nHost: gateway.test\r\n${fields}\r\n`
  return exchangeRaw(gateway.port, head)
}

/** A refusal as it is promised: this status, this code, and nothing sent upstream. */
async function assertRefused(target: string, fields: string, status: number, code: AuthErrorCode) {
  const requestsBefore = upstream.requests
  const { answers } = await get(target, fields)
  const [answer] = answers
  assert.ok(answer, 'no answer')
  assert.equal(answer.status, status)
  assert.equal(AUTH_ERRORS[code].status, status)
  assert.deepEqual(answerHeader(answer, 'content-type'), ['application/problem+json'])
  const problem = JSON.parse(answer.body.toString()) as Record<string, unknown>
  assert.equal(problem['error'], code)
  assert.equal(problem['status'], status)
  assert.equal(upstream.requests, requestsBefore)
}

describe('refusals before any credential is looked at (RFC 9457)', () => {
  it('say 404 where no route matches', async () => {
    await assertRefused('/unknown', '', 404, 'route_not_found')
    await assertRefused('/exact/below', '', 404, 'route_not_found')
  })

  it('say 414 to a target that is too long', async () => {
    await assertRefused(`/known/${'a'.repeat(9_000)}`, '', 414, 'uri_too_long')
    await assertRefused(`/known/?${'a'.repeat(9_000)}`, '', 414, 'uri_too_long')
  })

  it('say 431 to fields that are too large', async () => {
    await assertRefused('/known/', `X-Large: ${'a'.repeat(16_384)}\r\n`, 431, 'headers_too_large')
  })

  it('are not for what is just within bounds', async () => {
    for (const [target, fields] of [
      ['/exact/', ''],
      [`/known/${'a'.repeat(8_000)}`, ''],
      ['/known', `X-Large: ${'a'.repeat(16_000)}\r\n`],
    ] as const) {
      assert.equal((await get(target, fields)).answers[0]?.status, 200)
    }
  })
})
