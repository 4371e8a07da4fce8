/**
 * Every reason for which the gateway itself answers instead of an upstream: the one table.
 *
 * Status, challenge, wording, documentation and metric labels all follow from a row here. The
 * wording depends on the code alone, so that an answer can never carry a credential or a claim.
 */

interface AuthErrorRow {
  /** HTTP status sent to the client. */
  readonly status: number
  /**
   * RFC 6750 §3.1 `error` attribute. `null` means "send no error information": §3.1 asks for that
   * when the request carried no credential, and no such code exists for answers other than 400,
   * 401 and 403 about a credential.
   */
  readonly challengeError: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | null
  /** Whether repeating the same request unchanged could succeed. Drives `Retry-After`. */
  readonly retryable: boolean
  /** RFC 9457 `title`: the same words for every occurrence. */
  readonly title: string
  /** One sentence for the caller: what is wrong and what would help. */
  readonly message: string
}

export const AUTH_ERRORS = {
  missing_token: {
    status: 401,
    challengeError: null,
    retryable: false,
    title: 'Authentication required',
    message: 'This resource needs a credential and the request carried none.',
  },
  invalid_token: {
    status: 401,
    challengeError: 'invalid_token',
    retryable: false,
    title: 'Invalid token',
    message: 'The token is malformed, not acceptable here, or its signature does not verify.',
  },
  unknown_signing_key: {
    status: 401,
    challengeError: 'invalid_token',
    retryable: false,
    title: 'Unknown signing key',
    message: 'The token names a signing key that its issuer does not publish.',
  },
  invalid_claims: {
    status: 401,
    challengeError: 'invalid_token',
    retryable: false,
    title: 'Invalid claims',
    message: 'A claim of the token is missing, has the wrong type, or does not match this service.',
  },
  token_expired: {
    status: 401,
    challengeError: 'invalid_token',
    retryable: false,
    title: 'Token expired',
    message: 'The token has expired. Obtain a new one.',
  },
  token_not_yet_valid: {
    status: 401,
    challengeError: 'invalid_token',
    retryable: false,
    title: 'Token not yet valid',
    message: 'The token is not valid yet. Check the clocks of the client and the issuer.',
  },
  inactive_token: {
    status: 401,
    challengeError: 'invalid_token',
    retryable: false,
    title: 'Inactive token',
    message: 'Its issuer says that the token is not active: expired, revoked or unknown there.',
  },
  token_revoked: {
    status: 401,
    challengeError: 'invalid_token',
    retryable: false,
    title: 'Token revoked',
    message: 'The token was withdrawn before its time. Obtain a new one.',
  },
  no_session: {
    status: 401,
    challengeError: null,
    retryable: false,
    title: 'No session',
    message: 'This resource needs a session in which somebody is logged in. Log in.',
  },
  invalid_session_format: {
    status: 401,
    challengeError: null,
    retryable: false,
    title: 'Malformed session cookie',
    message: 'The session cookie is not one that a login has set. Log in again.',
  },
  session_not_found: {
    status: 401,
    challengeError: null,
    retryable: false,
    title: 'Session not found',
    message: 'The session has ended or never existed. Log in again.',
  },
  session_expired: {
    status: 401,
    challengeError: null,
    retryable: false,
    title: 'Session expired',
    message: 'The session is as old as a session may become. Log in again.',
  },
  invalid_api_key: {
    status: 401,
    challengeError: null,
    retryable: false,
    title: 'Invalid API key',
    message: 'The API key is not known here, or has expired.',
  },
  invalid_request: {
    status: 400,
    challengeError: 'invalid_request',
    retryable: false,
    title: 'Invalid request',
    message: 'The request is malformed or ambiguous.',
  },
  tenant_not_identified: {
    status: 400,
    challengeError: null,
    retryable: false,
    title: 'Tenant not identified',
    message: 'This resource belongs to a tenant and the request names none.',
  },
  insufficient_scope: {
    status: 403,
    challengeError: 'insufficient_scope',
    retryable: false,
    title: 'Insufficient scope',
    message: 'The credential is good but does not grant what this resource requires.',
  },
  csrf_rejected: {
    status: 403,
    challengeError: null,
    retryable: false,
    title: 'Cross-site request rejected',
    message: 'A request that changes something and carries a cookie must come from a known site.',
  },
  address_denied: {
    status: 403,
    challengeError: null,
    retryable: false,
    title: 'Address denied',
    message: 'This resource, its tenant or the API key may not be used from this network address.',
  },
  tenant_suspended: {
    status: 403,
    challengeError: null,
    retryable: false,
    title: 'Tenant suspended',
    message: 'The tenant that the request names is suspended.',
  },
  tenant_mismatch: {
    status: 403,
    challengeError: null,
    retryable: false,
    title: 'Wrong tenant',
    message: 'The credential is not one for the tenant that the request names.',
  },
  tenant_not_found: {
    status: 404,
    challengeError: null,
    retryable: false,
    title: 'No such tenant',
    message: 'The request names a tenant that does not exist here.',
  },
  route_not_found: {
    status: 404,
    challengeError: null,
    retryable: false,
    title: 'No such route',
    message: 'No route of this gateway matches the request.',
  },
  method_not_allowed: {
    status: 405,
    challengeError: null,
    retryable: false,
    title: 'Method not allowed',
    message: 'This resource does not take the method of the request. `Allow` lists those it takes.',
  },
  request_timeout: {
    status: 408,
    challengeError: null,
    // Unchanged and on the same link it would take as long.
    retryable: false,
    title: 'Request timeout',
    message: 'The request body came more slowly than this gateway waits for.',
  },
  payload_too_large: {
    status: 413,
    challengeError: null,
    retryable: false,
    title: 'Payload too large',
    message: 'The request body is larger than this gateway accepts.',
  },
  uri_too_long: {
    status: 414,
    challengeError: null,
    retryable: false,
    title: 'URI too long',
    message: 'The request target is longer than this gateway accepts.',
  },
  headers_too_large: {
    status: 431,
    challengeError: null,
    retryable: false,
    title: 'Request header fields too large',
    message: 'The request has more or larger header fields than this gateway accepts.',
  },
  rate_limited: {
    status: 429,
    challengeError: null,
    retryable: true,
    title: 'Too many requests',
    message: 'A limit of requests is reached. Try again later.',
  },
  locked_out: {
    status: 429,
    challengeError: null,
    retryable: true,
    title: 'Locked out',
    message: 'Too many attempts have failed. Try again later.',
  },
  method_not_implemented: {
    status: 501,
    challengeError: null,
    retryable: false,
    title: 'Method not implemented',
    message: 'No resource of this gateway takes the method of the request.',
  },
  websocket_not_supported: {
    status: 501,
    challengeError: null,
    retryable: false,
    title: 'Web sockets not supported',
    message: 'This gateway does not speak the WebSocket protocol.',
  },
  upstream_unreachable: {
    status: 502,
    challengeError: null,
    retryable: true,
    title: 'Upstream unreachable',
    message: 'The service behind this gateway could not be reached.',
  },
  upstream_connection_lost: {
    status: 502,
    challengeError: null,
    // Whether the request took effect is unknown, so the client is not invited to repeat it.
    retryable: false,
    title: 'Connection to the upstream lost',
    message:
      'The request was sent to the service behind this gateway, and the connection was lost before ' +
      'it answered. The request may have taken effect.',
  },
  upstream_protocol_error: {
    status: 502,
    challengeError: null,
    retryable: false,
    title: 'Upstream protocol error',
    message: 'The service behind this gateway gave an answer that is not valid HTTP.',
  },
  verifier_unavailable: {
    status: 503,
    challengeError: null,
    retryable: true,
    title: 'Verification unavailable',
    message: 'The credential cannot be verified right now. It has not been judged.',
  },
  overloaded: {
    status: 503,
    challengeError: null,
    retryable: true,
    title: 'Overloaded',
    message: 'The gateway has more work than it can take. Try again shortly.',
  },
  upstream_timeout: {
    status: 504,
    challengeError: null,
    // As with a connection that was lost.
    retryable: false,
    title: 'Upstream timeout',
    message:
      'The service behind this gateway did not answer in time. The request may have taken effect.',
  },
} as const satisfies Record<string, AuthErrorRow>

export type AuthErrorCode = keyof typeof AUTH_ERRORS

/** Every code, in the order of the table: metric labels, documents and tests iterate over it. */
export const AUTH_ERROR_CODES = Object.keys(AUTH_ERRORS) as readonly AuthErrorCode[]
