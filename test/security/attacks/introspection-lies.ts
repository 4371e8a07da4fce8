/**
 * Answers of an introspection endpoint, or of something in its place, that are no leave to enter
 * (RFC 7662 §2.2, §4): an answer that says nothing is not a bad token either.
 */
import { randomUUID } from 'node:crypto'
import {
  type IntrospectionReply,
  json,
  redirect,
  status,
  text,
} from '../../support/introspection-server.ts'
import { wallSeconds } from '../../support/live-token.ts'
import { encode } from '../../support/mint-token.ts'
import type { Refusal } from './attack.ts'

export type IntrospectionLie = readonly [name: string, answer: Refusal, reply: IntrospectionReply]

/** An answer to which the gateway says yes. */
export const HONEST_ANSWER = { active: true, sub: 'alice', aud: 'api', scope: 'read' }

/** What the token says of itself that {@link ANOTHER_TOKENS} are asked about. */
const OWN_CLAIMS = { iss: 'https://idp.example.com/', sub: 'alice', jti: 'one', client_id: 'web' }

const JSON_TYPE = 'application/json'
const UNDECIDED = '503 verifier_unavailable'

function raw(body: string): IntrospectionReply {
  return text(body, JSON_TYPE)
}

function honest(members: Record<string, unknown>): IntrospectionReply {
  return json({ ...HONEST_ANSWER, ...members })
}

const YES = JSON.stringify(HONEST_ANSWER)

/** Not a boolean `active` in one JSON object, sent as one with 200. */
const NO_VERDICTS: Readonly<Record<string, IntrospectionReply>> = {
  '"active": "true"': honest({ active: 'true' }),
  'active 1': honest({ active: 1 }),
  'active null': honest({ active: null }),
  'active in a list': honest({ active: [true] }),
  'active in an object': honest({ active: { value: true } }),
  'no active': honest({ active: undefined }),
  'Active in another case': honest({ active: undefined, Active: true }),
  'an empty object': json({}),
  'a bare true': raw('true'),
  'the text of an answer': json(YES),
  'a list with an answer': raw(`[${YES}]`),
  'an answer within an answer': json({ data: HONEST_ANSWER }),
  'active within a prototype': raw(`{"__proto__":${YES}}`),
  'active twice, the good one last': raw(`{"active":false,${YES.slice(1)}`),
  'active twice, the good one first': raw(`${YES.slice(0, -1)},"active":false}`),
  'a subject twice': raw(`${YES.slice(0, -1)},"sub":"root"}`),
  'two answers': raw(`${YES}${YES}`),
  'half an answer': raw(YES.slice(0, -1)),
  'a comment behind': raw(`${YES}// yes`),
  'a byte order mark': raw(`\ufeff${YES}`),
  'no body': raw(''),
  'a page of HTML with 200': text('<html>Sign in</html>', 'text/html'),
  'an answer as HTML': text(YES, 'text/html'),
  'an answer as text': text(YES, 'text/plain'),
  'an answer as a form': text('active=true&sub=alice', 'application/x-www-form-urlencoded'),
  'an answer without a type': text(YES, null),
  'an answer with 201': text(YES, JSON_TYPE, 201),
  'an answer with 203': text(YES, JSON_TYPE, 203),
  'an answer with 400': status(400),
  'an answer with 401': status(401),
  'an answer with 403': status(403),
  'an answer with 500': status(500),
  'a redirect': redirect,
}

/** Of an active token that is not good here, by the same rules as a JWT. */
const UNFIT: Readonly<
  Record<string, readonly [answer: Refusal, members: Record<string, unknown>]>
> = {
  'another issuer': ['401 invalid_claims', { iss: 'https://evil.example/' }],
  'an issuer without its slash': ['401 invalid_claims', { iss: 'https://idp.example.com' }],
  'a list of issuers': ['401 invalid_claims', { iss: ['https://idp.example.com/'] }],
  'another audience': ['401 invalid_claims', { aud: 'other' }],
  'an empty audience in a list': ['401 invalid_claims', { aud: [''] }],
  'an empty audience': ['401 invalid_claims', { aud: '' }],
  'an audience among others that are no text': ['401 invalid_claims', { aud: ['api', 1] }],
  'a subject that is a number': ['401 invalid_claims', { sub: 1 }],
  'an empty subject': ['401 invalid_claims', { sub: '' }],
  'neither a subject nor a client': ['401 invalid_claims', { sub: undefined }],
  'a token bound to a key': ['401 invalid_token', { token_type: 'DPoP' }],
  'a token bound to a key, called Bearer': [
    '401 invalid_token',
    { token_type: 'Bearer', cnf: { jkt: 'x' } },
  ],
  'a refresh token': ['401 invalid_claims', { token_type: 'refresh_token' }],
  'no access token': ['401 invalid_claims', { token_type: 'N_A' }],
  'an ID token': ['401 invalid_claims', { at_hash: 'x' }],
  'a logout token': ['401 invalid_claims', { events: {} }],
  'an end that is text': ['401 invalid_claims', { exp: '9999999999' }],
  'an end that is an empty text': ['401 invalid_claims', { exp: '' }],
  'an end beyond all time': ['401 invalid_claims', { exp: 1e18 }],
  'an end that has passed': ['401 token_expired', { exp: 1_000_000_000 }],
  'a beginning that is to come': ['401 token_not_yet_valid', { nbf: wallSeconds() + 86_400 }],
  'a token issued tomorrow': ['401 invalid_claims', { iat: wallSeconds() + 86_400 }],
  'a scope that is a list': ['401 invalid_claims', { scope: { read: true } }],
  'a tenant that is a number': ['401 invalid_claims', { tenant_id: 2 ** 53 }],
  'an inactive token with all the rest': ['401 inactive_token', { active: false }],
}

/** About opaque tokens, of which nothing else is known. */
export const INTROSPECTION_LIES: readonly IntrospectionLie[] = [
  ...Object.entries(NO_VERDICTS).map(([name, reply]): IntrospectionLie => [name, UNDECIDED, reply]),
  ...Object.entries(UNFIT).map(([name, [answer, members]]): IntrospectionLie => {
    return [name, answer, honest(members)]
  }),
]

/** A new JWT that only the endpoint verifies: it says whose it is. */
export function tellingToken(): string {
  const header = encode(JSON.stringify({ alg: 'ES256', kid: 'k', typ: 'JWT' }))
  const claims = encode(JSON.stringify({ ...OWN_CLAIMS, nonce: randomUUID() }))
  return `${header}.${claims}.${'A'.repeat(86)}`
}

/** About a token of {@link tellingToken}, each the answer to a question about another one. */
export const ANSWERS_ABOUT_ANOTHER: readonly IntrospectionLie[] = Object.entries({
  sub: 'root',
  jti: 'two',
  client_id: 'mobile',
}).map(
  ([claim, value]): IntrospectionLie => [
    `another ${claim}`,
    UNDECIDED,
    honest({ ...OWN_CLAIMS, [claim]: value }),
  ],
)
