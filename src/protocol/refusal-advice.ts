/**
 * What an operator can do about each reason to refuse: one advice a reason. The compiler asks for a
 * row when a reason is added.
 */
import { IDENTITY_PARTS, type MistypedReason, type PartName } from './identity-parts.ts'
import type { RefusalReason } from './refusal-reason.ts'

const INSTANT_ADVICE = 'Have the login service write an instant: docs/credentials.md has the forms.'

const SESSION_PART_ADVICE = Object.fromEntries(
  IDENTITY_PARTS.map(({ name, kind, record }) => [
    `session_${name}_mistyped`,
    `Have the login service write \`${record}\` as ` +
      `${kind === 'text' ? 'text' : 'a list of text, or one text'}, or leave it out. With ` +
      `\`express-session\`, \`sessions.pointers.${name}\` names another place, or \`null\` for none.`,
  ]),
) as Readonly<Record<`session_${PartName}_mistyped`, string>>

const MISTYPED =
  'The step "claim" says what is where. Have the issuer send it in the right type, or take it ' +
  'from another place with `claims` of the issuer.'

const PART_MISTYPED = Object.fromEntries(
  IDENTITY_PARTS.map(({ mistyped }) => [mistyped, MISTYPED]),
) as Readonly<Record<MistypedReason, string>>

