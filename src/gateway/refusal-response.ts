/** The answer of the gateway itself: one way to refuse, whatever the reason. */
import { STATUS_CODES } from 'node:http'
import { AUTH_ERROR_CODES, AUTH_ERRORS, type AuthErrorCode } from '../protocol/auth-error.ts'
import type { Challenges } from '../protocol/credential-challenges.ts'
import { PROBLEM_CONTENT_TYPE, problemDetails } from '../protocol/problem-details.ts'

export interface RefusalResponse {
  /** Status line without the version: `401 Unauthorized`. */
  readonly status: string
  readonly headers: readonly string[]
  readonly body: string
}

/** What one protected route says with its refusals. */
export interface RouteRefusals {
  readonly challenges: Challenges
  /** `Set-Cookie` that takes the session cookie away; `null` where sessions are not accepted. */
  readonly clearedCookie: string | null
}

/** After these, the cookie names nothing: a browser that kept it would be refused for ever. */
const ENDED_SESSIONS: ReadonlySet<AuthErrorCode> = new Set([
  'invalid_session_format',
  'session_not_found',
  'session_expired',
])

/** Seconds after which a client may try again what the gateway could not decide or deliver. */
const RETRY_AFTER_SECONDS = '1'

const STATUS_LINES: ReadonlyMap<AuthErrorCode, string> = new Map(
  AUTH_ERROR_CODES.map((code) => {
    const { status } = AUTH_ERRORS[code]
    return [code, `${status} ${STATUS_CODES[status] ?? 'Refused'}`]
  }),
)

/**
 * Renders a refusal. Every word follows from the code and the configuration.
 *
 * @param route What it says of refusals; `null` where no route is known, because a challenge
 *   speaks for a protected resource.
 */
export function refusalResponse(
  code: AuthErrorCode,
  requestId: string,
  route: RouteRefusals | null,
): RefusalResponse {
  const headers = [
    'content-type',
    PROBLEM_CONTENT_TYPE,
    // A refusal is about this request and this moment: no cache may keep it.
    'cache-control',
    'no-store',
    'x-request-id',
    requestId,
  ]
  const challenge = route?.challenges.get(code)
  if (challenge !== undefined) headers.push('www-authenticate', challenge)
  if (route !== null && route.clearedCookie !== null && ENDED_SESSIONS.has(code)) {
    headers.push('set-cookie', route.clearedCookie)
  }
  if (AUTH_ERRORS[code].retryable) headers.push('retry-after', RETRY_AFTER_SECONDS)
  return { status: STATUS_LINES.get(code) ?? '', headers, body: problemDetails(code, requestId) }
}
