/** What `explain` says of claims is what decides: no step is marked against a token that passes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkClaims } from '../../src/protocol/claims.ts'
import { processIntrospectionResponse } from '../../src/protocol/introspection-response.ts'
import type { KeptPath } from '../../src/protocol/kept-claims.ts'
import type { JsonObject } from '../../src/protocol/strict-json.ts'
import { tellClaims } from '../../src/protocol/tell-claims.ts'
import { RecordedTrace } from '../../src/protocol/trace.ts'
import { CLAIM_POLICY } from '../support/jwt-policy.ts'
import { encode, NOW_SECONDS } from '../support/mint-token.ts'

const LIGHT: JsonObject = { iss: CLAIM_POLICY.issuer, iat: NOW_SECONDS, exp: NOW_SECONDS + 60 }

/** What is marked against the token, and whether it is refused. */
function judged(claims: JsonObject, policy = CLAIM_POLICY) {
  const trace = new RecordedTrace(false)
  const rules = { isAnswer: false, needsAudience: !policy.isPartial }
  tellClaims(trace, claims, policy, rules, NOW_SECONDS)
  const against = trace.steps.filter(({ mark }) => mark === 'no').map(({ text }) => text)
  return { against, kind: checkClaims(claims, policy, NOW_SECONDS).kind }
}

describe('an explanation of a lightweight token, whose issuer is asked for the rest', () => {
  const policy = { ...CLAIM_POLICY, isPartial: true, requiredClaims: ['sub', 'department'] }

  it('holds nothing against it that the issuer may say', () => {
    assert.deepEqual(judged(LIGHT, policy), { against: [], kind: 'checked' })
  })

  it('names what is wrong with what it says itself', () => {
    const { against, kind } = judged({ ...LIGHT, jti: 7, aud: 'else' }, policy)
    assert.equal(kind, 'refused')
    assert.equal(against.length, 2)
    assert.match(against.join(), /aud: .*jti: /)
  })
})

describe('an explanation of a whole token', () => {
  it('names the audience and the subject that are not there', () => {
    const { against, kind } = judged(LIGHT)
    assert.equal(kind, 'refused')
    assert.match(against.join(), /aud: .*sub: /)
  })

  it('names each path of the configuration at which the token has nothing', () => {
    const path = (text: string, isTold: boolean): KeptPath => {
      const path = { text, steps: [], isPointer: false }
      return { path, isAsked: true, isTold, needsText: false }
    }
    const keptPaths = [path('department', true), path('level', false), path('city', true)]
    const trace = new RecordedTrace(false)
    const claims = { ...LIGHT, city: 'Köln', department: null }
    const rules = { isAnswer: false, needsAudience: false }
    tellClaims(trace, claims, { ...CLAIM_POLICY, keptPaths }, rules, NOW_SECONDS)
    const told = trace.steps.map(({ mark, text }) => `${mark} ${text}`)
    assert.ok(told.includes('note department: nothing there; upstreams are to be told it'))
    assert.ok(told.includes('note level: nothing there; a route requires it'))
    assert.ok(!told.some((it) => it.includes('city: nothing')))
  })

  it('takes an empty list for no id', () => {
    const claims = { ...LIGHT, sub: 'alice', aud: CLAIM_POLICY.audiences[0], jti: [], sid: null }
    assert.deepEqual(judged(claims), { against: [], kind: 'checked' })
  })
})

describe('an explanation of an answer about a JWT', () => {
  it('says that the token itself is bound to a key', () => {
    const part = (members: object) => encode(JSON.stringify(members))
    const token = `${part({ alg: 'ES256' })}.${part({ cnf: { jkt: 'x' } })}.AAAA`
    const trace = new RecordedTrace(false)
    const policy = { ...CLAIM_POLICY, requireAudience: false }
    const body = Buffer.from(JSON.stringify({ active: true, sub: 'alice' }))
    const outcome = processIntrospectionResponse(body, token, policy, NOW_SECONDS, trace)
    assert.equal(outcome.kind === 'refused' && outcome.refused.reason, 'token_bound')
    assert.ok(trace.steps.some(({ mark, text }) => mark === 'no' && text.startsWith('cnf: ')))
  })
})
