/** Headers, claims and records of sessions that a decision refuses for what they say, by reason. */
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import type { Asked, Case } from './explain-rig.ts'

type Members = Readonly<Record<string, unknown>>

/** Each a change of a good token, and the step that tells of it. */
const REFUSED_TOKENS: readonly (readonly [RefusalReason, Members, Members, RegExp])[] = [
  ['header_alg_unknown', { alg: 'none' }, {}, /no header alg "none" is none that the gateway/],
  ['header_kid_malformed', { kid: 7 }, {}, /no header kid is not a text of 1 to 256 visible/],
  ['header_typ_malformed', { typ: ['JWT'] }, {}, /no header typ is no text/],
  ['header_crit_refused', { crit: [] }, {}, /no header crit is there/],
  ['header_unencoded_refused', { b64: true }, {}, /no header b64 is there/],
  ['header_zip_refused', { zip: null }, {}, /no header zip is there/],
  ['header_enc_refused', { enc: 'A256GCM' }, {}, /no header enc is there/],
  ['exp_missing', {}, { exp: null }, /no claim exp: absent/],
  ['exp_mistyped', {}, { exp: '1' }, /no claim exp: .*seconds since 1970/],
  ['nbf_mistyped', {}, { nbf: '1' }, /no claim nbf: .*seconds since 1970/],
  ['iat_mistyped', {}, { iat: {} }, /no claim iat: .*seconds since 1970/],
]

/** As stored, each under {@link sessionIdOf} its reason. */
export const REFUSED_SESSIONS: readonly (readonly [RefusalReason, string])[] = [
  ['session_unreadable', 'not JSON'],
  ['session_too_large', record({ cart: 'x'.repeat(70_000) })],
  ['session_version_unknown', record({ version: 2 })],
  ['session_user_mistyped', record({ userId: 7 })],
  ['session_created_mistyped', record({ createdAt: 'soon' })],
  ['session_expires_mistyped', record({ expiresAt: '' })],
  ['session_email_mistyped', record({ email: ['a@b'] })],
  ['session_roles_mistyped', record({ roles: { admin: true } })],
  ['session_scopes_mistyped', record({ scopes: 7 })],
  ['session_tenant_mistyped', record({ tenantId: true })],
  ['session_organisation_mistyped', record({ organisationId: {} })],
  ['session_claims_mistyped', record({ claims: { department: { secret: 'x' } } })],
]

/** @param tokenWith A good token with these members of its header and its claims. */
export function refusedTokenCases(
  tokenWith: (header: Members, claims: Members) => Asked,
): readonly Case[] {
  return REFUSED_TOKENS.map(([reason, header, claims, step]) => {
    return [reason, '/token/x', () => tokenWith(header, claims), step]
  })
}

/** @param cookie Of this session id. */
export function refusedSessionCases(cookie: (id: string) => Asked): readonly Case[] {
  return REFUSED_SESSIONS.map(([reason]) => {
    const step = new RegExp(`no session its record cannot be used: ${reason}`)
    return [reason, '/session/x', () => cookie(sessionIdOf(reason)), step]
  })
}

/** A session id that says why its session is refused. */
export function sessionIdOf(reason: RefusalReason): string {
  return `the-session-of-${reason}`
}

function record(members: Members): string {
  return JSON.stringify({ userId: 'alice', ...members })
}
