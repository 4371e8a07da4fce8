/** What the gateway makes of the claims of a token, by the settings of an issuer as written. */
import assert from 'node:assert/strict'
import { composeClaimSources } from '../../src/listener/claim-sources.ts'
import { type ClaimPolicy, checkClaims } from '../../src/protocol/claims.ts'
import {
  type IntrospectionAnswerPolicy,
  processIntrospectionResponse,
} from '../../src/protocol/introspection-response.ts'
import { createIssuerTemplate } from '../../src/protocol/issuer-template.ts'
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import { parseJsonText } from '../../src/protocol/strict-json.ts'
import type { Identity } from '../../src/protocol/verification.ts'
import { parseText } from './configuration-text.ts'
import { NOW_SECONDS } from './mint-token.ts'

const ISSUER = 'https://idp.example.com'
const AUDIENCE = 'api'

/** Settings that differ from the least there are; names are those of the configuration file. */
export interface Written {
  readonly issuer?: Record<string, unknown>
  readonly route?: Record<string, unknown>
  readonly identity?: Record<string, unknown>
  readonly tenants?: Record<string, unknown>
}

export function policyOf({ issuer, route, ...sections }: Written = {}): ClaimPolicy {
  const jwks = { uri: `${ISSUER}/keys` }
  const text = JSON.stringify({
    ...sections,
    issuers: { main: { issuer: ISSUER, audiences: [AUDIENCE], jwks, ...issuer } },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [{ name: 'all', match: { path: '/*' }, upstream: 'users', ...route }],
  })
  const configuration = parseText(text)
  const [read] = configuration.issuers
  assert.ok(read !== undefined)
  return {
    ...read,
    template: createIssuerTemplate(read.issuer, read.placeholder),
    keptAudiences: [],
    isPartial: false,
    sources: composeClaimSources(read, configuration),
    keptPaths: [],
  }
}

/** Claims that say nothing but what must be said. */
function leastClaims(): Record<string, unknown> {
  return {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'someone',
    iat: NOW_SECONDS - 60,
    exp: NOW_SECONDS + 3_600,
  }
}

/** @param claims What the token has beside the least; `undefined` leaves a claim out. */
export function readClaims(
  claims: Record<string, unknown>,
  written: Written = {},
): Identity | RefusalReason {
  return readText(JSON.stringify({ ...leastClaims(), ...claims }), written)
}

/** @param text The claims as the token has them. */
export function readText(text: string, written: Written = {}): Identity | RefusalReason {
  const members = parseJsonText(text)
  assert.ok(members !== null)
  const checked = checkClaims(members, policyOf(written), NOW_SECONDS)
  return checked.kind === 'checked' ? checked.identity : checked.reason
}

/** The same for the answer of an introspection endpoint. */
export function readAnswer(
  claims: Record<string, unknown>,
  written: Written = {},
): Identity | RefusalReason {
  const body = Buffer.from(JSON.stringify({ active: true, ...leastClaims(), ...claims }))
  const policy: IntrospectionAnswerPolicy = { ...policyOf(written), requireAudience: false }
  const answer = processIntrospectionResponse(body, 'opaque', policy, NOW_SECONDS)
  assert.notEqual(answer.kind, 'undecided')
  if (answer.kind === 'active') return answer.identity
  return answer.kind === 'refused' ? answer.refused.reason : 'token_inactive'
}
