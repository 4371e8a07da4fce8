/**
 * Revocation of what was issued before its time is over.
 *
 *     POST /revocations          {"jti": "…", "issuer": "…"}, or sid, sub, or issuer alone    201
 *     DELETE /revocations/<id>   see lift-revocation.ts                                       200
 *     POST /backchannel-logout   logout_token=…, from an issuer (OpenID Connect Back-Channel
 *                                Logout 1.0 §2.5); its signature takes the place of a token
 */
import type { LogoutReplayMemory } from '../revocation/logout-replay-memory.ts'
import { logoutRevocation } from '../revocation/logout-revocation.ts'
import {
  parseRevocation,
  parseRevocationName,
  type RevocationEntry,
} from '../revocation/revocation-entry.ts'
import type { RevocationReceipt } from '../revocation/revocation-feed.ts'
import type { RevocationScope } from '../revocation/revocation-scope.ts'
import type {
  LogoutTokenVerifier,
  VerifiedLogoutToken,
} from '../verifiers/logout/logout-token-verifier.ts'
import {
  type AdminRequest,
  type Answer,
  type AuditSubject,
  json,
  methodNotAllowed,
  problem,
} from './answer.ts'
import { type LiftableRevocations, liftRevocation } from './lift-revocation.ts'

const REVOCATIONS = '/revocations'
const BACKCHANNEL_LOGOUT = '/backchannel-logout'

/** What the supervisor does about revocations. */
export interface Revocations extends LiftableRevocations {
  readonly scope: RevocationScope
  readonly verifier: LogoutTokenVerifier
  readonly replays: LogoutReplayMemory
  nowSeconds(): number
  revoke(entry: RevocationEntry): RevocationReceipt
  /** Names of issuers whose access tokens carry the `sid` of a logout token. */
  readonly issuersWithSessions: ReadonlySet<string>
}

const FULL = problem(
  503,
  'Too many revocations',
  'The index is full. This revocation is not in force here.',
)

const SHARE_FULL = problem(
  503,
  'Too many revocations of this issuer',
  'The share of this issuer in the index is full; others are not concerned. This revocation is ' +
    'not in force here. Lift some, name an earlier end, or raise revocation.capacity.',
)

export async function answerRevocations(
  revocations: Revocations,
  request: AdminRequest,
): Promise<Answer> {
  if (request.method === 'DELETE') return liftRevocation(revocations, request)
  if (request.reference !== '') return problem(404, 'Not found', 'Revocations cannot be read.')
  if (request.method !== 'POST') return methodNotAllowed(REVOCATIONS, 'POST, DELETE')
  if (request.body === null) {
    return problem(400, 'Invalid request', 'The body must be a JSON object in application/json.')
  }
  const named = parseRevocationName(request.body)
  if (!named.ok) return problem(400, 'Invalid request', `${capitalised(named.message)}.`)
  const scoped = revocations.scope.policyOf(named.value)
  if (!scoped.ok) return problem(422, 'Nothing to revoke', `${capitalised(scoped.message)}.`)
  const parsed = parseRevocation(request.body, scoped.policy, revocations.nowSeconds())
  if (!parsed.ok) return problem(400, 'Invalid request', `${capitalised(parsed.message)}.`)
  const entry = { ...parsed.entry, issuer: revocations.scope.sharerOf(named.value.issuer) }
  const { outcome, isSent } = revocations.revoke(entry)
  const about = subjectOf(entry)
  if (outcome === 'full') return { ...FULL, about }
  if (outcome === 'share_full') return { ...SHARE_FULL, about }
  const { kind, key, watermarkSeconds, untilSeconds } = entry
  const told = json(201, {
    id: key,
    kind,
    outcome,
    before: watermarkSeconds,
    until: untilSeconds,
    sentToOtherInstances: await isSent,
  })
  return { ...told, about }
}

/** §2.7, §2.8: 200 when the logout is in force here, 400 when it is refused. */
export async function answerBackchannelLogout(
  revocations: Revocations,
  request: AdminRequest,
): Promise<Answer> {
  if (request.method !== 'POST') return methodNotAllowed(BACKCHANNEL_LOGOUT, 'POST')
  const tokens = request.form?.getAll('logout_token') ?? []
  const [text = ''] = tokens
  if (tokens.length !== 1 || text === '') return refused('one logout_token is needed, in a form')
  const nowSeconds = revocations.nowSeconds()
  const verified = await revocations.verifier.verify(text, nowSeconds)
  if (!verified.ok) {
    return verified.reason === 'unavailable' ? UNDECIDED : refused(verified.reason)
  }
  return logOut(revocations, verified, nowSeconds)
}

async function logOut(
  revocations: Revocations,
  { issuer, token }: VerifiedLogoutToken,
  nowSeconds: number,
): Promise<Answer> {
  const until = token.expiresAtSeconds + issuer.clockToleranceSeconds
  // A placeholder stands for more issuers than could each have a share.
  const share = issuer.template === null ? issuer.issuer : issuer.name
  const named = { issuer: share, jti: `${issuer.issuer}\n${token.jti}` }
  const isSessionAlone = revocations.issuersWithSessions.has(issuer.name) || token.sub === null
  // Without sid it is about the subject, whatever a logout is set to revoke.
  const isOfSubject = !isSessionAlone || token.sid === null
  if (isOfSubject && !issuer.knowsSubjects) return refused(OTHER_SUBJECTS)
  const policy = revocations.scope.logoutPolicyOf(issuer.issuer)
  // All that was issued to the subject before: that covers the session, which needs no entry.
  const form = isOfSubject ? { ...token, sid: null } : token
  const covered = policy && logoutRevocation(form, issuer.issuer, policy, nowSeconds)
  if (covered === null) return refused('this logout covers nothing')
  const entry = { ...covered, issuer: revocations.scope.sharerOf(issuer.issuer) }
  const replay = revocations.replays.remember(named, until, nowSeconds)
  if (replay === 'full') return SHARE_FULL
  if (replay === 'replayed') return refused('replayed')
  const { outcome, isSent } = revocations.revoke(entry)
  if (outcome === 'full' || outcome === 'share_full') {
    // It may be sent again when there is room.
    revocations.replays.forget(named)
    return { ...(outcome === 'full' ? FULL : SHARE_FULL), about: subjectOf(entry) }
  }
  const isEverywhere = outcome === 'expired' || (await isSent)
  return { ...json(200, { sentToOtherInstances: isEverywhere }), about: subjectOf(entry) }
}

function subjectOf({ kind, key }: RevocationEntry): AuditSubject {
  return { kind, digest: key }
}

const OTHER_SUBJECTS =
  'this logout covers nothing: subjects of this issuer are known by another claim than sub'

const UNDECIDED = json(503, {
  error: 'temporarily_unavailable',
  error_description: 'the keys of the issuer are not known',
})

function refused(description: string): Answer {
  return json(400, { error: 'invalid_request', error_description: description })
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
