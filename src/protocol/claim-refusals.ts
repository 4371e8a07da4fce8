/** Reasons to refuse a token for its claims: rows of the table in refusal-reason.ts. */
import { IDENTITY_PARTS, type MistypedReason } from './identity-parts.ts'
import type { RefusalReasonRow } from './refusal-row.ts'

/** One for each part of an identity, so that the reason names the claim. */
const PART_MISTYPED = Object.fromEntries(
  IDENTITY_PARTS.map((part) => [part.mistyped, mistyped(part.name)]),
) as Readonly<Record<MistypedReason, RefusalReasonRow>>

function mistyped(part: string): RefusalReasonRow {
  return {
    code: 'invalid_claims',
    meaning:
      `The claim of \`claims.${part}\` of the issuer is of the wrong type, and the configuration ` +
      'uses it.',
  }
}

export const CLAIM_REFUSALS = {
  issuer_value_mismatch: {
    code: 'invalid_claims',
    meaning: 'In the place of the placeholder, `iss` says something else than the claim beside it.',
  },
  audience_mismatch: {
    code: 'invalid_claims',
    meaning: 'No `aud` of the token is one of the audiences of the issuer, or there is none.',
  },
  audience_not_of_route: {
    code: 'invalid_claims',
    meaning: 'The token is for this gateway, and names none of the `audiences` of the route.',
  },
  client_not_accepted: {
    code: 'invalid_claims',
    meaning: 'The token has no `aud`, and its client is none of the `clientIds` of the issuer.',
  },
  token_bound: {
    code: 'invalid_token',
    meaning: 'The token is bound to a key or a certificate (`cnf`), and proofs are not checked.',
  },
  issuer_mismatch: {
    code: 'invalid_claims',
    meaning:
      'The `iss` is not the issuer whose endpoint answered, or none of those of the placeholder.',
  },
  foreign_kind_of_token: {
    code: 'invalid_claims',
    meaning: 'The token is of another kind: an ID, refresh or logout token.',
  },
  required_claim_missing: {
    code: 'invalid_claims',
    meaning: 'A claim is missing that the issuer is configured to require.',
  },
  subject_mistyped: {
    code: 'invalid_claims',
    meaning:
      'There is no subject (`claims.subject` of the issuer), or it or a required `sub` is no text.',
  },
  client_id_mistyped: mistyped('clientId'),
  ...PART_MISTYPED,
  jti_mistyped: {
    code: 'invalid_claims',
    meaning: '`jti` is no text: the token could not be revoked.',
  },
  sid_mistyped: {
    code: 'invalid_claims',
    meaning: '`sid` is no text: the session could not be revoked.',
  },
  email_unverified: {
    code: 'invalid_claims',
    meaning: 'The subject is an e-mail address that the issuer has not verified.',
  },
  claim_untellable: {
    code: 'invalid_claims',
    meaning:
      'A claim that upstreams are to be told is an object, too long, or a number beyond 2^53.',
  },
  exp_missing: {
    code: 'invalid_claims',
    meaning: 'The token has no `exp`, or null in its place: a JWT must have an end.',
  },
  exp_mistyped: {
    code: 'invalid_claims',
    meaning: 'The `exp` of the token is no NumericDate.',
  },
  nbf_mistyped: {
    code: 'invalid_claims',
    meaning: 'The `nbf` of the token is there and no NumericDate.',
  },
  iat_mistyped: {
    code: 'invalid_claims',
    meaning: 'The `iat` of the token is there and no NumericDate.',
  },
  issued_in_future: {
    code: 'invalid_claims',
    meaning: 'The `iat` of the token is in the future: compare the clocks.',
  },
  token_expired: {
    code: 'token_expired',
    meaning: 'The `exp` of the token has passed.',
  },
  token_too_old: {
    code: 'token_expired',
    meaning: 'A token without `exp` is older than tokens of its issuer may become.',
  },
  token_not_yet_valid: {
    code: 'token_not_yet_valid',
    meaning: 'The `nbf` of the token is in the future: compare the clocks.',
  },
} as const satisfies Record<string, RefusalReasonRow>
