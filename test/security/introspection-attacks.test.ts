/** An introspection endpoint that lies, against a whole gateway: no lie reaches an upstream. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import {
  type IntrospectionReply,
  IntrospectionServer,
  json,
  newOpaqueToken,
} from '../support/introspection-server.ts'
import { newMark, RecordingUpstream } from '../support/recording-upstream.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import {
  ANSWERS_ABOUT_ANOTHER,
  HONEST_ANSWER,
  INTROSPECTION_LIES,
  tellingToken,
} from './attacks/introspection-lies.ts'

let endpoint: IntrospectionServer
let upstream: RecordingUpstream
let gateway: TestGateway

before(async () => {
  endpoint = await IntrospectionServer.start()
  upstream = await RecordingUpstream.start()
  gateway = await openGateway({
    upstream: upstream.origin,
    issuers: {
      idp: endpoint.issuer('idp', {
        attempts: 1,
        timeout: '5s',
        // So that each lie is heard: an open breaker would answer the same.
        circuitBreaker: { failureThreshold: 255 },
      }),
    },
    routes: { '/*': { authenticate: ['introspection'] } },
  })
})

after(async () => {
  await gateway.stop()
  await upstream.close()
  await endpoint.down()
})

/** Answered afresh, by what the endpoint says now. */
async function present(token: string, reply: IntrospectionReply) {
  endpoint.reply = reply
  const asked = endpoint.requests.length
  const mark = newMark()
  const answer = await gateway.ask('/x', { authorization: `Bearer ${token}`, 'x-mark': mark })
  assert.equal(endpoint.requests.at(-1)?.form.get('token'), token)
  assert.equal(endpoint.requests.length, asked + 1)
  return { answer, isSeen: upstream.saw(mark) }
}

async function assertHonestAnswerPasses(token: string): Promise<void> {
  const { answer, isSeen } = await present(token, json(HONEST_ANSWER))
  assert.equal(outcomeOf(answer), 'passed')
  assert.equal(upstreamField(answer, 'x-user-id'), 'alice')
  assert.ok(isSeen, 'the upstream has no record of it')
}

describe('an answer about a token (RFC 7662 §2.2)', () => {
  it('lets the request pass when it is honest, or the refusals below would prove nothing', async () => {
    await assertHonestAnswerPasses(newOpaqueToken())
    await assertHonestAnswerPasses(tellingToken())
  })

  for (const [name, expected, reply] of INTROSPECTION_LIES) {
    it(`is no leave to enter with ${name}`, async () => {
      const { answer, isSeen } = await present(newOpaqueToken(), reply)
      assert.equal(outcomeOf(answer), expected)
      assert.ok(!isSeen, 'seen by the upstream')
    })
  }

  for (const [name, expected, reply] of ANSWERS_ABOUT_ANOTHER) {
    it(`is no leave to enter when it is about a token with ${name}`, async () => {
      const { answer, isSeen } = await present(tellingToken(), reply)
      assert.equal(outcomeOf(answer), expected)
      assert.ok(!isSeen, 'seen by the upstream')
    })
  }

  it('is taken when it is honest again', async () => {
    await assertHonestAnswerPasses(newOpaqueToken())
    await assertHonestAnswerPasses(tellingToken())
  })
})
