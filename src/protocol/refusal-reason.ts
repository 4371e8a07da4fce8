/**
 * Why exactly the gateway refused a request: the one table beside the public codes.
 *
 * A client learns the code; the reason is for the operator, in logs and metrics. A code says what
 * the client can do about it, and no more: an answer that told what a forger got right would help
 * him. Like a code, a reason never carries anything of the request.
 */
import { CREDENTIAL_REFUSALS } from './credential-refusals.ts'
import type { RefusalReasonRow } from './refusal-row.ts'

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
  method_unknown: {
    code: 'method_not_implemented',
    meaning: 'No route of the configuration names the method, and it is none of the standard ones.',
  },
  websocket_unsupported: {
    code: 'websocket_not_supported',
    meaning: 'The request is the handshake of a web socket, which the gateway does not speak.',
  },
  method_not_allowed: {
    code: 'method_not_allowed',
    meaning: 'There are routes for host and path, and none for the method.',
  },
  path_form_not_kept: {
    code: 'invalid_request',
    meaning:
      'The path has an encoded slash or an empty segment, and the route does not keep them ' +
      '(`match.encodedSlash`, `match.emptySegments`).',
  },
  route_not_found: {
    code: 'route_not_found',
    meaning: 'No route matches host and path.',
  },
  path_ambiguous: {
    code: 'invalid_request',
    meaning: 'A service that reads paths less strictly would take this one for another route.',
  },

  // Calls of the decision endpoint. See docs/decision.md.
  decision_peer_untrusted: {
    code: 'invalid_request',
    meaning: 'A call of the decision endpoint comes from an address that is not in `trustedPeers`.',
  },
  decision_call_malformed: {
    code: 'invalid_request',
    meaning:
      'A call of the decision endpoint does not say which request it is about: the field that ' +
      '`detail` names is missing, repeated or malformed, or `path` is that of no kind of call.',
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

  // Limits of requests, and locks after failures.
  rate_of_address: {
    code: 'rate_limited',
    meaning: 'The client address has used up `perAddress` of the limit of the route.',
  },
  rate_of_username: {
    code: 'rate_limited',
    meaning: 'The user that the body names has used up `perUsername` of the limit of the route.',
  },
  rate_of_tenant: {
    code: 'rate_limited',
    meaning: 'The tenant has used up its own rate, or `perTenant` of the limit of the route.',
  },
  rate_of_key: {
    code: 'rate_limited',
    meaning: 'The API key has used up its own rate, or `perKey` of the limit of the route.',
  },
  rate_of_all: {
    code: 'rate_limited',
    meaning: 'All requests together have used up `global` of the limit of the route.',
  },
  rate_of_validation: {
    code: 'rate_limited',
    meaning: 'More credentials would have to be verified than `validation` of the limit allows.',
  },
  address_locked: {
    code: 'locked_out',
    meaning: 'Too many authentications from the client address have failed.',
  },
  username_locked: {
    code: 'locked_out',
    meaning: 'Too many authentications of the user that the body names have failed.',
  },
  limit_field_absent: {
    code: 'invalid_request',
    meaning: 'The body does not name the user whose requests are limited.',
  },
  limit_field_repeated: {
    code: 'invalid_request',
    meaning: 'The body names the user whose requests are limited in two ways.',
  },
  limit_field_unreadable: {
    code: 'invalid_request',
    meaning: 'The body is neither strict JSON nor a form in UTF-8, or came too slowly.',
  },
  limit_field_too_far: {
    code: 'invalid_request',
    meaning: 'The body is longer than the 64 KiB in which it must name its user.',
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

  // The credential, and what it says.
  ...CREDENTIAL_REFUSALS,

  // The way to the upstream.
  body_malformed: {
    code: 'invalid_request',
    meaning: 'The body of the request cannot be forwarded as it was framed.',
  },
  body_too_large: {
    code: 'payload_too_large',
    meaning: 'The body is larger than `bodyBytes` of the route, the upstream or `server.limits`.',
  },
  body_too_slow: {
    code: 'request_timeout',
    meaning:
      'The body came more slowly than `body`, `bodyMinRate` or `request` of the time-outs ask.',
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