export const REFUSAL_ADVICE: Readonly<Record<RefusalReason, string>> = {
  // Before any route is found.
  request_malformed: 'Mend the client or the proxy in front: docs/routes.md says which paths pass.',
  uri_too_long: 'Shorten the URL, or raise `server.limits.urlBytes`.',
  headers_too_large: 'Send fewer or smaller fields, or raise `server.limits.headerBytes`.',
  method_unknown:
    'If a service behind takes the method, list it in `match.methods` of its route, in this case.',
  websocket_unsupported: 'Lead web sockets past the gateway, or let the page use an EventSource.',
  method_not_allowed: 'Use a method that `Allow` lists, or add it to `match.methods` of a route.',
  path_form_not_kept:
    'Have the client write the path without `%2F` and `//`; where the service takes them for ' +
    'data, set `encodedSlash: keep` or `emptySegments: keep` in `match` of the route.',
  route_not_found:
    'Compare host and path with `routes`: the first match wins, and paths are compared ' +
    'exactly, case and all.',
  path_ambiguous:
    'Have the client spell the path as the route does; where the service behind tells case ' +
    'apart, set `caseSensitive: true` on its routes.',

  // Calls of the decision endpoint.
  decision_peer_untrusted:
    'If this is a proxy of yours, list its address in `decision.trustedPeers`; if it is a client, ' +
    'give the endpoint a port of its own that clients do not reach.',
  decision_call_malformed:
    'Have the proxy set the field that `detail` names, once, from what it knows of the request: ' +
    'docs/decision.md says how, for each proxy.',

  // Where the request comes from.
  address_denied_by_route:
    'If the client should pass, change `allowFrom` or `denyFrom` of the route. If this is the ' +
    'address of a proxy, list it in `server.trustedProxies`.',
  address_denied_by_tenant:
    'Change `allowFrom` or `denyFrom` of the tenant. If this is the address of a proxy, list it ' +
    'in `server.trustedProxies`.',
  address_denied_by_key:
    'Use the key from where it may be used, or change the lists of its record. If this is the ' +
    'address of a proxy, list it in `server.trustedProxies`.',

  // Limits.
  rate_of_address:
    'Wait, or raise `perAddress`. If all clients seem to have one address, list the proxy in ' +
    'front in `server.trustedProxies`.',
  rate_of_username: 'Wait, or raise `perUsername` of the limit.',
  rate_of_tenant: 'Wait, or raise the own rate of the tenant, or `perTenant` of the limit.',
  rate_of_key: 'Wait, or raise the own rate of the API key, or `perKey` of the limit.',
  rate_of_all: 'Wait, or raise `global` of the limit: all clients share it.',
  rate_of_validation:
    'Wait. Look for a flood of new or bad tokens in the refusals; if all are good, raise ' +
    '`validation` of the limit.',
  address_locked:
    'The lock ends by itself. Look for what has failed from this address before; if many people ' +
    'share it, raise `failures.perAddress`.',
  username_locked:
    'The lock ends by itself. Somebody has tried many passwords of this user, or the user has ' +
    'forgotten theirs.',
  limit_field_absent: 'Send the user in the member of the body that `field` of the limit names.',
  limit_field_repeated: 'Name the user once, in the body, and not in the query as well.',
  limit_field_unreadable:
    'Send the body as JSON or as a form, in UTF-8, without a content encoding, and within seconds.',
  limit_field_too_far: 'Move the user to the beginning of the body: the first 64 KiB are read.',

  // The tenant of the request.
  tenant_absent:
    'Name the tenant in one of the places of `tenants.resolve`, or set `tenant: optional` on the ' +
    'route.',
  tenant_name_malformed:
    'Use a name of lower-case letters, digits, `-` and `_`, of 1 to 63 characters.',
  tenant_unknown: 'Add the tenant to `tenants.registry` or to Redis, or correct the name.',
  tenant_contradictory: 'Name one tenant, in the same spelling in every place of the request.',
  tenant_suspended: 'Set the status of the tenant to `active` when it may be served again.',
  tenant_undecided:
    'Look at the security log for `tenants_unreachable` and `tenants_unreadable`: Redis is down, ' +
    'or the record cannot be read.',

  // Where the credential is.
  credential_absent:
    'Send the credential in one of the places that were looked at. A proxy in front may have ' +
    'taken the field out.',
  session_absent:
    'Log in. If the browser has a cookie, compare its name, domain and path with ' +
    '`sessions.cookie`.',
  credential_repeated: 'Send one credential of a kind: one field, one cookie of that name.',
  credential_empty: 'The client sends a scheme without a token: it has none, or has lost it.',
  proof_scheme:
    'Have the issuer give this client plain bearer tokens, sent as `Bearer`. Where the service ' +
    'behind checks proofs, list the prefix `DPoP` in `credentials` of the route.',
  token_too_long: 'Have the issuer put less into tokens, or raise `server.limits.tokenBytes`.',
  session_cookie_too_long: 'No login of the gateway set this cookie: delete it, and log in.',
  api_key_too_long: 'This is no API key: look at what the client sends in its place.',
  cross_site:
    'If the page may send this, list its origin in `sessions.allowedOrigins`. Otherwise it was ' +
    'an attack, or a client without a browser that should not use cookies.',

  // The form of a token, and who may have issued it.
  token_syntax: 'The client sends something else than a token: quotes, blanks, or a whole object.',
  token_malformed: 'Send an access token that is a JWT: compare with the step "token".',
  token_header_malformed: 'The issuer, or somebody between, makes bad JSON: look at its header.',
  header_alg_unknown:
    'Have the issuer sign with an algorithm of `algorithms`. Ed448 and ES256K are not verified.',
  header_kid_malformed: 'Have the issuer name its keys with short printable text, or not at all.',
  header_typ_malformed: 'Have the issuer send `typ` as text, such as `JWT`, or leave it out.',
  header_crit_refused:
    'Have the issuer sign without critical extensions; an empty list is one too.',
  header_unencoded_refused: 'Have the issuer sign the encoded payload, which is the default.',
  header_zip_refused: 'Have the issuer send its tokens signed, and not compressed.',
  header_enc_refused: 'Have the issuer send its tokens signed, and not encrypted.',
  token_claims_malformed: 'The issuer, or somebody between, makes bad JSON: look at its payload.',
  token_unsecured: 'An attack, or an issuer that is set up for tests: have it sign its tokens.',
  token_kind_not_accepted: 'Add `jwt` or `introspection` to `authenticate` of the route.',
  algorithm_not_allowed:
    'If the issuer really signs with this algorithm, list it in `algorithms` of the issuer.',
  type_not_allowed:
    'Is it an access token, and not an ID token? If the issuer uses this `typ`, list it in ' +
    '`types` of the issuer.',
  issuer_not_accepted:
    'Compare `iss` with `issuer` in the configuration, character by character, the slash at the ' +
    'end included; and is the issuer one of the `issuers` of the route?',
  issuer_not_introspected:
    'The token is of an issuer that this route does not take: list it in `issuers` of the route.',

  // Keys and signature.
  key_unknown:
    'Fetch the key set of the issuer and look for the `kid`. A token of another environment ' +
    '(staging, production) looks just like this.',
  key_withdrawn: 'Obtain a new token: the issuer has withdrawn the key.',
  key_unfit: 'The issuer publishes this `kid` for another algorithm: look at its key set.',
  key_issuer_mismatch:
    'Look at `issuer` in the key set. Tokens of version 1 of Entra ID are checked with the keys at ' +
    '`/discovery/keys`, those of version 2 with `/discovery/v2.0/keys`.',
  keys_unavailable:
    'The gateway has no keys of the issuer: `check --online` says why. Is its host reachable ' +
    'from here, and its certificate trusted?',
  key_unsettled:
    'The issuer cannot be asked for newer keys just now, or was asked too often: try again in ' +
    'some seconds, then look at `check --online`.',
  signature_unsettled:
    'The issuer cannot be asked for newer keys just now, or was asked too often: try again in ' +
    'some seconds, then look at `check --online`.',
  key_without_place:
    'The issuers publish more keys than there is room for: `check --online` counts both.',
  signature_length: 'The token was cut or changed on its way, or is forged.',
  signature_invalid:
    'The token was changed on its way or is forged, or the issuer has replaced a key under the ' +
    'same `kid`.',
  verification_failed:
    'The verification threads are stuck or lost: look for `verification_thread_lost` in the ' +
    'security log.',
  verification_overloaded:
    'More new tokens come than can be verified: raise `SALLYPORT_VERIFY_THREADS`, or look for a ' +
    'flood.',
  verification_crowded: 'More new tokens come than can be verified: look for a flood.',

  // Claims.
  issuer_value_mismatch:
    'Compare `iss` with the claim that `issuerValues` of the issuer names: a token where they ' +
    'differ is forged, or that claim says something else.',
  audience_mismatch:
    'Have the client ask for a token for this API, or list its audience in `audiences` of the ' +
    'issuer. If the issuer sends no `aud` at all, list its clients in `clientIds`.',
  audience_not_of_route:
    'Have the client ask for a token for this service, or list its audience in `audiences` of the ' +
    'route.',
  client_not_accepted: 'If this client may call, list it in `clientIds` of the issuer.',
  token_bound:
    'Have the issuer give this client plain bearer tokens. `boundTokens: accept` of the issuer ' +
    'takes bound ones without their proof.',
  issuer_mismatch:
    'The endpoint answers for another issuer: compare `issuer` with `iss` of its answers.',
  foreign_kind_of_token: 'Send the access token: this is an ID, refresh or logout token.',
  required_claim_missing:
    'Have the issuer put the claim into its tokens, or take it out of `requiredClaims`.',
  subject_mistyped:
    'Have the issuer send the subject as text, or name the claim that has it in `claims.subject` ' +
    'of the issuer; where tokens have no `sub`, take that out of `requiredClaims`.',
  client_id_mistyped: MISTYPED,
  ...PART_MISTYPED,
  jti_mistyped: 'Have the issuer send `jti` as text.',
  sid_mistyped: 'Have the issuer send `sid` as text.',
  email_unverified:
    'Have the user verify the address, name another claim in `claims.subject` of the issuer, or ' +
    'set `unverifiedEmail: accept` there.',
  claim_untellable:
    'The step "claim" names it: `identity.headers.custom` or `identity.internalToken.claims` asks ' +
    'for it. Use `format: json` for an object, or another path.',
  exp_missing: 'Have the issuer send `exp`; only introspected tokens may have no end.',
  exp_mistyped: 'Have the issuer send `exp` as a number: seconds since 1970.',
  nbf_mistyped: 'Have the issuer send `nbf` as a number, seconds since 1970, or leave it out.',
  iat_mistyped: 'Have the issuer send `iat` as a number, seconds since 1970, or leave it out.',
  issued_in_future: 'Set the clocks of the issuer and of this machine; `clockTolerance` forgives.',
  token_expired: 'Have the client obtain a new token before `exp`. If it is new, set the clocks.',
  token_too_old: 'Have the client obtain a new token: it is older than `credentialLifetimeMax`.',
  token_not_yet_valid: 'Set the clocks of the issuer and of this machine.',

  // Introspection.
  token_inactive:
    'The issuer has ended the token or does not know it: obtain a new one. If it is new, ask ' +
    'whether it is of this issuer and environment.',
  introspection_unavailable:
    'The step "introspection" says what the endpoint did. Is it reachable, and are `clientId` ' +
    'and the secret right?',
  introspection_not_taken:
    'The endpoint, or a firewall before it, refuses this token: look at what it logs.',
  introspection_crowded:
    'More unknown tokens come than the endpoint is asked about: look for a flood, or raise ' +
    '`SALLYPORT_IDP_CONNECTIONS`.',
  unverified_not_permitted:
    'The endpoint is down, and the route requires scopes, roles or a tenant: mend the endpoint.',

  // Sessions and API keys.
  session_cookie_malformed:
    'Log in again. If all users get this, compare `sessions.format` and `sessions.cookie` with ' +
    'those of the login service.',
  session_cookie_foreign:
    'Another application may use a cookie of this name: give each its own. If all users get this, ' +
    'compare `sessions.secrets` with the secret of the login service, and its ids with ' +
    'docs/credentials.md.',
  session_not_found:
    'Log in again. If all users get this, compare `sessions.keyPrefix`, `keyHash` and the Redis ' +
    'database with those of the login service.',
  session_expired: 'Log in again, or raise `sessions.absoluteTtl`.',
  session_store_unavailable: 'Redis did not answer: `check --online` asks it as the gateway does.',
  session_undated: 'Redis did not answer: `check --online` asks it as the gateway does.',
  session_unreadable:
    'Is it `sessions.format` that the login service writes? Both formats are a text of Redis (`SET`, ' +
    'no hash) with one JSON object; PHP, Laravel and Django write other things.',
  session_too_large:
    'Keep carts and the like elsewhere, or raise `redis.recordBytes`: sessions are read each time.',
  session_version_unknown: 'A later version wrote it: finish the upgrade of all instances.',
  session_user_mistyped: 'Compare `sessions.pointers.userId` with what the login service writes.',
  session_created_mistyped: INSTANT_ADVICE,
  session_expires_mistyped: INSTANT_ADVICE,
  ...SESSION_PART_ADVICE,
  session_claims_mistyped:
    'The detail names the claim: `identity.headers.custom`, `identity.internalToken.claims` or ' +
    '`require.claims` asks for it. Use `format: json` for an object, or another path. Without a ' +
    'detail, have the login service write `claims` as an object.',
  api_key_unknown: 'The key is in neither the configuration nor Redis: was it withdrawn?',
  api_key_expired: 'Issue a new key, or move `expiresAt`.',
  api_key_store_unavailable: 'Redis did not answer: `check --online` asks it as the gateway does.',
  api_key_unreadable:
    'Correct what the detail names, in the record of the key in Redis or in `apiKeys.keys`: ' +
    'docs/credentials.md has its form.',

  // Revocation.
  token_revoked: 'Log in again for a new one. `DELETE /revocations/<id>` lifts a revocation.',
  revocation_undated: 'Redis does not answer, so it is not known which came first: try again.',
  revocations_not_learnt:
    'The instance is starting, or cannot reach Redis: wait until `/health/ready` says 200.',

  // Policy.
  tenant_of_another: 'The caller belongs to another tenant: use the credential there.',
  tenant_claim_absent:
    'Have the issuer send the tenant (`claims.tenant` of the issuer), or list the issuer at this ' +
    'tenant alone, or set `tenants.allowTokensWithoutTenant`.',
  tenant_issuer_foreign: 'List the issuer in `issuers` of the tenant, if it may vouch for it.',
  scope_missing:
    'Have the client ask for the scopes and the issuer grant them; or is `claims.scopes` of the ' +
    'issuer another claim?',
  role_missing: 'Grant the role at the issuer; or is `claims.roles` of the issuer another claim?',
  issuer_not_permitted: 'Use a credential of an issuer in `require.issuers` of the route.',
  claim_unsatisfied: 'Compare the step "policy" with `require.claims` of the route.',

  // The way to the upstream.
  body_malformed: 'Mend how the client frames its body (Content-Length, chunks).',
  body_too_large:
    'Send a smaller body, or raise `bodyBytes`: docs/upstreams.md says which one counts.',
  body_too_slow:
    'If such a client is to be waited for, raise `body` or `request` of `server.timeouts`, or lower ' +
    '`bodyMinRate`.',
  body_memory_full: 'Raise `SALLYPORT_BODY_MEMORY_MIB`, or look for slow upstreams and clients.',
  upstream_crowded:
    'The upstream is too slow for what comes: look at it, or raise ' +
    '`SALLYPORT_UPSTREAM_CONNECTIONS`.',
  upstream_unreachable: 'Is the upstream running, and its address in `targets` right?',
  upstream_connection_lost:
    'The upstream ended the connection: look at its log, and have its idle time be longer than ' +
    'that of the gateway.',
  upstream_protocol_error:
    'The cause in the log says what it sent. Does another protocol (TLS, HTTP/2) run at its port?',
  upstream_connect_timeout: 'The network drops connections to the upstream, or it is overwhelmed.',
  upstream_timeout: 'The upstream is too slow: look at it, or raise its `responseTimeout`.',
}
