/** Nothing but a strict `"active":true` ever lets a token in, whatever the bytes are. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { processIntrospectionResponse } from '../../src/protocol/introspection-response.ts'
import { isAbsent } from '../../src/protocol/json-members.ts'
import { CLAIM_POLICY } from '../support/jwt-policy.ts'
import { NOW_SECONDS } from '../support/mint-token.ts'

const POLICY = { ...CLAIM_POLICY, requireAudience: false }

function judge(body: Uint8Array, token: string) {
  return processIntrospectionResponse(body, token, POLICY, NOW_SECONDS)
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
)

/** Members that matter, right and wrong. */
const members = fc.record(
  {
    active: fc.oneof(fc.constant(true), fc.jsonValue({ maxDepth: 1 })),
    sub: fc.oneof(fc.constant('alice'), fc.jsonValue({ maxDepth: 1 })),
    client_id: fc.oneof(fc.constant('batch'), fc.jsonValue({ maxDepth: 1 })),
    iss: fc.oneof(fc.constant(POLICY.issuer), fc.jsonValue({ maxDepth: 1 })),
    aud: fc.oneof(fc.constant(POLICY.audiences[0]), fc.jsonValue({ maxDepth: 1 })),
    exp: fc.oneof(
      fc.integer({ min: -10, max: 10 }).map((n) => NOW_SECONDS + n),
      fc.double(),
    ),
    nbf: fc.oneof(
      fc.integer({ min: -10, max: 10 }).map((n) => NOW_SECONDS + n),
      fc.string(),
    ),
    scope: fc.oneof(fc.constant('read write'), fc.jsonValue({ maxDepth: 1 })),
  },
  { requiredKeys: ['active'] },
)

/** As JSON has it: null, which is absent, in place of what is no number. */
function sentNumber(value: number | undefined): number | undefined {
  return Number.isFinite(value) ? value : undefined
}

describe('the judgement of an introspection answer', () => {
  it('is one of the three, for any bytes and any token', () => {
    fc.assert(
      fc.property(bytes, fc.oneof(fc.string(), fc.constant('e30.e30.AA')), (body, token) => {
        const { kind } = judge(body, token)
        assert.ok(kind === 'refused' || kind === 'undecided', 'rubbish is never active')
      }),
      { numRuns: 3_000 },
    )
  })

  it('is active only when every member that is there is right', () => {
    let activeCount = 0
    fc.assert(
      fc.property(members, (answer) => {
        const judged = judge(Buffer.from(JSON.stringify(answer)), 'opaque')
        if (judged.kind !== 'active') return
        activeCount += 1
        assert.equal(answer.active, true)
        const { nbf, iss, aud } = answer
        const exp = sentNumber(answer.exp)
        assert.ok(isAbsent(iss) || iss === POLICY.issuer)
        assert.ok(isAbsent(aud) || POLICY.audiences.some((name) => [aud].flat().includes(name)))
        assert.ok(Math.floor(exp ?? NOW_SECONDS) + POLICY.clockToleranceSeconds > NOW_SECONDS)
        assert.ok(nbf === undefined || Number(nbf) <= NOW_SECONDS + POLICY.clockToleranceSeconds)
        const { subject, clientId } = judged.identity
        assert.ok(subject === '' ? isAbsent(answer.sub) : subject === answer.sub)
        assert.ok(subject !== '' || (clientId !== '' && clientId === answer.client_id))
        assert.equal(judged.deadAtSeconds === null, exp === undefined)
      }),
      { numRuns: 5_000 },
    )
    assert.ok(activeCount > 20, `only ${activeCount} answers were active`)
  })

  it('is never active for a truthy verdict, nor for one of several', () => {
    const truthy = fc.jsonValue({ maxDepth: 2 }).filter((value) => typeof value !== 'boolean')
    fc.assert(
      fc.property(truthy, fc.boolean(), fc.boolean(), (value, first, second) => {
        const wrong = JSON.stringify({ active: value, sub: 'alice' })
        assert.deepEqual(judge(Buffer.from(wrong), 'opaque'), {
          kind: 'undecided',
          reason: 'no_verdict',
        })
        const twice = `{"active":${first},"sub":"alice","active":${second}}`
        assert.deepEqual(judge(Buffer.from(twice), 'opaque'), {
          kind: 'undecided',
          reason: 'not_json',
        })
      }),
      { numRuns: 1_000 },
    )
  })
})
