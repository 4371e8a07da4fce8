/**
 * Fuzz target: the answer of an introspection endpoint. The first line is the token that was asked
 * about, the rest is the answer.
 */
import assert from 'node:assert/strict'
import {
  type ProcessedIntrospection,
  processIntrospectionResponse,
} from '../../src/protocol/introspection-response.ts'
import { CLAIM_POLICY } from '../support/jwt-policy.ts'
import { NOW_SECONDS } from '../support/mint-token.ts'
import { readReferenceBytes } from '../support/reference-json.ts'

export const dictionary = [
  ...['{"active":true', '"active":false', '"active":"true"', '"active":1', '"sub":"alice"', '}'],
  ...['"client_id":"batch"', '"iss":"https://idp.example.com/"', '"aud":"api.example.com"', ','],
  ...['"exp":1760000000', '"nbf":1760000006', '"iat":1760000010.5', '"scope":"a b"', '"jti":"a"'],
  ...['"token_type":"DPoP"', '"token_type":"bearer"', '"roles":["a"]', '\\u0061ctive', 'null'],
  ...['e30.eyJzdWIiOiJhbGljZSJ9.AA\n', '\n', '\xef\xbb\xbf', '1e400', '[', ']', '"', '"username":'],
]

const POLICIES = [true, false].map((requireAudience) => ({ ...CLAIM_POLICY, requireAudience }))

export function fuzz(input: Uint8Array): string {
  const lineEnd = Buffer.from(input).indexOf('\n')
  const token = Buffer.from(input.subarray(0, Math.max(lineEnd, 0))).toString('latin1')
  const body = input.subarray(lineEnd + 1)
  const [strict, generous] = POLICIES.map((policy) => {
    const processed = processIntrospectionResponse(body, token, policy, NOW_SECONDS)
    assertVerdict(processed, body)
    const at = (nowSeconds: number): ProcessedIntrospection =>
      processIntrospectionResponse(body, token, policy, nowSeconds)
    assertTimes(processed, at)
    return processed
  })
  // An audience that is required only ever takes away.
  assert.ok(strict?.kind !== 'active' || generous?.kind === 'active')
  if (generous?.kind === 'refused') return generous.refused.reason
  return generous?.kind === 'undecided' ? generous.reason : `active (${strict?.kind})`
}

/** Only a strict `"active":true` lets a token in, and only `false` keeps one out for good. */
function assertVerdict(processed: ProcessedIntrospection, body: Uint8Array): void {
  const reference = readReferenceBytes(body, false)
  const answer = reference.ok && reference.value instanceof Map ? reference.value : null
  const reason = processed.kind === 'undecided' ? processed.reason : null
  assert.equal(reason === 'not_json', answer === null)
  if (answer === null) return
  const active: unknown = answer.get('active')
  assert.equal(reason === 'no_verdict', typeof active !== 'boolean')
  if (active === false) assert.equal(processed.kind, 'refused')
  if (processed.kind !== 'active') return
  assert.equal(active, true)
  const { subject, clientId } = processed.identity
  const caller: unknown = answer.get('sub') ?? answer.get('client_id')
  assert.ok(typeof caller === 'string' && caller !== '')
  assert.equal(subject === '' ? clientId : subject, caller)
  const iss: unknown = answer.get('iss') ?? CLAIM_POLICY.issuer
  assert.ok(iss === CLAIM_POLICY.issuer || (Array.isArray(iss) && iss.length === 0))
}

/** A verdict is true until the very second that it names, and no longer. */
function assertTimes(
  processed: ProcessedIntrospection,
  at: (nowSeconds: number) => ProcessedIntrospection,
): void {
  if (processed.kind === 'active' && processed.deadAtSeconds !== null) {
    const { deadAtSeconds } = processed
    assert.ok(deadAtSeconds > NOW_SECONDS)
    assert.equal(at(deadAtSeconds - 1).kind, 'active')
    const dead = at(deadAtSeconds)
    assert.ok(dead.kind === 'refused' && dead.refused.code === 'token_expired')
  }
  if (processed.kind !== 'refused' || processed.untilSeconds === null) return
  const { untilSeconds, refused } = processed
  assert.ok(untilSeconds > NOW_SECONDS)
  // For the same reason, or because it has ended before it has begun.
  assert.equal(at(untilSeconds - 1).kind, 'refused')
  const then = at(untilSeconds)
  assert.ok(then.kind === 'active' || (then.kind === 'refused' && then.refused !== refused))
}
