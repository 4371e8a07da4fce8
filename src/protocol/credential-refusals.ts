/** Reasons to refuse a credential: rows of the table in refusal-reason.ts. */
import { CLAIM_REFUSALS } from './claim-refusals.ts'
import { IDENTITY_PARTS, type PartKind, type PartName } from './identity-parts.ts'
import type { RefusalReasonRow } from './refusal-row.ts'

const FORMS: Readonly<Record<PartKind, string>> = {
  text: 'a text or an integer',
  texts: 'a list of text, or one text',
  scopes: 'a list of text, or one text',
}

interface NoSessionRow extends RefusalReasonRow {
  readonly code: 'no_session'
}

/** One row for each part of an identity. */
const SESSION_PARTS_MISTYPED = Object.fromEntries(
  IDENTITY_PARTS.map(({ name, kind, record }) => [
    `session_${name}_mistyped`,
    {
      code: 'no_session',
      meaning:
        `The session has \`${record}\`, or what \`sessions.pointers.${name}\` leads to, as something ` +
        `else than ${FORMS[kind]}, and the configuration uses it.`,
    },
  ]),
) as { readonly [Name in PartName as `session_${Name}_mistyped`]: NoSessionRow }

export const CREDENTIAL_REFUSALS = {
  // Where the credential is.
  credential_absent: {
    code: 'missing_token',
    meaning: 'The request carries no credential that the route takes.',
  },
  session_absent: {
    code: 'no_session',
    meaning: 'The request carries no session cookie, and no other credential of the route.',
  },
  credential_repeated: {
    code: 'invalid_request',
    meaning: 'The request carries two credentials of one kind.',
  },
  credential_empty: {
    code: 'invalid_request',
    meaning: 'A credential is announced, and nothing follows.',
  },
  proof_scheme: {
    code: 'invalid_token',
    meaning: 'The token comes with the scheme `DPoP`, and proofs of possession are not checked.',
  },
  token_too_long: {
    code: 'invalid_token',
    meaning: 'The token is longer than `server.limits.tokenBytes`.',
  },
  session_cookie_too_long: {
    code: 'invalid_session_format',
    meaning: 'The session cookie is longer than any that a login sets.',
  },
  api_key_too_long: {
    code: 'invalid_api_key',
    meaning: 'The API key is longer than any that there is.',
  },
  cross_site: {
    code: 'csrf_rejected',
    meaning: 'A request that changes something came by cookie from a page of an unknown site.',
  },

  // The form of a token, and who may have issued it.
  token_syntax: {
    code: 'invalid_request',
    meaning: 'The token contains characters that no bearer token has (RFC 6750 §2.1).',
  },
  token_malformed: {
    code: 'invalid_token',
    meaning: 'The token is no JWT: not three parts of canonical base64url.',
  },
  token_header_malformed: {
    code: 'invalid_token',
    meaning: 'The protected header is not one strict JSON object.',
  },
  header_alg_unknown: {
    code: 'invalid_token',
    meaning: 'The `alg` of the header is missing, or no algorithm that the gateway verifies.',
  },
  header_kid_malformed: {
    code: 'invalid_token',
    meaning: 'The `kid` of the header is no text of at most 256 printable ASCII characters.',
  },
  header_typ_malformed: {
    code: 'invalid_token',
    meaning: 'The `typ` of the header is no text.',
  },
  header_crit_refused: {
    code: 'invalid_token',
    meaning: 'The header has `crit`: extensions that must be understood, and none is.',
  },
  header_unencoded_refused: {
    code: 'invalid_token',
    meaning: 'The header has `b64`, which changes what is signed (RFC 7797).',
  },
  header_zip_refused: {
    code: 'invalid_token',
    meaning: 'The header has `zip`, which is for encrypted tokens alone.',
  },
  header_enc_refused: {
    code: 'invalid_token',
    meaning: 'The header has `enc`, which is for encrypted tokens alone.',
  },
  token_claims_malformed: {
    code: 'invalid_token',
    meaning: 'The claims of the token are not one strict JSON object.',
  },
  token_unsecured: {
    code: 'invalid_token',
    meaning: 'The token is an unsecured JWT (`alg: none`).',
  },
  token_kind_not_accepted: {
    code: 'invalid_token',
    meaning: 'The route takes neither JWTs nor opaque tokens of this issuer.',
  },
  algorithm_not_allowed: {
    code: 'invalid_token',
    meaning: 'The issuer is not configured to sign with the algorithm that the token names.',
  },
  type_not_allowed: {
    code: 'invalid_token',
    meaning: 'The `typ` of the token is not one that the issuer is configured to use.',
  },
  issuer_not_accepted: {
    code: 'invalid_claims',
    meaning: 'The `iss` of the token is no issuer that the route accepts.',
  },
  issuer_not_introspected: {
    code: 'invalid_token',
    meaning: 'The JWT is of an issuer that the route does not verify, and is shown to no other.',
  },

  // Keys and signature.
  key_unknown: {
    code: 'unknown_signing_key',
    meaning: 'The issuer publishes no key with the `kid` of the token, and none without a `kid`.',
  },
  key_withdrawn: {
    code: 'unknown_signing_key',
    meaning: 'The key was withdrawn while the token was being verified.',
  },
  key_unfit: {
    code: 'invalid_token',
    meaning: 'No key that the `kid` may mean is one for its `alg`, or more than eight may be.',
  },
  key_issuer_mismatch: {
    code: 'invalid_token',
    meaning: 'The key is published with an `issuer`, and the `iss` of the token is another.',
  },
  keys_unavailable: {
    code: 'verifier_unavailable',
    meaning: 'The keys of the issuer are not known, or too old to rely on.',
  },
  key_unsettled: {
    code: 'verifier_unavailable',
    meaning: 'No key at hand is for the token, and newer ones cannot be fetched just now.',
  },
  signature_unsettled: {
    code: 'verifier_unavailable',
    meaning: 'No key at hand made the signature, and newer ones cannot be fetched just now.',
  },
  key_without_place: {
    code: 'verifier_unavailable',
    meaning: 'The issuer publishes a key that could have signed, but it could not be taken in.',
  },
  signature_length: {
    code: 'invalid_token',
    meaning: 'The signature has a length that its algorithm never produces.',
  },
  signature_invalid: {
    code: 'invalid_token',
    meaning: 'The signature does not verify under any key that could have made it.',
  },
  verification_failed: {
    code: 'verifier_unavailable',
    meaning: 'No verification thread gave an answer in time.',
  },
  verification_overloaded: {
    code: 'overloaded',
    meaning: 'More tokens wait for verification than `SALLYPORT_VERIFY_QUEUE_MAX` allows.',
  },
  verification_crowded: {
    code: 'overloaded',
    meaning: 'Too many credentials are being verified at once, or too many wait for this one.',
  },

  ...CLAIM_REFUSALS,

  // Introspection.
  token_inactive: {
    code: 'inactive_token',
    meaning: 'The introspection endpoint says that the token is not active.',
  },
  introspection_unavailable: {
    code: 'verifier_unavailable',
    meaning: 'The introspection endpoint gave no usable answer, or its breaker is open.',
  },
  introspection_not_taken: {
    code: 'verifier_unavailable',
    meaning: 'The endpoint, or a firewall before it, does not take requests about this token.',
  },
  introspection_crowded: {
    code: 'overloaded',
    meaning: 'Too many other tokens are being asked about.',
  },
  unverified_not_permitted: {
    code: 'verifier_unavailable',
    meaning: 'The token could not be verified, and the route requires more than any caller.',
  },

  // Sessions and API keys.
  session_cookie_malformed: {
    code: 'invalid_session_format',
    meaning: 'The session cookie is no session id.',
  },
  session_cookie_foreign: {
    code: 'invalid_session_format',
    meaning:
      'None of `sessions.secrets` has signed the session cookie, or its id has another form.',
  },
  session_not_found: {
    code: 'session_not_found',
    meaning: 'The store has no such session.',
  },
  session_expired: {
    code: 'session_expired',
    meaning: 'The session is as old as `sessions.absoluteTtl` or its record lets it become.',
  },
  session_store_unavailable: {
    code: 'verifier_unavailable',
    meaning: 'The session store did not answer in time.',
  },
  session_undated: {
    code: 'verifier_unavailable',
    meaning: 'When the session began is not in its record, and cannot be found out just now.',
  },
  session_unreadable: {
    code: 'no_session',
    meaning: 'The record of the session is no text of Redis, or not one strict JSON object.',
  },
  session_too_large: {
    code: 'no_session',
    meaning: 'The record of the session has more than `redis.recordBytes`.',
  },
  session_version_unknown: {
    code: 'no_session',
    meaning: 'The `version` of the record is not one that this program reads.',
  },
  session_user_mistyped: {
    code: 'no_session',
    meaning: 'The user in the record of the session is neither text nor an integer.',
  },
  session_created_mistyped: {
    code: 'no_session',
    meaning: 'The instant at which the session began is there and no instant.',
  },
  session_expires_mistyped: {
    code: 'no_session',
    meaning: 'The instant at which the session ends is there and no instant.',
  },
  ...SESSION_PARTS_MISTYPED,
  session_claims_mistyped: {
    code: 'no_session',
    meaning:
      'The claims of the session are no object, or one that upstreams are to be told is an object, ' +
      'too long, or a number beyond 2^53.',
  },
  api_key_unknown: {
    code: 'invalid_api_key',
    meaning: 'There is no such API key.',
  },
  api_key_expired: {
    code: 'invalid_api_key',
    meaning: 'The API key has expired.',
  },
  api_key_store_unavailable: {
    code: 'verifier_unavailable',
    meaning: 'The store of API keys did not answer in time.',
  },
  api_key_unreadable: {
    code: 'verifier_unavailable',
    meaning:
      'The record of the API key is no text of Redis, too large or not one strict JSON object, or a ' +
      'member that is used is of the wrong type.',
  },

  // Revocation.
  token_revoked: {
    code: 'token_revoked',
    meaning: 'The credential, its session, its subject or its issuer was revoked.',
  },
  revocation_undated: {
    code: 'verifier_unavailable',
    meaning: 'Its subject was revoked, and it cannot be found out whether the credential is older.',
  },
  revocations_not_learnt: {
    code: 'verifier_unavailable',
    meaning: 'This instance has not learnt yet what others have revoked.',
  },

  // Policy.
  tenant_of_another: {
    code: 'tenant_mismatch',
    meaning: 'The credential is one of another tenant.',
  },
  tenant_claim_absent: {
    code: 'tenant_mismatch',
    meaning: 'The credential names no tenant, and its issuer is not this tenant’s alone.',
  },
  tenant_issuer_foreign: {
    code: 'tenant_mismatch',
    meaning: 'The tenant does not list the issuer of the credential.',
  },
  scope_missing: {
    code: 'insufficient_scope',
    meaning: 'The credential has not the scopes that the route requires.',
  },
  role_missing: {
    code: 'insufficient_scope',
    meaning: 'The caller has not the roles that the route requires.',
  },
  issuer_not_permitted: {
    code: 'insufficient_scope',
    meaning: 'The route requires another issuer than that of the credential.',
  },
  claim_unsatisfied: {
    code: 'insufficient_scope',
    meaning: 'A claim is not what `require.claims` of the route asks for.',
  },
} as const satisfies Record<string, RefusalReasonRow>
