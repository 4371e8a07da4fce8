/**
 * Why exactly the gateway refused a request: the one table beside the public codes.
 *
 * A client learns the code; the reason is for the operator, in logs and metrics. A code says what
 * the client can do about it, and no more: an answer that told what a forger got right would help
 * him. Like a code, a reason never carries anything of the request.
 */
import type { AuthErrorCode } from './auth-error.ts'

interface RefusalReasonRow {
  /** What the client is told. */
  readonly code: AuthErrorCode
  /** One sentence for the operator: what was found, and where to look. */
  readonly meaning: string
}

export const REFUSAL_REASONS = {
  // Before any route is found.
  request_malformed: {
    code: 'invalid_request',
    meaning: 'The request is not well-formed HTTP, or two programs could read it in two ways.',
  },
  uri_too_long: {
    code: 'uri_too_long',
    meaning: 'The request target is longer than the gateway reads.',
  },
  headers_too_large: {
    code: 'headers_too_large',
    meaning: 'The fields of the request are more, or larger, than the gateway reads.',
  },
  route_not_found: {
    code: 'route_not_found',
    meaning: 'No route matches method, host and path.',
  },
  path_ambiguous: {
    code: 'invalid_request',
    meaning: 'A service that reads paths less strictly would take this one for another route.',
  },

  // Where the request comes from. See docs/addresses.md.
  address_denied_by_route: {
    code: 'address_denied',
    meaning: 'The address of the client is in `denyFrom` of the route, or not in its `allowFrom`.',
  },
  address_denied_by_tenant: {
    code: 'address_denied',
    meaning: 'The address of the client is in `denyFrom` of the tenant, or not in its `allowFrom`.',
  },
  address_denied_by_key: {
    code: 'address_denied',
    meaning: 'The API key is good, and must not be used from the address of the client.',
  },

  // The tenant of the request.
  tenant_absent: {
    code: 'tenant_not_identified',
    meaning: 'The route needs a tenant, and neither the request nor the credential names one.',
  },
  tenant_name_malformed: {
    code: 'tenant_not_found',
    meaning: 'Where the request names its tenant there is no well-formed name.',
  },
  tenant_unknown: {
    code: 'tenant_not_found',
    meaning: 'There is no tenant of the name that the request or the credential gives.',
  },
  tenant_contradictory: {
    code: 'invalid_request',
    meaning: 'The request names two tenants, or a path that names one only to some readers.',
  },
  tenant_suspended: {
    code: 'tenant_suspended',
    meaning: 'The tenant is suspended.',
  },
  tenant_undecided: {
    code: 'verifier_unavailable',
    meaning: 'The record of this tenant cannot be read, or not all tenants are known yet.',
  },

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
    meaning: 'The protected header is not strict JSON, or has members that must be understood.',
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
    meaning: 'The issuer publishes no key with the `kid` of the token.',
  },
  key_withdrawn: {
    code: 'unknown_signing_key',
    meaning: 'The key was withdrawn while the token was being verified.',
  },
  key_unfit: {
    code: 'invalid_token',
    meaning: 'The key with the `kid` of the token is not one for its algorithm.',
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

  // Claims.
  audience_mismatch: {
    code: 'invalid_claims',
    meaning: 'No `aud` of the token is one of the audiences of the issuer, or there is none.',
  },
  issuer_mismatch: {
    code: 'invalid_claims',
    meaning: 'The `iss` of the answer is not the issuer whose endpoint gave it.',
  },
  foreign_kind_of_token: {
    code: 'invalid_claims',
    meaning: 'The token is of another kind: an ID, refresh or logout token, or one bound to a key.',
  },
  required_claim_missing: {
    code: 'invalid_claims',
    meaning: 'A claim is missing that the issuer is configured to require.',
  },
  claim_mistyped: {
    code: 'invalid_claims',
    meaning: 'A claim that makes part of the identity is missing or of the wrong type.',
  },
  time_claim_mistyped: {
    code: 'invalid_claims',
    meaning: '`exp` is missing, or `exp`, `nbf` or `iat` is no NumericDate.',
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
    meaning: 'The session cookie is no session id, or its signature is not ours.',
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
  session_unreadable: {
    code: 'verifier_unavailable',
    meaning: 'The record of the session cannot be read, or when it began cannot be found out.',
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
    meaning: 'The record of the API key cannot be read.',
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
    meaning: 'A part of the identity is not what `require.claims` of the route asks for.',
  },

  // The way to the upstream.
  body_malformed: {
    code: 'invalid_request',
    meaning: 'The body of the request cannot be forwarded as it was framed.',
  },
  body_too_large: {
    code: 'payload_too_large',
    meaning: 'The body of the request is larger than `server.limits.bodyBytes`.',
  },
  body_memory_full: {
    code: 'overloaded',
    meaning: 'Bodies on their way hold all of `SALLYPORT_BODY_MEMORY_MIB`.',
  },
  upstream_crowded: {
    code: 'overloaded',
    meaning: 'Too many requests wait for a connection to the upstream.',
  },
  upstream_unreachable: {
    code: 'upstream_unreachable',
    meaning: 'No connection to any target of the upstream came about.',
  },
  upstream_connection_lost: {
    code: 'upstream_connection_lost',
    meaning: 'The upstream closed the connection after it had the request, without an answer.',
  },
  upstream_protocol_error: {
    code: 'upstream_protocol_error',
    meaning: 'The upstream answered with something that is not valid HTTP.',
  },
  upstream_connect_timeout: {
    code: 'upstream_timeout',
    meaning: 'No connection to a target of the upstream was open within `connectTimeout`.',
  },
  upstream_timeout: {
    code: 'upstream_timeout',
    meaning: 'The upstream did not answer within `responseTimeout`.',
  },
} as const satisfies Record<string, RefusalReasonRow>

export type RefusalReason = keyof typeof REFUSAL_REASONS

/** Every reason, in the order of the table: metric labels, documents and tests iterate over it. */
export const REFUSAL_REASON_NAMES = Object.keys(REFUSAL_REASONS) as readonly RefusalReason[]
