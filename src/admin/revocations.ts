/**
 * Revocation of what was issued before its time is over.
 *
 *     POST /revocations          {"jti": "…", "issuer": "…"}, or sid, sub, or issuer alone    201
 *     POST /backchannel-logout   logout_token=…, from an issuer (OpenID Connect Back-Channel
 *                                Logout 1.0 §2.5); its signature takes the place of a token
 */
import type { LogoutReplayMemory } from '../revocation/logout-replay-memory.ts'
import { logoutRevocation } from '../revocation/logout-revocation.ts'
import {
  parseRevocation,
  REVOCATION_LIFE_MAX_SECONDS,
  type RevocationEntry,
  type RevocationPolicy,
} from '../revocation/revocation-entry.ts'
import type { RevocationReceipt } from '../revocation/revocation-feed.ts'
import type {
  LogoutTokenVerifier,
  VerifiedLogoutToken,
} from '../verifiers/logout/logout-token-verifier.ts'
import { type AdminRequest, type Answer, json, methodNotAllowed, problem } from './answer.ts'

export const REVOCATIONS = '/revocations'
export const BACKCHANNEL_LOGOUT = '/backchannel-logout'

/** What the supervisor does about revocations. */
export interface Revocations {
  readonly policy: RevocationPolicy
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

export function answerRevocations(revocations: Revocations, request: AdminRequest): Answer {
  if (request.reference !== '') return problem(404, 'Not found', 'Revocations cannot be read.')
  if (request.method !== 'POST') return methodNotAllowed(REVOCATIONS, 'POST')
  if (request.body === null) {
    return problem(400, 'Invalid request', 'The body must be a JSON object in application/json.')
  }
  // Sessions and API keys may live for as long as they like: no issuer bounds them.
  const policy =
    request.body['issuer'] === null
      ? { ...revocations.policy, credentialLifeMaxSeconds: REVOCATION_LIFE_MAX_SECONDS }
      : revocations.policy
  const parsed = parseRevocation(request.body, policy, revocations.nowSeconds())
  if (!parsed.ok) return problem(400, 'Invalid request', `${capitalised(parsed.message)}.`)
  const { entry } = parsed
  const { outcome, isSpread } = revocations.revoke(entry)
  if (outcome === 'full') return FULL
  const { kind, watermarkSeconds, untilSeconds } = entry
  return json(201, {
    kind,
    outcome,
    before: watermarkSeconds,
    until: untilSeconds,
    sentToOtherInstances: isSpread,
  })
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

function logOut(
  revocations: Revocations,
  { issuer, token }: VerifiedLogoutToken,
  nowSeconds: number,
): Answer {
  const until = token.expiresAtSeconds + issuer.clockToleranceSeconds
  const named = { issuer: issuer.issuer, jti: token.jti }
  const isSessionAlone = revocations.issuersWithSessions.has(issuer.name) || token.sub === null
  if (!isSessionAlone && !issuer.knowsSubjects) {
    return refused('subjects of this issuer are known by another claim than sub')
  }
  const replay = revocations.replays.remember(named, until, nowSeconds)
  if (replay === 'full') return FULL
  if (replay === 'replayed') return refused('replayed')
  // A session does not reach tokens that do not name one.
  const forms = isSessionAlone ? [token] : [token, { ...token, sid: null }]
  for (const form of forms) {
    const entry = logoutRevocation(form, issuer.issuer, revocations.policy, nowSeconds)
    if (entry === null || revocations.revoke(entry).outcome !== 'full') continue
    // It may be sent again when there is room.
    revocations.replays.forget(named)
    return FULL
  }
  return json(200, {})
}

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
